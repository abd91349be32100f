/**
 * What the messages of the two watches mean to a reader. It decides nothing about connections.
 */
import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { create } from "@bufbuild/protobuf";
import type {
  JobEvent,
  WatchWorkHistoriesResponse,
  WatchWorkHistoryResponse,
} from "../gen/semanas/v1/work_history_service_pb.js";
import { SnapshotCause } from "../gen/semanas/v1/work_history_service_pb.js";
import type { WorkHistoryJob } from "../gen/semanas/v1/job_pb.js";
import { JobState, WorkHistoryJobSchema } from "../gen/semanas/v1/job_pb.js";
import type { Frame, Place } from "./follow.js";
import { nameOf, printAs } from "./names.js";
import { redact } from "./redact.js";
import { durationMs } from "./status.js";

/** More than any server says; a client that waits for three days is as good as one that waits forever. */
const HEARTBEAT_INTERVAL_MAX_MS = 24 * 3600 * 1000;

/** What every update of a job has. */
interface JobUpdateBase {
  /** Position after this update: give it to a later watch to go on from here. */
  readonly cursor: string;
  /** True on the last update. */
  readonly isTerminal: boolean;
}

/** The job as it stands. With another cause than START it replaces what was seen before. */
export interface JobSnapshotUpdate extends JobUpdateBase {
  /** Tells the updates apart. */
  readonly kind: "snapshot";
  /** The job. */
  readonly job: WorkHistoryJob;
  /** Its state. */
  readonly state: JobState;
  /** Why a snapshot stands here and not the events after the cursor. */
  readonly cause: SnapshotCause;
}

/** Something that happened to the job. Each comes once, in order, none missing. */
export interface JobEventUpdate extends JobUpdateBase {
  /** Tells the updates apart. */
  readonly kind: "event";
  /** From 1 on, without gaps. */
  readonly sequence: bigint;
  /** State after it. */
  readonly state: JobState;
  /** All of it. */
  readonly event: JobEvent;
  /** The whole job, on the last update only. */
  readonly job?: WorkHistoryJob;
}

/** The server cannot read its store; what follows may be late. Only with `watch.reportsStale`. */
export interface StaleUpdate extends JobUpdateBase {
  /** Tells the updates apart. */
  readonly kind: "stale";
  /** Since when. */
  readonly sinceTime?: Timestamp;
}

/** One step of a job. */
export type JobUpdate = JobSnapshotUpdate | JobEventUpdate | StaleUpdate;

/** One step of the feed of all jobs. */
export type FeedUpdate = {
  /** Position after this update. */
  readonly cursor: string;
} & (
  | {
      /** A job as it stands; it replaces what was known of it. The same state may come twice. */
      readonly kind: "job";
      /** The job. */
      readonly job: WorkHistoryJob;
    }
  | {
      /** All jobs of the beginning were given; changes follow. */
      readonly kind: "synced";
    }
  | {
      /** Forget what was known: the newest jobs follow. */
      readonly kind: "reset";
      /** Why. */
      readonly cause: SnapshotCause;
    }
  | {
      /** The server cannot read its store; what follows may be late. Only with `watch.reportsStale`. */
      readonly kind: "stale";
      /** Since when. */
      readonly sinceTime?: Timestamp;
    }
);

/** Reads a message of `WatchWorkHistory`. */
export function readJobMessage(message: WatchWorkHistoryResponse, place: Place): Frame<JobUpdate> {
  const frame = jobFrame(message, place);
  // What stands behind a gap is not reached.
  if (frame.meaning !== "gap" && frame.meaning !== "repeated") advance(place, message.cursor);
  return frame;
}

function jobFrame({ content, cursor, terminal: isTerminal }: WatchWorkHistoryResponse, place: Place): Frame<JobUpdate> {
  switch (content.case) {
    case "snapshot": {
      const { cause, heartbeatInterval } = content.value;
      const job = content.value.job ?? emptyJob();
      learnHeartbeat(place, heartbeatInterval);
      place.lastSequence = job.eventSequence;
      const update: JobUpdate = { kind: "snapshot", cursor, isTerminal, job, state: job.state, cause };
      printAs(update, () => `JobUpdate(snapshot ${nameOf(SnapshotCause, cause)}, ${nameOf(JobState, job.state)})`);
      return { meaning: isTerminal ? "last" : "start", update };
    }
    case "event": {
      const event = content.value;
      const { sequence, state, job } = event;
      const last = place.lastSequence;
      if (last !== undefined && sequence <= last) return { meaning: "repeated" };
      if (last !== undefined && sequence > last + 1n) return { meaning: "gap" };
      place.lastSequence = sequence;
      const update: JobUpdate = { kind: "event", cursor, isTerminal, sequence, state, event, ...(job && { job }) };
      printAs(update, () => `JobUpdate(event ${sequence}, ${nameOf(JobState, state)})`);
      return { meaning: isTerminal ? "last" : "progress", update };
    }
    case "stale": {
      const { sinceTime } = content.value;
      return { meaning: "stale", update: { kind: "stale", cursor, isTerminal: false, ...(sinceTime && { sinceTime }) } };
    }
    case "heartbeat":
      return { meaning: "heartbeat" };
    case "draining":
      return { meaning: "draining", resumeDelayMs: spanMs(content.value.resumeDelay) };
    case undefined:
      return { meaning: "unknown" };
  }
}

/** Reads a message of `WatchWorkHistories`. */
export function readFeedMessage({ content, cursor }: WatchWorkHistoriesResponse, place: Place): Frame<FeedUpdate> {
  advance(place, cursor);
  switch (content.case) {
    case "job": {
      const job = content.value;
      const update: FeedUpdate = { kind: "job", cursor, job };
      printAs(update, () => `FeedUpdate(job ${job.jobId}, ${nameOf(JobState, job.state)})`);
      return { meaning: "progress", update };
    }
    case "synced":
      learnHeartbeat(place, content.value.heartbeatInterval);
      return { meaning: "start", update: { kind: "synced", cursor } };
    case "reset":
      return { meaning: "start", update: { kind: "reset", cursor, cause: content.value.cause } };
    case "stale": {
      const { sinceTime } = content.value;
      return { meaning: "stale", update: { kind: "stale", cursor, ...(sinceTime && { sinceTime }) } };
    }
    case "heartbeat":
      return { meaning: "heartbeat" };
    case "draining":
      return { meaning: "draining", resumeDelayMs: spanMs(content.value.resumeDelay) };
    case undefined:
      return { meaning: "unknown" };
  }
}

/** The job of the last update. Of a server that leaves it out, the state is known all the same; without a history that is no success. */
export function lastJobOf(update: JobUpdate, jobId: string): WorkHistoryJob {
  if (update.kind !== "stale" && update.job) return update.job;
  const state = update.kind === "event" && update.state !== JobState.SUCCEEDED ? update.state : JobState.UNSPECIFIED;
  const job = create(WorkHistoryJobSchema, { jobId, state });
  redact(job);
  return job;
}

function emptyJob(): WorkHistoryJob {
  const job = create(WorkHistoryJobSchema);
  redact(job);
  return job;
}

function advance(place: Place, cursor: string): void {
  if (cursor !== "") place.cursor = cursor;
}

/** The server's own interval counts. One of zero would make every stream look dead at once. */
function learnHeartbeat(place: Place, interval: Duration | undefined): void {
  const namedMs = spanMs(interval);
  if (namedMs > 0) place.heartbeatIntervalMs = Math.min(namedMs, HEARTBEAT_INTERVAL_MAX_MS);
}

function spanMs(span: Duration | undefined): number {
  return span ? durationMs(span) : 0;
}
