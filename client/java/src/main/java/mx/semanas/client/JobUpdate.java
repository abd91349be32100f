package mx.semanas.client;

import java.util.Optional;
import mx.semanas.v1.JobEvent;
import mx.semanas.v1.JobSnapshot;
import mx.semanas.v1.JobState;
import mx.semanas.v1.WorkHistoryJob;

/** One step of a job. None of them prints personal data. */
public sealed interface JobUpdate {
  /**
   * The position after this update: give it to a later watch to go on from here.
   *
   * @return the cursor
   */
  String cursor();

  /**
   * Whether this is the last update.
   *
   * @return whether the job has ended
   */
  boolean isTerminal();

  /**
   * The whole job where the update holds it: in snapshots and in the last update.
   *
   * @return the job
   */
  Optional<WorkHistoryJob> job();

  /**
   * The name of the job's state after this update, for example {@code RUNNING}.
   *
   * @return {@code UNSPECIFIED} where the update says nothing of it, {@code UNKNOWN(7)} for a state
   *     that this version does not know
   */
  String stateName();

  /**
   * The job as it stands. With another cause than START it replaces what was seen before.
   *
   * @param cursor the position after it
   * @param isTerminal whether the job has ended
   * @param snapshot the job, and why it is shown
   */
  record Snapshot(String cursor, boolean isTerminal, JobSnapshot snapshot) implements JobUpdate {
    @Override
    public Optional<WorkHistoryJob> job() {
      return Optional.of(snapshot.getJob());
    }

    @Override
    public String stateName() {
      return Names.ofState(snapshot.getJob());
    }

    @Override
    public String toString() {
      return "Snapshot[" + snapshot.getJob().getJobId() + ", " + stateName() + "]";
    }
  }

  /**
   * Something that happened to the job. Each comes once, in order, none missing.
   *
   * @param cursor the position after it
   * @param isTerminal whether the job has ended
   * @param event what happened
   */
  record Event(String cursor, boolean isTerminal, JobEvent event) implements JobUpdate {
    @Override
    public Optional<WorkHistoryJob> job() {
      return event.hasJob() ? Optional.of(event.getJob()) : Optional.empty();
    }

    @Override
    public String stateName() {
      return Names.of(JobState.getDescriptor(), event.getStateValue());
    }

    @Override
    public String toString() {
      return "Event[" + event.getSequence() + ", " + stateName() + "]";
    }
  }

  /**
   * The server cannot read its store, and what follows may be late. Only where {@link
   * WatchOptions#reportsStale} asks for it.
   *
   * @param cursor the position
   * @param stale since when
   */
  record Stale(String cursor, mx.semanas.v1.Stale stale) implements JobUpdate {
    @Override
    public boolean isTerminal() {
      return false;
    }

    @Override
    public Optional<WorkHistoryJob> job() {
      return Optional.empty();
    }

    @Override
    public String stateName() {
      return "UNSPECIFIED";
    }

    @Override
    public String toString() {
      return "Stale[]";
    }
  }
}
