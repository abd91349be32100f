package mx.semanas.client;

import com.google.protobuf.Duration;
import mx.semanas.v1.Draining;
import mx.semanas.v1.GetWorkHistoryResponse;
import mx.semanas.v1.Heartbeat;
import mx.semanas.v1.JobEvent;
import mx.semanas.v1.JobSnapshot;
import mx.semanas.v1.JobState;
import mx.semanas.v1.SnapshotCause;
import mx.semanas.v1.WatchWorkHistoryResponse;
import mx.semanas.v1.WorkHistoryJob;

/** Messages of the server, for scripts. */
final class Messages {
  private Messages() {}

  static WorkHistoryJob job(JobState state, long sequence) {
    return WorkHistoryJob.newBuilder()
        .setJobId("wh_1")
        .setState(state)
        .setEventSequence(sequence)
        .build();
  }

  static GetWorkHistoryResponse got() {
    return GetWorkHistoryResponse.newBuilder().setJob(job(JobState.JOB_STATE_RUNNING, 2)).build();
  }

  static WatchWorkHistoryResponse snapshot(long sequence, String cursor) {
    return snapshot(sequence, cursor, 60_000);
  }

  static WatchWorkHistoryResponse snapshot(long sequence, String cursor, int heartbeatMs) {
    JobSnapshot.Builder snapshot =
        JobSnapshot.newBuilder()
            .setJob(job(JobState.JOB_STATE_QUEUED, sequence))
            .setHeartbeatInterval(ms(heartbeatMs))
            .setCause(SnapshotCause.SNAPSHOT_CAUSE_START);
    return WatchWorkHistoryResponse.newBuilder().setCursor(cursor).setSnapshot(snapshot).build();
  }

  static WatchWorkHistoryResponse event(long sequence, String cursor) {
    return WatchWorkHistoryResponse.newBuilder()
        .setCursor(cursor)
        .setEvent(JobEvent.newBuilder().setSequence(sequence).setState(JobState.JOB_STATE_RUNNING))
        .build();
  }

  static WatchWorkHistoryResponse end(long sequence, String cursor, JobState state) {
    JobEvent.Builder event =
        JobEvent.newBuilder().setSequence(sequence).setState(state).setJob(job(state, sequence));
    return WatchWorkHistoryResponse.newBuilder()
        .setCursor(cursor)
        .setTerminal(true)
        .setEvent(event)
        .build();
  }

  static WatchWorkHistoryResponse end(long sequence, String cursor) {
    return end(sequence, cursor, JobState.JOB_STATE_SUCCEEDED);
  }

  static WatchWorkHistoryResponse heartbeat(String cursor) {
    return WatchWorkHistoryResponse.newBuilder()
        .setCursor(cursor)
        .setHeartbeat(Heartbeat.getDefaultInstance())
        .build();
  }

  static WatchWorkHistoryResponse draining(String cursor, int delayMs) {
    return WatchWorkHistoryResponse.newBuilder()
        .setCursor(cursor)
        .setDraining(Draining.newBuilder().setResumeDelay(ms(delayMs)))
        .build();
  }

  static Duration ms(int span) {
    return Duration.newBuilder()
        .setSeconds(span / 1_000)
        .setNanos(span % 1_000 * 1_000_000)
        .build();
  }
}
