package mx.semanas.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.SynchronizationContext;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;

/**
 * A stream that survives its connections: it resumes with the last cursor, notices silence, and
 * knows when to give up. What the messages mean is {@link Follower}'s.
 *
 * <p>It reads a message only while its reader wants an update, so that a slow reader holds back the
 * server by gRPC's flow control. Everything happens in one order ({@link #order}), one thing at a
 * time, in whichever thread brings it.
 */
final class WatchCall<Q, M, U> implements Connection.Underway {
  /** How long a stream that has said all may take to end, before it is cancelled. */
  private static final long FAREWELL_NANOS = 2_000_000_000L;

  /** Who reads. Never called by two threads at once, nor after {@link #end}. */
  interface Reader<U> {
    void next(U update);

    /** Nothing follows; null when all was said. */
    void end(SemanasException failed);
  }

  private final Connection connection;
  private final Settings settings;
  private final MethodDescriptor<Q, M> method;
  private final Follower<M, U> follower;
  private final Function<String, Q> requestFrom;
  private final Reader<U> reader;
  private final Channel channel;
  private final Context context = Context.current();
  private final SynchronizationContext order;

  /** Updates that the reader wants and has not got. */
  private long wanted;

  /** The stream that is open, if any. */
  private Stream current;

  /** Until the stream is opened again. */
  private ScheduledFuture<?> pause;

  private boolean hasBegun;
  private boolean isOver;

  /** Streams opened altogether. */
  private int opened;

  /** The call of the open stream, for a cancel that does not wait for its turn in the order. */
  private volatile ClientCall<Q, M> live;

  /** Set at once by a cancel: nothing is heard any more. */
  private volatile boolean isCancelled;

  WatchCall(
      Connection connection,
      Settings settings,
      MethodDescriptor<Q, M> method,
      Follower<M, U> follower,
      Function<String, Q> requestFrom,
      Reader<U> reader) {
    this.connection = connection;
    this.settings = settings;
    this.method = method;
    this.follower = follower;
    this.requestFrom = requestFrom;
    this.reader = reader;
    this.channel =
        settings
            .tracing()
            .map(tracing -> ClientInterceptors.intercept(connection.channel(), tracing.ofCall()))
            .orElse(connection.channel());
    this.order = new SynchronizationContext((thread, defect) -> fail(defect));
  }

  String cursor() {
    return follower.cursor();
  }

  /** Lets the reader have that many updates more. The first request opens the stream. */
  void request(long updates) {
    order.execute(
        () -> {
          wanted = wanted + updates < 0 ? Long.MAX_VALUE : wanted + updates;
          if (isOver) {
            return;
          }
          if (!hasBegun) {
            hasBegun = true;
            if (connection.enter(this)) {
              open();
            } else {
              finish(Errors.cancelled("the client is closed"));
            }
          } else if (current != null) {
            current.ask();
          }
        });
  }

  /** Ends the stream at once. The reader hears no more of it. */
  void cancel() {
    cancel("the reader has left", false);
  }

  @Override
  public void endWithClient() {
    cancel("the client is closed", true);
  }

  private void cancel(String why, boolean tellsReader) {
    isCancelled = true;
    ClientCall<Q, M> running = live;
    if (running != null) {
      running.cancel(why, null);
    }
    order.execute(
        () -> {
          if (isOver) {
            return;
          }
          SemanasException failed = tellsReader ? Errors.cancelled(why) : null;
          if (current != null) {
            current.release(why);
            tell(failed, Optional.empty());
          }
          if (tellsReader) {
            finish(failed);
          } else {
            leave();
          }
        });
  }

  /** What a reader, an interceptor or a source of tokens throws ends the watch. */
  private void fail(Throwable defect) {
    order.execute(
        () -> {
          if (current != null) {
            current.release("a callback failed");
          }
          if (!isOver) {
            finish(Errors.of(defect));
          }
        });
  }

  private void open() {
    pause = null;
    connection.refresh();
    opened++;
    ConnectGuard guard = new ConnectGuard(connection, settings);
    ClientCall<Q, M> call = channel.newCall(method, guard.on(CallOptions.DEFAULT));
    current = new Stream(call, guard);
    call.start(current, new Metadata());
    live = call;
    current.ask();
    call.sendMessage(requestFrom.apply(follower.cursor()));
    call.halfClose();
    guard.watch(call);
  }

