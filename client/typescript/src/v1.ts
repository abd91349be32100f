/**
 * The messages, enums and services of the contract, package `semanas.v1`, as `@bufbuild/protobuf` generates them: for `client.raw`, for
 * `create` and `toJson`, and for servers of one's own.
 *
 * @packageDocumentation
 */
export * from "./gen/semanas/v1/error_reason_pb.js";
export * from "./gen/semanas/v1/job_pb.js";
export * from "./gen/semanas/v1/operations_service_pb.js";
export * from "./gen/semanas/v1/types_pb.js";
export * from "./gen/semanas/v1/work_history_pb.js";
export * from "./gen/semanas/v1/work_history_service_pb.js";
