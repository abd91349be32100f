/**
 * How a status becomes an error of ours. A reason or a detail that this version does not know, or cannot read, never gets in the way:
 * the text is kept, the code decides.
 */
import type { Duration } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import * as errors from "./errors.js";
import type { ErrorFacts, SemanasError, StatusCode } from "./errors.js";

type ErrorClass = new (facts: ErrorFacts) => SemanasError;

const CODES: Readonly<Record<Code, readonly [StatusCode, ErrorClass]>> = {
  [Code.Canceled]: ["CANCELLED", errors.CancelledError],
  [Code.Unknown]: ["UNKNOWN", errors.OtherError],
  [Code.InvalidArgument]: ["INVALID_ARGUMENT", errors.InvalidRequestError],
  [Code.DeadlineExceeded]: ["DEADLINE_EXCEEDED", errors.DeadlineExceededError],
  [Code.NotFound]: ["NOT_FOUND", errors.NotFoundError],
  [Code.AlreadyExists]: ["ALREADY_EXISTS", errors.OtherError],
  [Code.PermissionDenied]: ["PERMISSION_DENIED", errors.PermissionDeniedError],
  [Code.ResourceExhausted]: ["RESOURCE_EXHAUSTED", errors.ExhaustedError],
  [Code.FailedPrecondition]: ["FAILED_PRECONDITION", errors.FailedPreconditionError],
  [Code.Aborted]: ["ABORTED", errors.OtherError],
  [Code.OutOfRange]: ["OUT_OF_RANGE", errors.OutOfRangeError],
  [Code.Unimplemented]: ["UNIMPLEMENTED", errors.OtherError],
  [Code.Internal]: ["INTERNAL", errors.InternalError],
  [Code.Unavailable]: ["UNAVAILABLE", errors.UnavailableError],
  [Code.DataLoss]: ["DATA_LOSS", errors.InternalError],
  [Code.Unauthenticated]: ["UNAUTHENTICATED", errors.UnauthenticatedError],
};

/** Reads any error of a call, as the stubs of `client.raw` throw them. One that is ours already is given back. */
export function errorFrom(thrown: unknown): SemanasError {
  if (thrown instanceof errors.SemanasError) return thrown;
  const status = ConnectError.from(thrown);
  // An error that a caller's own interceptor threw may be of ours.
  if (status.cause instanceof errors.SemanasError) return status.cause;
  const [code, Kind] = CODES[status.code];
  const [info] = status.findDetails(ErrorInfoSchema);
  const [retry] = status.findDetails(RetryInfoSchema);
  const violations = status
    .findDetails(BadRequestSchema)
    .flatMap((one) => one.fieldViolations)
    .map(({ field, description }) => ({ field, description }));
  return new Kind({
    sentence: status.rawMessage,
    code,
    status,
    violations,
    ...(info && { reason: info.reason, domain: info.domain, metadata: { ...info.metadata } }),
    ...(retry?.retryDelay && { retryDelayMs: durationMs(retry.retryDelay) }),
    ...(status.cause !== undefined && { cause: status.cause }),
  });
}

/** An error of our own making, with a code as if it had been received. */
export function errorOf(code: Code, sentence: string, more: Partial<ErrorFacts> = {}): SemanasError {
  const [name, Kind] = CODES[code];
  return new Kind({ sentence, code: name, status: new ConnectError(sentence, code), ...more });
}

/** The same error, knowing about which job it is and where that was left. */
export function errorAt(error: SemanasError, jobId: string, cursor: string): SemanasError {
  Object.assign(error, { jobId, cursor });
  return error;
}

/** Milliseconds of a span; zero for one that is negative. */
export function durationMs(span: Duration): number {
  return Math.max(0, Number(span.seconds) * 1000 + span.nanos / 1_000_000);
}
