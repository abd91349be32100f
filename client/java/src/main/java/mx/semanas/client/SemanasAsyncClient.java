package mx.semanas.client;

import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.function.Function;
import mx.semanas.client.UnaryCall.Repeat;
import mx.semanas.v1.CancelWorkHistoryRequest;
import mx.semanas.v1.CancelWorkHistoryResponse;
import mx.semanas.v1.GetProviderStatusRequest;
import mx.semanas.v1.GetProviderStatusResponse;
import mx.semanas.v1.GetWorkHistoryRequest;
import mx.semanas.v1.GetWorkHistoryResponse;
import mx.semanas.v1.ListChargesRequest;
import mx.semanas.v1.ListChargesResponse;
import mx.semanas.v1.ListWorkHistoriesRequest;
import mx.semanas.v1.ListWorkHistoriesResponse;
import mx.semanas.v1.LookupNssRequest;
import mx.semanas.v1.LookupNssResponse;
import mx.semanas.v1.OperationsServiceGrpc;
import mx.semanas.v1.ResolveWorkHistoryRequest;
import mx.semanas.v1.ResolveWorkHistoryResponse;
import mx.semanas.v1.SubmitWorkHistoryRequest;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WatchWorkHistoriesRequest;
import mx.semanas.v1.WatchWorkHistoryRequest;
import mx.semanas.v1.WorkHistoryJob;
import mx.semanas.v1.WorkHistoryServiceGrpc;

/**
 * Calls one Semanas deployment without waiting: futures, and watches as reactive streams. It is
 * {@link SemanasClient#async}, and shares its connection.
 *
 * <p>A future that a method returned ends its call when it is cancelled or completed by the caller,
 * also by {@code orTimeout}; a future derived from it does not. It fails with a {@link
 * SemanasException}. What runs after it runs in a thread of the client, and must not block it.
 */
public final class SemanasAsyncClient implements AutoCloseable {
  /** A younger answer may be what a broken try of the same call has bought. */
  private static final Duration YOUNG_ANSWER_MAX = Duration.ofMinutes(5);

  private final Connection connection;
  private final Settings settings;

  SemanasAsyncClient(Connection connection, Settings settings) {
    this.connection = connection;
    this.settings = settings;
  }

  Settings settings() {
    return settings;
  }

  Connection connection() {
    return connection;
  }

  /**
   * The same client with another deadline for its unary calls.
   *
   * @param deadline for a call with all its tries
   * @return a client that shares the connection
   */
  public SemanasAsyncClient withUnaryDeadline(Duration deadline) {
    SemanasClient.Builder.needPositive("the deadline", deadline);
    return new SemanasAsyncClient(connection, settings.withUnaryDeadline(Optional.of(deadline)));
  }

  private <Q, R, T> CompletableFuture<T> call(
      MethodDescriptor<Q, R> method, Repeat repeat, Q request, Function<R, T> read) {
    return new UnaryCall<>(connection, settings, method, repeat, request, read).begin();
  }

  /**
   * Gives the NSS for a CURP. It takes as long as the provider does, within the deadline; after
   * {@link SemanasException.DeadlineExceeded} the lookup goes on, and the same call later gets its
   * answer. A lookup that asks for a new purchase is made again only where the server itself says
   * that nothing was bought.
   *
   * @param request the person
   * @return the NSS; NotFound and FailedPrecondition are definite answers about the person
   */
  public CompletableFuture<LookupNssResponse> lookupNss(LookupNssRequest request) {
    Repeat repeat = buysAnew(request) ? Repeat.ON_SERVERS_WORD : Repeat.HARMLESS;
    return call(WorkHistoryServiceGrpc.getLookupNssMethod(), repeat, request, Function.identity());
  }

  /** Whether the same request made twice could pay twice. */
  static boolean buysAnew(LookupNssRequest request) {
    boolean wantsYoung =
        request.hasMaxAge() && Spans.of(request.getMaxAge()).compareTo(YOUNG_ANSWER_MAX) < 0;
    return request.getAllowRepeatCharge() || wantsYoung;
  }

