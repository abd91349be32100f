/**
 * What both entry points export.
 */
export { BaseClient, isTerminal } from "./core/client.js";
export type {
  FeedOptions,
  GetOptions,
  HealthStatus,
  JobFilterInit,
  ListChargesInit,
  ListOptions,
  ListWorkHistoriesInit,
  LookupNssInit,
  ResolveWorkHistoryInit,
  SubmittedWorkHistory,
  SubmitWorkHistoryInit,
  WatchOptions,
  WhenDoneOptions,
} from "./core/client.js";
export type { CallOptions } from "./core/channel.js";
export {
  CancelledError,
  ConfigurationError,
  DeadlineExceededError,
  ERROR_DOMAIN,
  ExhaustedError,
  FailedPreconditionError,
  InternalError,
  InvalidRequestError,
  JobNotSucceededError,
  NotFoundError,
  OtherError,
  OutOfRangeError,
  PermissionDeniedError,
  SemanasError,
  UnauthenticatedError,
  UnavailableError,
} from "./core/errors.js";
export type { ErrorFacts, ErrorKind, StatusCode, Violation } from "./core/errors.js";
export { Watch } from "./core/follow.js";
export type { FollowOptions } from "./core/follow.js";
export type { Attempt, ConnectionState, Hooks } from "./core/hooks.js";
export { nameOf } from "./core/names.js";
export type { BearerToken, CommonOptions, WatchBehaviour } from "./core/options.js";
export type { Raw } from "./core/raw.js";
export type { RetryChoice, RetryPolicy } from "./core/retry.js";
export { DEFAULT_RESUME, DEFAULT_RETRY } from "./core/retry.js";
export { errorFrom } from "./core/status.js";
export type { FeedUpdate, JobEventUpdate, JobSnapshotUpdate, JobUpdate, StaleUpdate } from "./core/watch.js";
export { VERSION } from "./version.js";
export { ErrorReason } from "./gen/semanas/v1/error_reason_pb.js";
export { ChargeState, JobStage, JobState, OutcomeClass, Step } from "./gen/semanas/v1/job_pb.js";
export type { Attempt as JobAttempt, Failure, Settlement, WorkHistoryJob } from "./gen/semanas/v1/job_pb.js";
export { BreakerState } from "./gen/semanas/v1/operations_service_pb.js";
export type { Charge, ListChargesResponse, ProviderStatus } from "./gen/semanas/v1/operations_service_pb.js";
export { Provider } from "./gen/semanas/v1/types_pb.js";
export type { Money, Subject } from "./gen/semanas/v1/types_pb.js";
export { MovementType } from "./gen/semanas/v1/work_history_pb.js";
export type { Employment, Movement, Person, Provenance, Weeks, WorkHistory } from "./gen/semanas/v1/work_history_pb.js";
export { Disposition, SnapshotCause } from "./gen/semanas/v1/work_history_service_pb.js";
export type {
  JobEvent,
  ListWorkHistoriesResponse,
  LookupNssResponse,
  SubmitWorkHistoryResponse,
} from "./gen/semanas/v1/work_history_service_pb.js";
