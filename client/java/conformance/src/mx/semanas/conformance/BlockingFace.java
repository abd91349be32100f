package mx.semanas.conformance;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import mx.semanas.client.FeedUpdate;
import mx.semanas.client.Health;
import mx.semanas.client.JobUpdate;
import mx.semanas.client.SemanasClient;
import mx.semanas.client.SemanasException;
import mx.semanas.client.Watch;
import mx.semanas.v1.GetWorkHistoryRequest;
import mx.semanas.v1.ListChargesRequest;
import mx.semanas.v1.ListWorkHistoriesRequest;
import mx.semanas.v1.LookupNssRequest;
import mx.semanas.v1.LookupNssResponse;
import mx.semanas.v1.ProviderStatus;
import mx.semanas.v1.ResolveWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WatchWorkHistoriesRequest;
import mx.semanas.v1.WatchWorkHistoryRequest;
import mx.semanas.v1.WorkHistoryJob;

/** The methods that wait. */
record BlockingFace(SemanasClient client) implements Face {
  @Override
  public LookupNssResponse lookupNss(LookupNssRequest request) {
    return client.lookupNss(request);
  }

  @Override
  public SubmitWorkHistoryResponse submit(SubmitWorkHistoryRequest request) {
    return client.submitWorkHistory(request);
  }

  @Override
  public WorkHistoryJob whenDone(SubmitWorkHistoryRequest request, Optional<Duration> timeLimit) {
    return timeLimit.isPresent()
        ? client.getWorkHistoryWhenDone(request, timeLimit.get())
        : client.getWorkHistoryWhenDone(request);
  }

  @Override
  public WorkHistoryJob get(GetWorkHistoryRequest request) {
    return client.getWorkHistory(request);
  }

  @Override
  public WorkHistoryJob cancel(String jobId) {
    return client.cancelWorkHistory(jobId);
  }

  @Override
  public WorkHistoryJob resolve(ResolveWorkHistoryRequest request) {
    return client.resolveWorkHistory(request);
  }

  @Override
  public List<ProviderStatus> providers() {
    return client.getProviderStatus();
  }

  @Override
  public Health health() {
    return client.health();
  }

  @Override
  public List<mx.semanas.v1.Charge> charges(ListChargesRequest request) {
    return SemanasClient.stream(client.listCharges(request)).toList();
  }

  @Override
  public Read<WorkHistoryJob> list(ListWorkHistoriesRequest request, int stopAfter) {
    Iterator<WorkHistoryJob> jobs = client.listWorkHistories(request.getFilter()).iterator();
    return read(jobs, stopAfter, new AtomicBoolean());
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

  private static <U> Read<U> read(Watch<U> watch, int stopAfter, Optional<Duration> cancel) {
    AtomicBoolean isCancelled = new AtomicBoolean();
    cancel.ifPresent(
        after ->
            CompletableFuture.delayedExecutor(after.toMillis(), TimeUnit.MILLISECONDS)
                .execute(
                    () -> {
                      isCancelled.set(true);
                      watch.close();
                    }));
    try (watch) {
      return read(watch, stopAfter, isCancelled);
    }
  }

  private static <T> Read<T> read(Iterator<T> items, int stopAfter, AtomicBoolean isCancelled) {
    List<T> read = new ArrayList<>();
    try {
      while (read.size() != stopAfter && items.hasNext()) {
        read.add(items.next());
      }
    } catch (SemanasException failed) {
      boolean isOurs = isCancelled.get() && failed instanceof SemanasException.Cancelled;
      return new Read<>(read, isOurs ? null : failed, isOurs);
    }
    return new Read<>(read, null, read.size() == stopAfter || isCancelled.get());
  }
}
