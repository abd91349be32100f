/**
 * What the client gave, in the words of the protocol.
 */
import type { FeedUpdate, JobUpdate, WorkHistoryJob } from "@semanas/client";
import { ErrorReason, JobNotSucceededError, JobState, SemanasError, SnapshotCause, isTerminal, nameOf } from "@semanas/client";

export type Json = Record<string, unknown>;

export function jobJson(job: WorkHistoryJob): Json {
  return {
    job_id: job.jobId,
    state: nameOf(JobState, job.state),
    sequence: Number(job.eventSequence),
    terminal: isTerminal(job.state),
    attempts: job.attempts.length,
    labels: job.labels,
    ...(job.workHistory && { employments: job.workHistory.employments.length }),
    ...(job.failure && { reason: nameOf(ErrorReason, job.failure.reason) }),
  };
}

export function jobUpdateJson(update: JobUpdate): Json {
  const { kind, cursor, isTerminal: terminal } = update;
  switch (update.kind) {
    case "snapshot":
      return { kind, cursor, terminal, cause: nameOf(SnapshotCause, update.cause), job: jobJson(update.job) };
    case "event": {
      const { sequence, state, job } = update;
      return {
        kind,
        cursor,
        terminal,
        sequence: Number(sequence),
        state: nameOf(JobState, state),
        ...(job && { job: jobJson(job) }),
      };
    }
    case "stale":
      return { kind, cursor };
  }
}

export function feedUpdateJson(update: FeedUpdate): Json {
  const { kind, cursor } = update;
  switch (update.kind) {
    case "job":
      return { kind, cursor, job: jobJson(update.job) };
    case "reset":
      return { kind, cursor, cause: nameOf(SnapshotCause, update.cause) };
    case "synced":
    case "stale":
      return { kind, cursor };
  }
}

export function errorJson(thrown: unknown): Json {
  if (!(thrown instanceof SemanasError)) throw thrown;
  return {
    kind: thrown.kind,
    code: thrown.code,
    reason: thrown.reason,
    known: thrown.knownReason !== ErrorReason.UNSPECIFIED,
    domain: thrown.domain,
    metadata: thrown.metadata,
    retry_delay_ms: thrown.retryDelayMs,
    violations: thrown.violations,
    message: thrown.sentence,
    ...(thrown instanceof JobNotSucceededError && { job: jobJson(thrown.job) }),
    job_id: thrown.jobId,
    cursor: thrown.cursor,
  };
}
