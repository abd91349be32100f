/**
 * Messages of the server print, and become JSON, without personal data: Node.js prints a job that it is given in a log line, and loggers
 * turn it into JSON. Everything is still there for reading by name, and `toJson` of `@bufbuild/protobuf` gives it all.
 */
import type { Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { WorkHistoryJob } from "../gen/semanas/v1/job_pb.js";
import { JobState } from "../gen/semanas/v1/job_pb.js";
import type { WorkHistory } from "../gen/semanas/v1/work_history_pb.js";
import type {
  GetWorkHistoryResponse,
  LookupNssRequest,
  LookupNssResponse,
  SubmitWorkHistoryRequest,
  WatchWorkHistoriesResponse,
  WatchWorkHistoryResponse,
} from "../gen/semanas/v1/work_history_service_pb.js";
import { nameOf, printAs } from "./names.js";

/** What may hold personal data, with where in it that is. Whatever else comes has none. */
type Known =
  | WorkHistoryJob
  | WorkHistory
  | LookupNssRequest
  | SubmitWorkHistoryRequest
  | LookupNssResponse
  | GetWorkHistoryResponse
  | WatchWorkHistoryResponse
  | WatchWorkHistoriesResponse;

/** Redacts a message and what is in it. */
export function redact(message: Message): void {
  const known = message as Known;
  switch (known.$typeName) {
    case "semanas.v1.WorkHistoryJob":
      printAs(known, () => `WorkHistoryJob(${known.jobId}, ${nameOf(JobState, known.state)})`);
      if (known.workHistory) redact(known.workHistory);
      return;
    case "semanas.v1.WorkHistory":
      redactHistory(known);
      return;
    case "semanas.v1.LookupNssResponse":
    case "semanas.v1.LookupNssRequest":
      printAs(known, () => `${shortName(known)}(redacted)`);
      return;
    case "semanas.v1.SubmitWorkHistoryRequest":
      printAs(known, () => "SubmitWorkHistoryRequest(redacted)");
      if (known.subject) printAs(known.subject, () => "Subject(redacted)");
      return;
    case "semanas.v1.WatchWorkHistoryResponse":
      printAs(known, () => `WatchWorkHistoryResponse(${known.content.case ?? "unknown"})`);
      redactContent(known.content);
      return;
    case "semanas.v1.WatchWorkHistoriesResponse":
      printAs(known, () => `WatchWorkHistoriesResponse(${known.content.case ?? "unknown"})`);
      if (known.content.case === "job") redact(known.content.value);
      return;
    default:
      redactJobIn(known);
  }
}

/** Redacts every answer, also those of `client.raw`. */
export const redactsAnswers: Interceptor = (next) => async (request) => {
  const response = await next(request);
  if (!response.stream) {
    redact(response.message);
    return response;
  }
  return { ...response, message: redactEach(response.message) };
};

async function* redactEach<M extends Message>(messages: AsyncIterable<M>): AsyncGenerator<M> {
  for await (const message of messages) {
    redact(message);
    yield message;
  }
}

function redactContent(content: WatchWorkHistoryResponse["content"]): void {
  if (content.case !== "event" && content.case !== "snapshot") return;
  const { value } = content;
  printAs(value, () => `${shortName(value)}(redacted)`);
  if (value.job) redact(value.job);
}

function redactJobIn(holder: object | undefined): void {
  if (holder === undefined) return;
  const { job, jobs } = holder as { job?: WorkHistoryJob; jobs?: WorkHistoryJob[] };
  for (const one of job ? [job] : (jobs ?? [])) redact(one);
}

function redactHistory(history: WorkHistory): void {
  printAs(history, () => `WorkHistory(${history.employments.length} employments)`);
  if (history.person) printAs(history.person, () => "Person(redacted)");
  if (history.weeks) printAs(history.weeks, () => "Weeks(redacted)");
  for (const employment of history.employments) {
    printAs(employment, () => "Employment(redacted)");
    for (const movement of employment.movements) printAs(movement, () => "Movement(redacted)");
  }
}

function shortName(message: Message): string {
  return message.$typeName.slice(message.$typeName.lastIndexOf(".") + 1);
}
