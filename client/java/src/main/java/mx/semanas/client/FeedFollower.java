package mx.semanas.client;

import mx.semanas.v1.WatchWorkHistoriesResponse;

/** What the messages of the feed mean to its reader. */
final class FeedFollower extends Follower<WatchWorkHistoriesResponse, FeedUpdate> {
  FeedFollower(WatchOptions options, String cursor) {
    super(options, cursor);
  }

  @Override
  String cursorOf(WatchWorkHistoriesResponse message) {
    return message.getCursor();
  }

  @Override
  Frame<FeedUpdate> read(WatchWorkHistoriesResponse message) {
    String cursor = message.getCursor();
    return switch (message.getContentCase()) {
      case JOB -> new Frame.Progress<>(new FeedUpdate.Job(cursor, message.getJob()));
      case SYNCED -> {
        learnHeartbeat(message.getSynced().getHeartbeatInterval());
        yield new Frame.Start<>(new FeedUpdate.Synced(cursor));
      }
      case RESET -> new Frame.Start<>(new FeedUpdate.Reset(cursor, message.getReset()));
      case HEARTBEAT -> new Frame.Heartbeat<>();
      case STALE -> new Frame.Stale<>(new FeedUpdate.Stale(cursor, message.getStale()));
      case DRAINING -> new Frame.Draining<>(Spans.of(message.getDraining().getResumeDelay()));
      case CONTENT_NOT_SET -> new Frame.Unknown<>();
    };
  }
}
