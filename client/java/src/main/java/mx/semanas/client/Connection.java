package mx.semanas.client;

import io.grpc.Channel;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What all calls of a client share: the channel, the threads that call back, the clock, and what is
 * under way. It knows which connections are dead, and nothing of what is said on them.
 */
final class Connection {
  /** How long {@link #close} waits for streams that have said all to be ended by the server. */
  private static final long FAREWELL_MS = 500;

  private static final long THREAD_IDLE_S = 10;

  private static final int STUCK_MAX = 2;

  private static final AtomicInteger CLIENTS = new AtomicInteger();

  /** Null over a channel of the caller's making. */
  private final ManagedChannel own;

  private final Channel channel;
  private final ExecutorService callbacks;
  private final ScheduledThreadPoolExecutor clock;
  private final Set<Underway> underway = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean isClosed = new AtomicBoolean();

  /** When anything was last heard on any call. */
  private final AtomicLong heardAt = new AtomicLong(System.nanoTime());

  /** Attempts in a row for which no connection stood in time. */
  private final AtomicInteger stuck = new AtomicInteger();

  private final AtomicLong renewedAt = new AtomicLong(System.nanoTime());

  private Connection(ManagedChannel own, Channel channel, Threads threads) {
    this.own = own;
    this.channel = channel;
    this.callbacks = threads.callbacks;
    this.clock = threads.clock;
  }

  /** A call or a watch that the client's end ends too. */
  interface Underway {
    void endWithClient();
  }

  /** The threads of one client. They go when it is closed, and keep no program from ending. */
  static final class Threads {
    final ExecutorService callbacks;
    final ScheduledThreadPoolExecutor clock;

    Threads() {
      String name = "semanas-client-" + CLIENTS.incrementAndGet();
      callbacks =
          new ThreadPoolExecutor(
              0,
              Integer.MAX_VALUE,
              THREAD_IDLE_S,
              TimeUnit.SECONDS,
              new SynchronousQueue<>(),
              daemons(name));
      clock = new ScheduledThreadPoolExecutor(1, daemons(name + "-clock"));
      clock.setRemoveOnCancelPolicy(true);
      clock.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    private static ThreadFactory daemons(String name) {
      AtomicInteger number = new AtomicInteger();
      return task -> {
        Thread thread = new Thread(task, name + "-" + number.incrementAndGet());
        thread.setDaemon(true);
        return thread;
      };
    }
  }

  static Connection over(Channel channel) {
    return new Connection(null, channel, new Threads());
  }

  /** Of a channel that is closed with the client; the calls go through what is around it. */
  static Connection own(ManagedChannel channel, Channel dressed, Threads threads) {
    return new Connection(channel, dressed, threads);
  }

  Channel channel() {
    return channel;
  }

  ExecutorService callbacks() {
    return callbacks;
  }

  /** Runs the task after that time unless it is cancelled; never after the end of the client. */
  ScheduledFuture<?> after(long nanos, Runnable task) {
    try {
      return clock.schedule(() -> callbacks.execute(task), nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closed) {
      return null;
    }
  }

  static void stop(ScheduledFuture<?> timer) {
    if (timer != null) {
      timer.cancel(false);
    }
  }

  /**
   * Registers a call, which is told when the client is closed; false when it is closed already.
   * {@link #leave} takes it back.
   */
  boolean enter(Underway call) {
    underway.add(call);
    if (isClosed.get()) {
      underway.remove(call);
      return false;
    }
    return true;
  }

  void leave(Underway call) {
    underway.remove(call);
  }

  boolean isClosed() {
    return isClosed.get();
  }

  void heard() {
    heardAt.set(System.nanoTime());
  }

  /**
   * Lets a connection that could not be made be tried at once. Without this a call would be told of
   * a failure that may be seconds old, because grpc-java fails calls until its own next try, and
   * several retries would be used up on the same failure.
   */
  void refresh() {
    if (own != null && own.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
      own.enterIdle();
    }
  }

  /**
   * Gives the connection up for new calls, unless something was heard since then or it was made
   * since. Calls that are under way stay on it until grpc-java's keepalive finds out for itself.
   */
  void renew(long silentSince) {
    long renewed = renewedAt.get();
    boolean isAlive = heardAt.get() - silentSince > 0 || renewed - silentSince > 0;
    if (own != null && !isAlive && renewedAt.compareAndSet(renewed, System.nanoTime())) {
      own.enterIdle();
    }
  }

  /**
   * Notes an attempt for which no connection stood in time. The first is let be, so that a second
   * address has its turn; then the connecting begins anew.
   */
  void isStuck() {
    if (own != null && stuck.incrementAndGet() >= STUCK_MAX) {
      stuck.set(0);
      own.enterIdle();
    }
  }

  void isNotStuck() {
    stuck.set(0);
  }

  /** Tells of each state from the present one on, until the client is closed. */
  void tellStates(Settings settings) {
    ConnectivityState state = own.getState(false);
    switch (state) {
      case IDLE -> settings.tell(ConnectionState.IDLE);
      case CONNECTING -> settings.tell(ConnectionState.CONNECTING);
      case READY -> settings.tell(ConnectionState.READY);
      case TRANSIENT_FAILURE -> settings.tell(ConnectionState.FAILED);
      case SHUTDOWN -> {
        return;
      }
    }
    own.notifyWhenStateChanged(state, () -> tellStates(settings));
  }

  /**
   * Ends what is under way, and then the connection and the threads. A second close does nothing.
   */
  void close() {
    if (!isClosed.compareAndSet(false, true)) {
      return;
    }
    for (Underway call : underway) {
      call.endWithClient();
    }
    clock.shutdown();
    if (own != null) {
      own.shutdown();
      try {
        if (!own.awaitTermination(FAREWELL_MS, TimeUnit.MILLISECONDS)) {
          own.shutdownNow();
          own.awaitTermination(FAREWELL_MS, TimeUnit.MILLISECONDS);
        }
      } catch (InterruptedException hurry) {
        own.shutdownNow();
        Thread.currentThread().interrupt();
      }
    }
    callbacks.shutdown();
  }
}
