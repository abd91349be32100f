package mx.semanas.client;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * A watch that is read by one thread, which waits for each update. It ends after the terminal
 * update, or with an exception that resuming cannot mend. The stream is opened by the first {@link
 * #hasNext}; a reader that takes its time holds back the server.
 *
 * <pre>{@code
 * try (Watch<JobUpdate> watch = client.watchWorkHistory(jobId)) {
 *   while (watch.hasNext()) {
 *     System.out.println(watch.next().stateName());
 *   }
 * }
 * }</pre>
 *
 * @param <U> what the reader is given
 */
public final class Watch<U> implements Iterator<U>, AutoCloseable {
  private final BlockingQueue<Signal<U>> signals = new LinkedBlockingQueue<>();
  private final WatchCall<?, ?, U> call;
  private U ready;
  private boolean isOver;
  private volatile boolean isClosed;

  Watch(Function<WatchCall.Reader<U>, WatchCall<?, ?, U>> open) {
    call =
        open.apply(
            new WatchCall.Reader<>() {
              @Override
              public void next(U update) {
                signals.add(new Signal<>(update, null));
              }

              @Override
              public void end(SemanasException failed) {
                signals.add(new Signal<>(null, failed));
              }
            });
  }

  /** An update, or an end with or without an exception. */
  private record Signal<U>(U update, SemanasException failed) {}

  /**
   * Waits for the next update.
   *
   * @return false after the last update, and in a watch that its reader has closed
   * @throws SemanasException.Cancelled if the thread is interrupted, or another one closes the
   *     watch or the client
   * @throws SemanasException if the watch cannot go on
   */
  @Override
  public boolean hasNext() {
    if (ready != null) {
      return true;
    }
    if (isOver || isClosed) {
      isOver = true;
      return false;
    }
    call.request(1);
    Signal<U> signal;
    try {
      signal = signals.take();
    } catch (InterruptedException interrupted) {
      close();
      isOver = true;
      Thread.currentThread().interrupt();
      throw Errors.cancelled("the thread was interrupted");
    }
    ready = signal.update;
    isOver = ready == null;
    if (signal.failed != null) {
      throw Waiting.here(signal.failed);
    }
    return !isOver;
  }

  /**
   * The next update; waits for it.
   *
   * @return the update
   * @throws NoSuchElementException after the last one
   * @throws SemanasException as {@link #hasNext}
   */
  @Override
  public U next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the watch has ended");
    }
    U update = ready;
    ready = null;
    return update;
  }

  /**
   * The updates that are still to come, as a stream; closing it closes the watch.
   *
   * @return a sequential, ordered stream
   */
  public Stream<U> stream() {
    int traits = Spliterator.ORDERED | Spliterator.NONNULL;
    return StreamSupport.stream(Spliterators.spliteratorUnknownSize(this, traits), false)
        .onClose(this::close);
  }

  /** Ends the call at once. May be called by any thread, and more than once. */
  @Override
  public void close() {
    if (!isClosed) {
      isClosed = true;
      call.cancel();
      // For a reader in another thread, who may be waiting.
      signals.add(new Signal<>(null, Errors.cancelled("the watch was closed")));
    }
  }
}