  /**
   * Starts or joins a job, or gets a recent answer. A request without a request_id is sent with
   * one, so that a retry after a broken connection gets the same job.
   *
   * @param request the person, and what is wanted
   * @return the job at once, as it stands
   */
  public CompletableFuture<SubmitWorkHistoryResponse> submitWorkHistory(
      SubmitWorkHistoryRequest request) {
    SubmitWorkHistoryRequest named =
        request.getRequestId().isEmpty()
            ? request.toBuilder().setRequestId(UUID.randomUUID().toString()).build()
            : request;
    return call(
        WorkHistoryServiceGrpc.getSubmitWorkHistoryMethod(),
        Repeat.HARMLESS,
        named,
        answer -> {
          needJob(answer.hasJob());
          return answer;
        });
  }

  /**
   * Follows a job until it ends, across broken connections and restarts of the server. Without a
   * cursor it begins with a snapshot; then each event comes once, in order, none missing.
   *
   * @param request the job, and perhaps a cursor and a limit
   * @return a publisher; each subscriber has a call of its own, ended by its cancel, and its
   *     requests are the flow control of that call
   */
  public Flow.Publisher<JobUpdate> watchWorkHistory(WatchWorkHistoryRequest request) {
    return new UpdatePublisher<>(reader -> watchJob(request, reader));
  }

  WatchCall<?, ?, JobUpdate> watchJob(
      WatchWorkHistoryRequest request, WatchCall.Reader<JobUpdate> reader) {
    return new WatchCall<>(
        connection,
        settings,
        WorkHistoryServiceGrpc.getWatchWorkHistoryMethod(),
        new JobFollower(settings.watch(), request.getCursor()),
        cursor -> request.toBuilder().setCursor(cursor).build(),
        reader);
  }

  /**
   * Follows all jobs that the caller may see, without end.
   *
   * @param request which jobs, and perhaps a cursor
   * @return a publisher, as of {@link #watchWorkHistory}
   */
  public Flow.Publisher<FeedUpdate> watchWorkHistories(WatchWorkHistoriesRequest request) {
    return new UpdatePublisher<>(reader -> watchFeed(request, reader));
  }

  WatchCall<?, ?, FeedUpdate> watchFeed(
      WatchWorkHistoriesRequest request, WatchCall.Reader<FeedUpdate> reader) {
    return new WatchCall<>(
        connection,
        settings,
        WorkHistoryServiceGrpc.getWatchWorkHistoriesMethod(),
        new FeedFollower(settings.watch(), request.getCursor()),
        cursor -> request.toBuilder().setCursor(cursor).build(),
        reader);
  }

  /**
   * Submits, then follows the job to its end, which its own deadline sets.
   *
   * @param request the person, and what is wanted
   * @return the job that SUCCEEDED, with its work history; {@link SemanasException.JobNotSucceeded}
   *     for one that ended otherwise
   */
  public CompletableFuture<WorkHistoryJob> getWorkHistoryWhenDone(
      SubmitWorkHistoryRequest request) {
    return whenDone(request, Optional.empty());
  }

  /**
   * Submits, then follows the job to its end.
   *
   * @param request the person, and what is wanted
   * @param timeLimit for all of it
   * @return the job that SUCCEEDED, with its work history; {@link SemanasException.JobNotSucceeded}
   *     for one that ended otherwise; {@link SemanasException.DeadlineExceeded} with jobId and
   *     cursor when the limit has passed
   */
  public CompletableFuture<WorkHistoryJob> getWorkHistoryWhenDone(
      SubmitWorkHistoryRequest request, Duration timeLimit) {
    SemanasClient.Builder.needPositive("the time limit", timeLimit);
    return whenDone(request, Optional.of(timeLimit));
  }

  private CompletableFuture<WorkHistoryJob> whenDone(
      SubmitWorkHistoryRequest request, Optional<Duration> timeLimit) {
    SemanasAsyncClient hasty =
        timeLimit
            .filter(
                limit -> settings.unaryDeadline().map(it -> it.compareTo(limit) > 0).orElse(true))
            .map(this::withUnaryDeadline)
            .orElse(this);
    // A job that was joined may have been started with another limit: ours is said again.
    WhenDone.Watching watching =
        (answer, reader) ->
            watchJob(
                WatchWorkHistoryRequest.newBuilder()
                    .setJobId(answer.getJob().getJobId())
                    .setCursor(answer.getWatchCursor())
                    .setLimit(request.getLimit())
                    .build(),
                reader);
    return WhenDone.begin(connection, hasty.submitWorkHistory(request), watching, timeLimit);
  }

