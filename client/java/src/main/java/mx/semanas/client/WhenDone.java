package mx.semanas.client;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import mx.semanas.v1.JobState;
import mx.semanas.v1.SubmitWorkHistoryResponse;
import mx.semanas.v1.WorkHistoryJob;

/** Submits, then follows the job to its end, within the caller's time limit. */
final class WhenDone implements WatchCall.Reader<JobUpdate> {
  private final CompletableFuture<WorkHistoryJob> result = new CompletableFuture<>();
  private String jobId;
  private String cursor;

  /** Watches a job, from a cursor on. */
  interface Watching {
    WatchCall<?, ?, JobUpdate> open(SubmitWorkHistoryResponse from, WatchCall.Reader<JobUpdate> by);
  }

  private WhenDone() {}

  static CompletableFuture<WorkHistoryJob> begin(
      Connection connection,
      CompletableFuture<SubmitWorkHistoryResponse> submitted,
      Watching watching,
      Optional<Duration> timeLimit) {
    WhenDone done = new WhenDone();
    ScheduledFuture<?> alarm =
        timeLimit
            .map(limit -> connection.after(Spans.nanos(limit), () -> done.fail(Errors.tooLate())))
            .orElse(null);
    submitted.whenComplete(
        (answer, failed) -> {
          if (failed != null) {
            done.fail(Errors.of(failed));
          } else {
            done.follow(answer, watching);
          }
        });
    done.result.whenComplete(
        (job, failed) -> {
          Connection.stop(alarm);
          submitted.cancel(true);
        });
    return done.result;
  }

  private void follow(SubmitWorkHistoryResponse answer, Watching watching) {
    stand(answer.getJob().getJobId(), answer.getWatchCursor());
    if (Names.isTerminal(answer.getJob().getState())) {
      end(answer.getJob());
      return;
    }
    WatchCall<?, ?, JobUpdate> watch = watching.open(answer, this);
    result.whenComplete((job, failed) -> watch.cancel());
    watch.request(Long.MAX_VALUE);
  }

  @Override
  public void next(JobUpdate update) {
    stand(jobId, update.cursor());
    if (update.isTerminal()) {
      end(lastJob(update));
    }
  }

  @Override
  public void end(SemanasException failed) {
    fail(failed == null ? Errors.noJob() : failed);
  }

  private synchronized void stand(String job, String position) {
    jobId = job;
    cursor = position;
  }

  private void end(WorkHistoryJob job) {
    if (job.getState() == JobState.JOB_STATE_SUCCEEDED) {
      result.complete(job);
    } else {
      result.completeExceptionally(Errors.ofJob(job, cursor));
    }
  }

  private void fail(SemanasException failed) {
    synchronized (this) {
      failed.leaving(jobId, cursor);
    }
    result.completeExceptionally(failed);
  }

  /**
   * The job of the last update. Of a server that leaves it out, the state is known all the same.
   */
  private WorkHistoryJob lastJob(JobUpdate update) {
    if (update.job().isPresent() || !(update instanceof JobUpdate.Event last)) {
      return update.job().orElseGet(WorkHistoryJob::getDefaultInstance);
    }
    WorkHistoryJob.Builder known =
        WorkHistoryJob.newBuilder().setJobId(jobId).setEventSequence(last.event().getSequence());
    // Success without a history is no success to anybody.
    if (last.event().getState() != JobState.JOB_STATE_SUCCEEDED) {
      known.setStateValue(last.event().getStateValue());
    }
    return known.build();
  }
}