  private void handle(M message) {
    Follower.Step<U> step = follower.step(message);
    if (step instanceof Follower.Step.Give<U> give) {
      wanted = wanted == Long.MAX_VALUE ? wanted : wanted - 1;
      reader.next(give.update());
      if (current != null) {
        current.ask();
      }
    } else if (step instanceof Follower.Step.GiveLast<U> last) {
      current.sayFarewell();
      tell(null, Optional.empty());
      leave();
      reader.next(last.update());
      reader.end(null);
    } else if (step instanceof Follower.Step.Broken<U> broken) {
      recover(broken.why());
    } else {
      current.ask();
    }
  }

  /** Lets go of the stream, and opens it again after a while, or ends where that is of no use. */
  private void recover(SemanasException why) {
    current.release("the stream is resumed");
    Optional<Duration> wait = follower.resumeDelay(why, ThreadLocalRandom.current().nextDouble());
    tell(why, wait);
    if (wait.isEmpty()) {
      finish(why);
      return;
    }
    Runnable again =
        () -> {
          if (!isOver && !isCancelled) {
            context.run(this::open);
          }
        };
    pause = connection.after(wait.get().toNanos(), () -> order.execute(again));
  }

  private void tell(SemanasException failed, Optional<Duration> wait) {
    Status.Code code = failed == null ? Status.Code.OK : failed.code().orElse(Status.Code.UNKNOWN);
    settings.tell(
        new Attempt(method.getBareMethodName(), opened, code, Optional.ofNullable(failed), wait));
  }

  private void finish(SemanasException failed) {
    leave();
    reader.end(failed);
  }

  private void leave() {
    isOver = true;
    live = null;
    Connection.stop(pause);
    connection.leave(this);
  }

  /** One stream. What it brings after it was released is not heard. */
  private final class Stream extends ClientCall.Listener<M> {
    private final ClientCall<Q, M> call;
    private final ConnectGuard guard;
    private boolean isAsked;
    private boolean isReleased;
    private long askedAt;
    private ScheduledFuture<?> watchdog;

    /** Why it has ended, while nobody wants to hear it. */
    private SemanasException ending;

    Stream(ClientCall<Q, M> call, ConnectGuard guard) {
      this.call = call;
      this.guard = guard;
    }

    /** Asks for a message, if the reader wants one. While the reader is busy, silence is none. */
    void ask() {
      if (isReleased || isAsked || wanted == 0) {
        return;
      }
      if (ending != null) {
        recover(ending);
        return;
      }
      isAsked = true;
      askedAt = System.nanoTime();
      watchdog =
          connection.after(
              Spans.nanos(follower.patience()), () -> order.execute(this::noticeSilence));
      call.request(1);
    }

    private void noticeSilence() {
      long silent = System.nanoTime() - askedAt;
      if (isReleased || isCancelled || !isAsked || silent < Spans.nanos(follower.patience())) {
        return;
      }
      connection.renew(askedAt);
      recover(Errors.broken("the stream was silent for three heartbeat intervals"));
    }

    /** Everything was said: the server ends it, or else it is cancelled. */
    void sayFarewell() {
      isReleased = true;
      guard.over();
      current = null;
      Connection.stop(watchdog);
      call.request(1);
      watchdog = connection.after(FAREWELL_NANOS, () -> call.cancel("all was said", null));
    }

    void release(String why) {
      isReleased = true;
      guard.over();
      current = null;
      live = null;
      Connection.stop(watchdog);
      call.cancel(why, null);
    }

    @Override
    public void onMessage(M message) {
      connection.heard();
      order.execute(
          () -> {
            if (!isReleased && !isCancelled) {
              isAsked = false;
              Connection.stop(watchdog);
              handle(message);
            }
          });
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      guard.over();
      order.execute(
          () -> {
            Connection.stop(watchdog);
            if (isReleased || isCancelled) {
              return;
            }
            SemanasException why =
                status.isOk()
                    ? Errors.broken("the stream ended without a terminal message")
                    : guard.named(Errors.of(status, trailers));
            isAsked = false;
            ending = why;
            ask();
          });
    }
  }
}
