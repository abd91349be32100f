/**
 * Errors as the server sends them.
 */
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { StatusCode, Violation } from "../core/errors.js";
import { ERROR_DOMAIN } from "../core/errors.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";

/** What a refusal says. */
export interface Refusal {
  /** A reason of the catalogue, such as `JOB_NOT_FOUND`; none when absent, as of a proxy. */
  readonly reason?: string;
  /** Who gives it; `semanas` unless said. */
  readonly domain?: string;
  /** One plain sentence. */
  readonly message?: string;
  /** What the reason is about. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** After how long to ask again. */
  readonly retryDelayMs?: number;
  /** Wrong fields. */
  readonly violations?: readonly Violation[];
}

const CODES: Readonly<Record<StatusCode, Code>> = {
  CANCELLED: Code.Canceled,
  UNKNOWN: Code.Unknown,
  INVALID_ARGUMENT: Code.InvalidArgument,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  PERMISSION_DENIED: Code.PermissionDenied,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  ABORTED: Code.Aborted,
  OUT_OF_RANGE: Code.OutOfRange,
  UNIMPLEMENTED: Code.Unimplemented,
  INTERNAL: Code.Internal,
  UNAVAILABLE: Code.Unavailable,
  DATA_LOSS: Code.DataLoss,
  UNAUTHENTICATED: Code.Unauthenticated,
};

/** The error of a server that answers so; an answer of the fake throws it. */
export function refuse(code: StatusCode, refusal: Refusal = {}): ConnectError {
  const { reason, domain = ERROR_DOMAIN, message = "refused by the test", metadata = {}, retryDelayMs, violations } = refusal;
  const error = new ConnectError(message, CODES[code]);
  if (reason !== undefined) error.details.push({ desc: ErrorInfoSchema, value: { reason, domain, metadata: { ...metadata } } });
  if (retryDelayMs !== undefined) {
    error.details.push({ desc: RetryInfoSchema, value: { retryDelay: durationFromMs(retryDelayMs) } });
  }
  if (violations)
    error.details.push({ desc: BadRequestSchema, value: { fieldViolations: violations.map((one) => ({ ...one })) } });
  return error;
}
