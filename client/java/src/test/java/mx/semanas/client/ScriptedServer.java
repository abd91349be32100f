package mx.semanas.client;

import com.google.protobuf.Message;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import mx.semanas.v1.OperationsServiceGrpc;
import mx.semanas.v1.WorkHistoryServiceGrpc;

/** A real server on loopback that does what its script says, a call after the other. */
final class ScriptedServer implements AutoCloseable {
  private static final long PATIENCE_NANOS = 20_000_000_000L;

  /** What one call gets. */
  interface Action {
    void run(Message request, ServerCallStreamObserver<Message> answer);
  }

  /** What was seen of a call. */
  static final class Seen {
    final String method;
    final Metadata headers;
    final Deadline deadline;
    final CompletableFuture<Void> cancelled = new CompletableFuture<>();
    Message request;

    Seen(String method, Metadata headers, Deadline deadline) {
      this.method = method;
      this.headers = headers;
      this.deadline = deadline;
    }

    String header(String name) {
      return headers.get(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
    }

    boolean isCancelled() {
      await("the call to be cancelled", cancelled::isDone);
      return true;
    }
  }

  private static final Context.Key<Seen> SEEN = Context.key("seen");

  private final Server server;
  private final String scheme;
  private final Map<String, Deque<Action>> script = new HashMap<>();
  final List<Seen> seen = new CopyOnWriteArrayList<>();

  ScriptedServer() {
    this(null);
  }

  ScriptedServer(ServerCredentials credentials) {
    this(credentials, 0);
  }

  /** On that port; 0 is a free one. */
  ScriptedServer(ServerCredentials credentials, int port) {
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    NettyServerBuilder building =
        credentials == null
            ? NettyServerBuilder.forAddress(address)
            : NettyServerBuilder.forAddress(address, credentials);
    scheme = credentials == null ? "http" : "https";
    try {
      server =
          building
              .fallbackHandlerRegistry(new Methods())
              .intercept(new Watching())
              .maxInboundMessageSize(1 << 20)
              .build()
              .start();
    } catch (IOException failed) {
      throw new IllegalStateException(failed);
    }
  }

  int port() {
    return server.getPort();
  }

  SemanasClientBuilder client() {
    return SemanasClient.builder(scheme + "://localhost:" + port());
  }

  /** The next call of the method gets this; the last action is repeated. */
  ScriptedServer on(String method, Action... actions) {
    synchronized (script) {
      script.computeIfAbsent(method, name -> new ArrayDeque<>()).addAll(List.of(actions));
    }
    return this;
  }

  static Action give(Message... messages) {
    return (request, answer) -> {
      for (Message message : messages) {
        answer.onNext(message);
      }
      answer.onCompleted();
    };
  }

  static Action fail(RuntimeException status, Message... first) {
    return (request, answer) -> {
      for (Message message : first) {
        answer.onNext(message);
      }
      answer.onError(status);
    };
  }

  static Action fail(Status.Code code) {
    return fail(code.toStatus().withDescription("so it is").asRuntimeException());
  }

  /** Says this and then nothing more. */
  static Action silence(Message... first) {
    return (request, answer) -> {
      for (Message message : first) {
        answer.onNext(message);
      }
    };
  }

  static void await(String what, BooleanSupplier state) {
    long until = System.nanoTime() + PATIENCE_NANOS;
    while (!state.getAsBoolean()) {
      if (System.nanoTime() > until) {
        throw new AssertionError("waited in vain for " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  Seen call(int number) {
    await("call " + number, () -> seen.size() >= number);
    return seen.get(number - 1);
  }

  private void run(String method, Message request, ServerCallStreamObserver<Message> answer) {
    Seen here = SEEN.get();
    here.request = request;
    answer.setOnCancelHandler(() -> here.cancelled.complete(null));
    seen.add(here);
    Action action;
    synchronized (script) {
      Deque<Action> actions = script.get(method);
      if (actions == null) {
        answer.onError(Status.UNIMPLEMENTED.asRuntimeException());
        return;
      }
      action = actions.size() > 1 ? actions.poll() : actions.peek();
    }
    action.run(request, answer);
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static final class Watching implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      Seen here =
          new Seen(
              call.getMethodDescriptor().getBareMethodName(),
              headers,
              Context.current().getDeadline());
      return Contexts.interceptCall(Context.current().withValue(SEEN, here), call, headers, next);
    }
  }

  private final class Methods extends HandlerRegistry {
    @Override
    @SuppressWarnings("unchecked")
    public ServerMethodDefinition<?, ?> lookupMethod(String fullName, String authority) {
      for (var service :
          List.of(
              WorkHistoryServiceGrpc.getServiceDescriptor(),
              OperationsServiceGrpc.getServiceDescriptor())) {
        for (MethodDescriptor<?, ?> method : service.getMethods()) {
          if (method.getFullMethodName().equals(fullName)) {
            return define((MethodDescriptor<Message, Message>) method);
          }
        }
      }
      return null;
    }

    private ServerMethodDefinition<Message, Message> define(
        MethodDescriptor<Message, Message> method) {
      String name = method.getBareMethodName();
      ServerCallHandler<Message, Message> handler =
          method.getType() == MethodDescriptor.MethodType.UNARY
              ? ServerCalls.asyncUnaryCall(
                  (request, answer) ->
                      run(name, request, (ServerCallStreamObserver<Message>) answer))
              : ServerCalls.asyncServerStreamingCall(
                  (request, answer) ->
                      run(name, request, (ServerCallStreamObserver<Message>) answer));
      return ServerMethodDefinition.create(method, handler);
    }
  }
}
