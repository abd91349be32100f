package mx.semanas.client;

import mx.semanas.v1.FeedReset;
import mx.semanas.v1.SnapshotCause;
import mx.semanas.v1.WorkHistoryJob;

/** One step of the feed of all jobs. None of them prints personal data. */
public sealed interface FeedUpdate {
  /**
   * The position after this update.
   *
   * @return the cursor
   */
  String cursor();

  /**
   * A job as it stands; it replaces what was known of it. The same state may come twice.
   *
   * @param cursor the position after it
   * @param job the job, without its work history
   */
  record Job(String cursor, WorkHistoryJob job) implements FeedUpdate {
    @Override
    public String toString() {
      return "Job[" + job.getJobId() + ", " + Names.ofState(job) + "]";
    }
  }

  /**
   * All jobs of the beginning were given; changes follow.
   *
   * @param cursor the position
   */
  record Synced(String cursor) implements FeedUpdate {
    @Override
    public String toString() {
      return "Synced[]";
    }
  }

  /**
   * Forget what was known: the newest jobs follow.
   *
   * @param cursor the position
   * @param reset why
   */
  record Reset(String cursor, FeedReset reset) implements FeedUpdate {
    @Override
    public String toString() {
      return "Reset[" + Names.of(SnapshotCause.getDescriptor(), reset.getCauseValue()) + "]";
    }
  }

  /**
   * The server cannot read its store, and what follows may be late. Only where {@link
   * WatchOptions#reportsStale} asks for it.
   *
   * @param cursor the position
   * @param stale since when
   */
  record Stale(String cursor, mx.semanas.v1.Stale stale) implements FeedUpdate {
    @Override
    public String toString() {
      return "Stale[]";
    }
  }
}
