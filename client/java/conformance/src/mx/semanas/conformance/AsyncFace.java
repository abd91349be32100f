package mx.semanas.conformance;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import mx.semanas.client.FeedUpdate;
import mx.semanas.client.Health;
import mx.semanas.client.JobUpdate;
import mx.semanas.client.SemanasAsyncClient;
import mx.semanas.client.SemanasException;
import mx.semanas.v1.GetWorkHistoryRequest;
import mx.semanas.v1.ListChargesRequest;
import mx.semanas.v1.ListWorkHistoriesRequest;
import mx.semanas.v1.ListWorkHistoriesResponse;
import mx.semanas.v1.LookupNssRequest;
import mx.semanas.v1.LookupNssResponse;
import mx.semanas.v1.ProviderStatus;
import mx.semanas.v1.ResolveWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WatchWorkHistoriesRequest;
import mx.semanas.v1.WatchWorkHistoryRequest;
import mx.semanas.v1.WorkHistoryJob;

/** Futures, and watches as reactive streams that are asked for one update at a time. */
record AsyncFace(SemanasAsyncClient client) implements Face {
  private static <T> T get(CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (CompletionException failed) {
      throw failed.getCause() instanceof SemanasException ours ? ours : failed;
    }
  }

  @Override
  public LookupNssResponse lookupNss(LookupNssRequest request) {
    return get(client.lookupNss(request));
  }

  @Override
  public SubmitWorkHistoryResponse submit(SubmitWorkHistoryRequest request) {
    return get(client.submitWorkHistory(request));
  }

  @Override
  public WorkHistoryJob whenDone(SubmitWorkHistoryRequest request, Optional<Duration> timeLimit) {
    return get(
        timeLimit
            .map(limit -> client.getWorkHistoryWhenDone(request, limit))
            .orElseGet(() -> client.getWorkHistoryWhenDone(request)));
  }

  @Override
  public WorkHistoryJob get(GetWorkHistoryRequest request) {
    return get(client.getWorkHistory(request));
  }

  @Override
  public WorkHistoryJob cancel(String jobId) {
    return get(client.cancelWorkHistory(jobId));
  }

  @Override
  public WorkHistoryJob resolve(ResolveWorkHistoryRequest request) {
    return get(client.resolveWorkHistory(request));
  }

  @Override
  public List<ProviderStatus> providers() {
    return get(client.getProviderStatus()).getProvidersList();
  }

  @Override
  public Health health() {
    return get(client.health());
  }

  @Override
  public List<mx.semanas.v1.Charge> charges(ListChargesRequest request) {
    return Face.allCharges(request, page -> get(client.listChargesPage(page)));
  }

  @Override
  public Read<WorkHistoryJob> list(ListWorkHistoriesRequest request, int stopAfter) {
    List<WorkHistoryJob> jobs = new ArrayList<>();
    String token = "";
    try {
      do {
        ListWorkHistoriesResponse page =
            get(client.listWorkHistoriesPage(request.toBuilder().setPageToken(token).build()));
        for (WorkHistoryJob job : page.getJobsList()) {
          jobs.add(job);
          if (jobs.size() == stopAfter) {
            return new Read<>(jobs, null, true);
          }
        }
        token = page.getNextPageToken();
      } while (!token.isEmpty());
    } catch (SemanasException failed) {
      return new Read<>(jobs, failed, false);
    }
    return new Read<>(jobs, null, false);
  }

  @Override
  public Read<JobUpdate> watch(
      WatchWorkHistoryRequest request, int stopAfter, Optional<Duration> cancel) {
    return read(client.watchWorkHistory(request), stopAfter, cancel);
  }

  @Override
  public Read<FeedUpdate> watchAll(
      WatchWorkHistoriesRequest request, int stopAfter, Optional<Duration> cancel) {
    return read(client.watchWorkHistories(request), stopAfter, cancel);
  }

  private static <U> Read<U> read(
      Flow.Publisher<U> updates, int stopAfter, Optional<Duration> cancel) {
    Reading<U> reading = new Reading<>(stopAfter);
    updates.subscribe(reading);
    cancel.ifPresent(
        after ->
            CompletableFuture.delayedExecutor(after.toMillis(), TimeUnit.MILLISECONDS)
                .execute(reading::stop));
    return reading.done.join();
  }

  private static final class Reading<U> implements Flow.Subscriber<U> {
    private final int stopAfter;
    private final List<U> items = Collections.synchronizedList(new ArrayList<>());
    private final CompletableFuture<Read<U>> done = new CompletableFuture<>();
    private Flow.Subscription subscription;

    Reading(int stopAfter) {
      this.stopAfter = stopAfter;
    }

    void stop() {
      subscription.cancel();
      done.complete(new Read<>(List.copyOf(items), null, true));
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      subscription.request(1);
    }

    @Override
    public void onNext(U update) {
      items.add(update);
      if (items.size() == stopAfter) {
        stop();
      } else {
        subscription.request(1);
      }
    }

    @Override
    public void onError(Throwable failed) {
      done.complete(new Read<>(List.copyOf(items), (SemanasException) failed, false));
    }

    @Override
    public void onComplete() {
      done.complete(new Read<>(List.copyOf(items), null, false));
    }
  }
}
