/**
 * What went wrong, by what a caller can do about it. It decides how an error looks; how a status is read stands in status.ts.
 */
import type { ConnectError } from "@connectrpc/connect";
import { ErrorReason } from "../gen/semanas/v1/error_reason_pb.js";
import type { WorkHistoryJob } from "../gen/semanas/v1/job_pb.js";
import { JobState } from "../gen/semanas/v1/job_pb.js";
import { hide, inspectCustom, nameOf } from "./names.js";

/** `domain` of every reason that Semanas itself gives. */
export const ERROR_DOMAIN = "semanas";

/** Names of the gRPC codes, as the specification writes them. */
export type StatusCode =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/** The kinds of errors, by what a caller can do. New ones may come: a `switch` over them wants a `default`. */
export type ErrorKind =
  | "Configuration"
  | "InvalidRequest"
  | "NotFound"
  | "FailedPrecondition"
  | "OutOfRange"
  | "Exhausted"
  | "Unavailable"
  | "DeadlineExceeded"
  | "Cancelled"
  | "Unauthenticated"
  | "PermissionDenied"
  | "Internal"
  | "JobNotSucceeded"
  | "Other";

/** One wrong field of a request. */
export interface Violation {
  /** Path of the field, for example `subject.curp`. */
  readonly field: string;
  /** What is wrong with it. */
  readonly description: string;
}

/** What an error is made of; all of it is there for reading on {@link SemanasError}. */
export interface ErrorFacts {
  /** One plain sentence. */
  readonly sentence: string;
  /** See {@link SemanasError.code}. */
  readonly code?: StatusCode;
  /** See {@link SemanasError.reason}. */
  readonly reason?: string;
  /** See {@link SemanasError.domain}. */
  readonly domain?: string;
  /** See {@link SemanasError.metadata}. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** See {@link SemanasError.retryDelayMs}. */
  readonly retryDelayMs?: number;
  /** See {@link SemanasError.violations}. */
  readonly violations?: readonly Violation[];
  /** See {@link SemanasError.status}. */
  readonly status?: ConnectError;
  /** What ended the call on this side, such as the reason of the caller's `AbortSignal`. */
  readonly cause?: unknown;
  /** See {@link SemanasError.jobId}. */
  readonly jobId?: string;
  /** See {@link SemanasError.cursor}. */
  readonly cursor?: string;
}

/**
 * Every error of this package. Its text, JSON and print hold no personal data.
 *
 * Tell errors apart with `instanceof` or by `kind`.
 */
export abstract class SemanasError extends Error {
  /** What the caller can do, by name. */
  abstract readonly kind: ErrorKind;
  /** What the server said, verbatim and alone; {@link Error.message} adds reason and violations. */
  readonly sentence: string;
  /** The gRPC code; absent when no status was received, as when nothing was sent. */
  readonly code?: StatusCode;
  /** The reason in UPPER_SNAKE, also one that this version does not know; empty when none was given, as by a proxy. */
  readonly reason: string;
  /** Who gave the reason: {@link ERROR_DOMAIN}, or another service on the way. */
  readonly domain: string;
  /** What the reason is about, by name: `job_id`, `provider`, `provider_code`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** After how long the server wants to be asked again, if it says so. */
  readonly retryDelayMs?: number;
  /** Each wrong field of the request. */
  readonly violations: readonly Violation[];
  /** The job that the call was about, where `getWorkHistoryWhenDone` knows it: it goes on without its caller. */
  readonly jobId?: string;
  /** Where `getWorkHistoryWhenDone` has left the job: a watch from there misses nothing. */
  readonly cursor?: string;
  /** The status as Connect received it; absent when there is none. */
  declare readonly status?: ConnectError;

