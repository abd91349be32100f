package mx.semanas.client;

import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;

/**
 * A watch as a reactive stream. Each subscriber has a call of its own, which begins with its first
 * request, and its requests are the flow control of that call.
 */
final class UpdatePublisher<U> implements Flow.Publisher<U> {
  private final Function<WatchCall.Reader<U>, WatchCall<?, ?, U>> open;

  UpdatePublisher(Function<WatchCall.Reader<U>, WatchCall<?, ?, U>> open) {
    this.open = open;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super U> subscriber) {
    Reading<U> reading = new Reading<>(subscriber);
    reading.call = open.apply(reading);
    subscriber.onSubscribe(reading);
  }

  private static final class Reading<U> implements Flow.Subscription, WatchCall.Reader<U> {
    private final AtomicReference<Flow.Subscriber<? super U>> subscriber;
    private WatchCall<?, ?, U> call;

    Reading(Flow.Subscriber<? super U> subscriber) {
      this.subscriber = new AtomicReference<>(subscriber);
    }

    @Override
    public void request(long updates) {
      if (updates > 0) {
        call.request(updates);
        return;
      }
      call.cancel();
      Flow.Subscriber<? super U> wrong = subscriber.getAndSet(null);
      if (wrong != null) {
        wrong.onError(new IllegalArgumentException("a request must be for one update or more"));
      }
    }

    @Override
    public void cancel() {
      subscriber.set(null);
      call.cancel();
    }

    @Override
    public void next(U update) {
      Flow.Subscriber<? super U> reader = subscriber.get();
      if (reader != null) {
        reader.onNext(update);
      }
    }

    @Override
    public void end(SemanasException failed) {
      Flow.Subscriber<? super U> reader = subscriber.getAndSet(null);
      if (reader == null) {
        return;
      }
      if (failed == null) {
        reader.onComplete();
      } else {
        reader.onError(failed);
      }
    }
  }
}
