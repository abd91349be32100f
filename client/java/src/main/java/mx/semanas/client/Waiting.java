package mx.semanas.client;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** How a thread waits for what happens in others. */
final class Waiting {
  private Waiting() {}

  /** The future's value. When the thread is interrupted, the call is cancelled. */
  static <T> T get(CompletableFuture<T> future) {
    try {
      return future.get();
    } catch (InterruptedException interrupted) {
      future.cancel(true);
      Thread.currentThread().interrupt();
      throw Errors.cancelled("the thread was interrupted");
    } catch (CancellationException cancelled) {
      throw Errors.cancelled("the call was cancelled");
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof SemanasException ours) {
        throw here(ours);
      }
      throw Errors.of(failed.getCause());
    }
  }

  /** The exception of one call, as thrown here: where it was made in the network tells nobody. */
  static SemanasException here(SemanasException failed) {
    failed.fillInStackTrace();
    return failed;
  }
}
