/**
 * Requests as they are sent: checked before, so that a mistake of types is told in our words, which do not repeat what was in the request.
 */
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { create, toBinary } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import type { LookupNssRequest, SubmitWorkHistoryRequest } from "../gen/semanas/v1/work_history_service_pb.js";
import { SubmitWorkHistoryRequestSchema } from "../gen/semanas/v1/work_history_service_pb.js";
import { InvalidRequestError } from "./errors.js";
import { redact } from "./redact.js";

/** An answer younger than this may be the one that a broken try of the same call has bought. Longer than any retrying lasts. */
const YOUNG_ANSWER_MAX_S = 5n * 60n;

/** The message of a request that can be sent. */
export function requestOf<S extends DescMessage>(schema: S, given: MessageInitShape<S>): MessageShape<S> {
  let message: MessageShape<S>;
  try {
    message = create(schema, given);
    toBinary(schema, message);
  } catch (thrown) {
    throw unsendable(thrown);
  }
  redact(message);
  return message;
}

/** A submit with a `request_id`, so that its retries get the same job. */
export function submitOf(given: MessageInitShape<typeof SubmitWorkHistoryRequestSchema>): SubmitWorkHistoryRequest {
  const request = requestOf(SubmitWorkHistoryRequestSchema, { ...given });
  if (request.requestId === "") request.requestId = randomId();
  return request;
}

/** Whether the same request made twice could pay twice. */
export function buysAnew(request: LookupNssRequest): boolean {
  const acceptsYoungOnly = (age: Duration): boolean => age.seconds < YOUNG_ANSWER_MAX_S;
  return request.allowRepeatCharge || (request.maxAge !== undefined && acceptsYoungOnly(request.maxAge));
}

function unsendable(thrown: unknown): InvalidRequestError {
  // The library's text quotes the value, which may be personal. Of it we keep the field's name, which is ours.
  const field = thrown instanceof Error ? /field semanas\.v1\.(\w+(?:\.\w+)*)/.exec(thrown.message)?.[1] : undefined;
  return new InvalidRequestError({
    sentence: "the request cannot be sent: a value has the wrong type or is out of range",
    violations: field === undefined ? [] : [{ field, description: "it has the wrong type or is out of range" }],
  });
}

/** 128 random bits. `crypto.randomUUID` is not there for pages without TLS. */
function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
