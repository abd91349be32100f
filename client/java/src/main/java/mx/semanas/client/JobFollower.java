package mx.semanas.client;

import mx.semanas.v1.JobEvent;
import mx.semanas.v1.JobSnapshot;
import mx.semanas.v1.WatchWorkHistoryResponse;

/** What the messages of one job's watch mean to its reader. */
final class JobFollower extends Follower<WatchWorkHistoryResponse, JobUpdate> {
  /**
   * Null while it is not known: after a resume from a caller's own cursor whatever comes first is
   * the next.
   */
  private Long lastSequence;

  JobFollower(WatchOptions options, String cursor) {
    super(options, cursor);
  }

  @Override
  String cursorOf(WatchWorkHistoryResponse message) {
    return message.getCursor();
  }

  @Override
  Frame<JobUpdate> read(WatchWorkHistoryResponse message) {
    return switch (message.getContentCase()) {
      case SNAPSHOT -> {
        JobSnapshot snapshot = message.getSnapshot();
        learnHeartbeat(snapshot.getHeartbeatInterval());
        lastSequence = snapshot.getJob().getEventSequence();
        JobUpdate update =
            new JobUpdate.Snapshot(message.getCursor(), message.getTerminal(), snapshot);
        yield message.getTerminal() ? new Frame.Last<>(update) : new Frame.Start<>(update);
      }
      case EVENT -> event(message, message.getEvent());
      case HEARTBEAT -> new Frame.Heartbeat<>();
      case STALE -> new Frame.Stale<>(new JobUpdate.Stale(message.getCursor(), message.getStale()));
      case DRAINING -> new Frame.Draining<>(Spans.of(message.getDraining().getResumeDelay()));
      case CONTENT_NOT_SET -> new Frame.Unknown<>();
    };
  }

  private Frame<JobUpdate> event(WatchWorkHistoryResponse message, JobEvent event) {
    if (lastSequence != null && event.getSequence() <= lastSequence) {
      return new Frame.Repeated<>();
    }
    if (lastSequence != null && event.getSequence() - 1 > lastSequence) {
      return new Frame.Gap<>();
    }
    lastSequence = event.getSequence();
    JobUpdate update = new JobUpdate.Event(message.getCursor(), message.getTerminal(), event);
    return message.getTerminal() ? new Frame.Last<>(update) : new Frame.Progress<>(update);
  }
}