  /**
   * Gives a job as it stands, with the work history once it is there.
   *
   * @param request the job, and perhaps a limit
   * @return the job
   */
  public CompletableFuture<WorkHistoryJob> getWorkHistory(GetWorkHistoryRequest request) {
    Function<GetWorkHistoryResponse, WorkHistoryJob> read =
        answer -> {
          needJob(answer.hasJob());
          return answer.getJob();
        };
    return call(WorkHistoryServiceGrpc.getGetWorkHistoryMethod(), Repeat.HARMLESS, request, read);
  }

  /**
   * Asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown
   * away.
   *
   * @param jobId the job
   * @return the job as it stands
   */
  public CompletableFuture<WorkHistoryJob> cancelWorkHistory(String jobId) {
    Function<CancelWorkHistoryResponse, WorkHistoryJob> read =
        answer -> {
          needJob(answer.hasJob());
          return answer.getJob();
        };
    CancelWorkHistoryRequest request =
        CancelWorkHistoryRequest.newBuilder().setJobId(jobId).build();
    return call(
        WorkHistoryServiceGrpc.getCancelWorkHistoryMethod(), Repeat.HARMLESS, request, read);
  }

  /**
   * One page of jobs, newest first and without work histories.
   *
   * @param request which jobs, and which page
   * @return the page
   */
  public CompletableFuture<ListWorkHistoriesResponse> listWorkHistoriesPage(
      ListWorkHistoriesRequest request) {
    return call(
        WorkHistoryServiceGrpc.getListWorkHistoriesMethod(),
        Repeat.HARMLESS,
        request,
        Function.identity());
  }

  /**
   * One page of the ledger of charges, newest first.
   *
   * @param request which rows, and which page
   * @return the page
   */
  public CompletableFuture<ListChargesResponse> listChargesPage(ListChargesRequest request) {
    return call(
        OperationsServiceGrpc.getListChargesMethod(),
        Repeat.HARMLESS,
        request,
        Function.identity());
  }

  /**
   * Gives each provider's state as this deployment sees it.
   *
   * @return the states
   */
  public CompletableFuture<GetProviderStatusResponse> getProviderStatus() {
    return call(
        OperationsServiceGrpc.getGetProviderStatusMethod(),
        Repeat.HARMLESS,
        GetProviderStatusRequest.getDefaultInstance(),
        Function.identity());
  }

  /**
   * Settles a job whose charge is unknown, after the provider's books were asked. It is not made
   * again after a broken connection, when it may have been done.
   *
   * @param request the job, and whether it was charged
   * @return the job; FailedPrecondition when there is nothing to settle
   */
  public CompletableFuture<WorkHistoryJob> resolveWorkHistory(ResolveWorkHistoryRequest request) {
    Function<ResolveWorkHistoryResponse, WorkHistoryJob> read =
        answer -> {
          needJob(answer.hasJob());
          return answer.getJob();
        };
    return call(
        OperationsServiceGrpc.getResolveWorkHistoryMethod(), Repeat.ON_SERVERS_WORD, request, read);
  }

  /**
   * Asks the server whether it takes work. Never retried: whoever asks wants to know it as it is.
   *
   * @return UNKNOWN of a server that does not say
   */
  public CompletableFuture<Health> health() {
    CompletableFuture<Health> asked =
        call(HealthService.CHECK, Repeat.NEVER, HealthService.SERVICE, HealthService::read);
    CompletableFuture<Health> result = new CompletableFuture<>();
    result.whenComplete((state, failed) -> asked.cancel(true));
    asked.whenComplete(
        (state, failed) -> {
          // A server that does not know the service does not say how it is.
          if (failed instanceof SemanasException.NotFound) {
            result.complete(Health.UNKNOWN);
          } else if (failed != null) {
            result.completeExceptionally(failed);
          } else {
            result.complete(state);
          }
        });
    return result;
  }

  private static void needJob(boolean isThere) {
    if (!isThere) {
      throw Errors.noJob();
    }
  }

  /** Closes the connection; calls and watches that are under way end with Cancelled. */
  @Override
  public void close() {
    connection.close();
  }

  /** Says no more than what it is: options may hold secrets. */
  @Override
  public String toString() {
    return "SemanasAsyncClient";
  }
}