  /** Made by this package only. */
  constructor(facts: ErrorFacts) {
    super(textOf(facts), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.sentence = facts.sentence;
    if (facts.code !== undefined) this.code = facts.code;
    this.reason = facts.reason ?? "";
    this.domain = facts.domain ?? "";
    this.metadata = facts.metadata ?? {};
    if (facts.retryDelayMs !== undefined) this.retryDelayMs = facts.retryDelayMs;
    this.violations = facts.violations ?? [];
    if (facts.jobId !== undefined) this.jobId = facts.jobId;
    if (facts.cursor !== undefined) this.cursor = facts.cursor;
    if (facts.status !== undefined) hide(this, "status", facts.status);
  }

  /** The reason as a constant; `UNSPECIFIED` when this version does not know it or Semanas did not give it. */
  get knownReason(): ErrorReason {
    const reasons: Partial<Record<string, ErrorReason | string>> = ErrorReason;
    const known = this.domain === ERROR_DOMAIN && /^[A-Z]/.test(this.reason) ? reasons[this.reason] : undefined;
    return typeof known === "number" ? known : ErrorReason.UNSPECIFIED;
  }

  /** What stands in logs: everything but stack, raw status and job. */
  toJSON(): Record<string, unknown> {
    const { name, kind, code, sentence, reason, domain, metadata, retryDelayMs, violations, jobId, cursor } = this;
    return { name, kind, code, message: sentence, reason, domain, metadata, retryDelayMs, violations, jobId, cursor };
  }

  /** What Node.js prints. */
  [inspectCustom](): string {
    return this.stack ?? `${this.name}: ${this.message}`;
  }
}

function textOf(facts: ErrorFacts): string {
  const sentence = facts.sentence !== "" ? facts.sentence : `the server answered ${facts.code ?? "an error"} without a word`;
  const reason = facts.reason !== undefined && facts.reason !== "" ? ` [${facts.reason}]` : "";
  const violations = (facts.violations ?? []).map((one) => `${one.field}: ${one.description}`).join("; ");
  return sentence + reason + (violations === "" ? "" : `: ${violations}`);
}

/** Nothing was sent: mend the endpoint, the credentials or the options. */
export class ConfigurationError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "Configuration";
}

/** Mend what `violations` name; the same request again is of no use. */
export class InvalidRequestError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "InvalidRequest";
}

/** There is no such job, NSS or CURP: accept it. */
export class NotFoundError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "NotFound";
}

/** The system or the person's affairs must change first: do what the reason says. */
export class FailedPreconditionError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "FailedPrecondition";
}

/** The cursor is older than what is kept: watch again without it. */
export class OutOfRangeError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "OutOfRange";
}

/** A limit is used up: wait, if `retryDelayMs` names a time. */
export class ExhaustedError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "Exhausted";
}

/** The server, or what it depends on, cannot be reached: try again later. */
export class UnavailableError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "Unavailable";
}

/** The time was up first. The work may go on: ask again. */
export class DeadlineExceededError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "DeadlineExceeded";
}

/** The caller's own cancel: an `AbortSignal`, or the client's `close()`. */
export class CancelledError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "Cancelled";
}

/** The server does not know who calls: mend the credentials. */
export class UnauthenticatedError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "Unauthenticated";
}

/** The caller is known and may not do this: mend the credentials. */
export class PermissionDeniedError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "PermissionDenied";
}

/** A defect of the server, or something that only its operator can mend: tell them. */
export class InternalError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "Internal";
}

/** Any other status: read `status`. */
export class OtherError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "Other";
}

/** The job ended otherwise than SUCCEEDED, perhaps in a state that this version does not know: read `job.failure`. */
export class JobNotSucceededError extends SemanasError {
  /** What the caller can do, by name. */
  readonly kind = "JobNotSucceeded";
  /** The job as it ended. */
  declare readonly job: WorkHistoryJob;

  /** Made by this package only. */
  constructor(job: WorkHistoryJob) {
    const told = job.failure?.message ?? "";
    super({
      sentence: `the job ${job.jobId} ended ${nameOf(JobState, job.state)}${told === "" ? "" : `: ${told}`}`,
      jobId: job.jobId,
      ...(job.failure && { reason: nameOf(ErrorReason, job.failure.reason), domain: ERROR_DOMAIN }),
    });
    hide(this, "job", job);
  }
}
