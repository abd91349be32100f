package mx.semanas.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * The one way in which every unary call goes out, with deadline and retries. The deadline spans all
 * tries; a wait that would pass it is not begun, so that the caller gets the real reason and not
 * the deadline's.
 */
final class UnaryCall<Q, R, T> implements Connection.Underway {
  /** Whether a call may be made again. */
  enum Repeat {
    /** As often as the policy says. */
    HARMLESS,
    /** Only after the server itself said that it did not do it: a second try may buy twice. */
    ON_SERVERS_WORD,
    /** Not at all: whoever asks wants to know it as it is. */
    NEVER
  }

  /** The server is told the deadline and keeps it too: its word may come this much before ours. */
  private static final long DEADLINE_LEAD_MS = 20;

  private final Connection connection;
  private final Settings settings;
  private final MethodDescriptor<Q, R> method;
  private final Repeat repeat;
  private final Q request;
  private final Function<R, T> read;
  private final Channel channel;
  private final Context context = Context.current();
  private final Deadline deadline;
  private final CompletableFuture<T> result = new CompletableFuture<>();

  private int number;
  private ClientCall<Q, R> current;
  private ScheduledFuture<?> pause;
  private String cancelled;

  UnaryCall(
      Connection connection,
      Settings settings,
      MethodDescriptor<Q, R> method,
      Repeat repeat,
      Q request,
      Function<R, T> read) {
    this.connection = connection;
    this.settings = settings;
    this.method = method;
    this.repeat = repeat;
    this.request = request;
    this.read = read;
    this.channel =
        settings
            .tracing()
            .map(tracing -> ClientInterceptors.intercept(connection.channel(), tracing.ofCall()))
            .orElse(connection.channel());
    this.deadline = deadline(settings.unaryDeadline(), context.getDeadline());
  }

  private static Deadline deadline(Optional<Duration> span, Deadline callers) {
    if (span.isEmpty()) {
      return callers;
    }
    Deadline ours = Deadline.after(Spans.nanos(span.get()), TimeUnit.NANOSECONDS);
    return callers == null ? ours : ours.minimum(callers);
  }

  /** Begins. Whoever completes or cancels the future ends the call. */
  CompletableFuture<T> begin() {
    result.whenComplete((value, failed) -> cancel("the caller cancelled"));
    if (!connection.enter(this)) {
      result.completeExceptionally(Errors.cancelled("the client is closed"));
      return result;
    }
    attempt();
    return result;
  }

  @Override
  public void endWithClient() {
    cancel("the client is closed");
  }

  private void attempt() {
    synchronized (this) {
      pause = null;
      if (cancelled != null) {
        return;
      }
      number++;
      connection.refresh();
      ConnectGuard guard = new ConnectGuard(connection, settings);
      CallOptions options = guard.on(CallOptions.DEFAULT);
      if (deadline != null) {
        options = options.withDeadline(deadline);
      }
      current = channel.newCall(method, options);
      current.start(new Listener(guard), new Metadata());
      current.request(2);
      current.sendMessage(request);
      current.halfClose();
      guard.watch(current);
    }
  }

  /** Ends the attempt or the wait that is under way. */
  private void cancel(String why) {
    ClientCall<Q, R> ended;
    synchronized (this) {
      if (cancelled != null) {
        return;
      }
      cancelled = why;
      ended = current;
      Connection.stop(pause);
    }
    connection.leave(this);
    if (ended != null) {
      ended.cancel(why, null);
    }
    result.completeExceptionally(Errors.cancelled(why));
  }

  private void settle(R answer, SemanasException failed) {
    Optional<Duration> wait = failed == null ? Optional.empty() : delay(failed);
    boolean isAgain;
    synchronized (this) {
      current = null;
      isAgain = wait.isPresent() && cancelled == null;
    }
    Status.Code code = failed == null ? Status.Code.OK : failed.code().orElse(Status.Code.UNKNOWN);
    settings.tell(
        new Attempt(
            method.getBareMethodName(),
            number,
            code,
            Optional.ofNullable(failed),
            isAgain ? wait : Optional.empty()));
    if (isAgain) {
      again(wait.get());
    } else if (failed != null) {
      result.completeExceptionally(failed);
    } else {
      complete(answer);
    }
  }

  private void complete(R answer) {
    try {
      result.complete(read.apply(answer));
    } catch (SemanasException unusable) {
      result.completeExceptionally(unusable);
    }
  }

  private void again(Duration wait) {
    synchronized (this) {
      if (cancelled == null) {
        pause = connection.after(wait.toNanos(), () -> context.run(this::attempt));
        return;
      }
    }
    result.completeExceptionally(Errors.cancelled(cancelled));
  }

  private Optional<Duration> delay(SemanasException failed) {
    boolean mayRepeat =
        switch (repeat) {
          case HARMLESS -> true;
          case ON_SERVERS_WORD -> failed.isOfSemanas();
          case NEVER -> false;
        };
    if (!mayRepeat) {
      return Optional.empty();
    }
    double jitter = ThreadLocalRandom.current().nextDouble();
    return settings.retry().retryDelay(failed, number, jitter).filter(this::fits);
  }

  private boolean fits(Duration wait) {
    return deadline == null || deadline.timeRemaining(TimeUnit.NANOSECONDS) > wait.toNanos();
  }

  private final class Listener extends ClientCall.Listener<R> {
    private final ConnectGuard guard;
    private R answer;

    Listener(ConnectGuard guard) {
      this.guard = guard;
    }

    @Override
    public void onMessage(R message) {
      connection.heard();
      answer = message;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      guard.over();
      if (!status.isOk()) {
        settle(null, named(guard.named(Errors.of(status, trailers))));
      } else if (answer == null) {
        settle(null, Errors.noAnswer());
      } else {
        settle(answer, null);
      }
    }

    /** When the deadline has passed, that is what ended the call, whatever others made of it. */
    private SemanasException named(SemanasException read) {
      boolean mayBeLate =
          read instanceof SemanasException.Cancelled
              || read instanceof SemanasException.DeadlineExceeded;
      if (!mayBeLate || read.isOfSemanas()) {
        return read;
      }
      boolean isLate =
          deadline != null && deadline.timeRemaining(TimeUnit.MILLISECONDS) < DEADLINE_LEAD_MS;
      return isLate ? Errors.tooLate() : read;
    }
  }
}
