package mx.semanas.client.testing;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import mx.semanas.client.SemanasClient;

/**
 * A server on a free port of this machine, for the tests of programs that call one.
 *
 * <pre>{@code
 * try (SemanasServer server = SemanasServer.start(new FakeWorkHistories());
 *     SemanasClient client = server.client()) {
 *   ...
 * }
 * }</pre>
 */
public final class SemanasServer implements AutoCloseable {
  /** The program is built for debugging, perhaps, on a machine that is busy. */
  private static final long START_SECONDS_MAX = 60;

  private static final long STOP_SECONDS_MAX = 20;

  /** The one line that {@code semanas demo --serve} prints. */
  private static final String SERVES_AT = "SEMANAS_SERVER=";

  private final String endpoint;
  private final boolean isReal;
  private final Runnable stop;

  private SemanasServer(String endpoint, boolean isReal, Runnable stop) {
    this.endpoint = endpoint;
    this.isReal = isReal;
    this.stop = stop;
  }

  /**
   * Starts the real server with its sandbox where the program is at hand (the environment's {@code
   * SEMANAS_BIN}, else {@code semanas} on the path), else the fake.
   *
   * @param fake the services of the fake, such as {@link FakeWorkHistories}
   * @return the server
   */
  public static SemanasServer start(BindableService... fake) {
    return program().isPresent() ? startReal() : startFake(fake);
  }

  /**
   * Starts the real server with its sandbox.
   *
   * @return the server
   * @throws IllegalStateException if the program is not at hand, or does not serve
   */
  public static SemanasServer startReal() {
    File program =
        program()
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "the program semanas is not on the path: install it, or set SEMANAS_BIN"
                            + " to where it is"));
    try {
      return run(program);
    } catch (IOException failed) {
      throw new UncheckedIOException("cannot start " + program, failed);
    }
  }

  /**
   * Starts the fake.
   *
   * @param services what it serves, such as {@link FakeWorkHistories}; the health service is added
   * @return the server
   */
  public static SemanasServer startFake(BindableService... services) {
    NettyServerBuilder building =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    building.addService(FakeHealth.service()).intercept(new Thrown());
    for (BindableService service : services) {
      building.addService(service);
    }
    try {
      Server server = building.build().start();
      return new SemanasServer("http://127.0.0.1:" + server.getPort(), false, server::shutdownNow);
    } catch (IOException failed) {
      throw new UncheckedIOException("no free port", failed);
    }
  }

  private static Optional<File> program() {
    String named = System.getenv("SEMANAS_BIN");
    if (named != null && !named.isEmpty()) {
      File program = new File(named);
      if (!program.canExecute()) {
        throw new IllegalStateException("SEMANAS_BIN names no program: " + named);
      }
      return Optional.of(program);
    }
    String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
    for (String folder : path.split(File.pathSeparator, -1)) {
      File program = new File(folder, "semanas");
      if (program.isFile() && program.canExecute()) {
        return Optional.of(program);
      }
    }
    return Optional.empty();
  }

  private static SemanasServer run(File program) throws IOException {
    Process process =
        new ProcessBuilder(
                program.getPath(), "demo", "--serve", "--listen", "127.0.0.1:0", "--latency", "0")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    // It ends with its input, so that nothing is left behind by a test that was killed.
    Runnable stop = () -> end(process);
    BufferedReader output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    CompletableFuture<String> first =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return output.readLine();
              } catch (IOException failed) {
                throw new UncheckedIOException(failed);
              }
            });
    String line = null;
    try {
      line = first.get(START_SECONDS_MAX, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException silent) {
      line = null;
    }
    if (line == null || !line.startsWith(SERVES_AT)) {
      process.destroyForcibly();
      throw new IllegalStateException(
          program + " demo --serve does not serve; it said: " + line + ", and more on stderr");
    }
    return new SemanasServer(line.substring(SERVES_AT.length()), true, stop);
  }

  private static void end(Process process) {
    try {
      process.getOutputStream().close();
      if (!process.waitFor(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException gone) {
      process.destroyForcibly();
    } catch (InterruptedException hurry) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Where it is.
   *
   * @return for {@link SemanasClient#builder}
   */
  public String endpoint() {
    return endpoint;
  }

  /**
   * Whether it is the semanas program with its sandbox.
   *
   * @return false for a fake
   */
  public boolean isReal() {
    return isReal;
  }

  /**
   * A new client of it, with the default options.
   *
   * @return the client; close it
   */
  public SemanasClient client() {
    return SemanasClient.builder(endpoint).build();
  }

  /** Stops it. */
  @Override
  public void close() {
    stop.run();
  }
}
