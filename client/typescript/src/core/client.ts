/**
 * The calls, one method each; the same in Node.js and in browsers. How a client is made stands in index.ts and web.ts.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../gen/grpc/health/v1/health_pb.js";
import type { WorkHistoryJob } from "../gen/semanas/v1/job_pb.js";
import { JobState } from "../gen/semanas/v1/job_pb.js";
import type { Charge, ListChargesResponse, ProviderStatus } from "../gen/semanas/v1/operations_service_pb.js";
import {
  ListChargesRequestSchema,
  OperationsService,
  ResolveWorkHistoryRequestSchema,
} from "../gen/semanas/v1/operations_service_pb.js";
import type {
  ListWorkHistoriesResponse,
  LookupNssResponse,
  SubmitWorkHistoryResponse,
  JobFilterSchema,
  SubmitWorkHistoryRequestSchema,
} from "../gen/semanas/v1/work_history_service_pb.js";
import {
  ListWorkHistoriesRequestSchema,
  LookupNssRequestSchema,
  WatchWorkHistoriesRequestSchema,
  WatchWorkHistoryRequestSchema,
  WorkHistoryService,
} from "../gen/semanas/v1/work_history_service_pb.js";
import type { CallOptions, Channel, Line, Repeat } from "./channel.js";
import { callUnary } from "./channel.js";
import { JobNotSucceededError } from "./errors.js";
import type { FollowOptions, Watch } from "./follow.js";
import { follow } from "./follow.js";
import { inspectCustom } from "./names.js";
import type { Settings } from "./options.js";
import { checkSpan } from "./options.js";
import { pages } from "./pages.js";
import type { Raw } from "./raw.js";
import { rawOf } from "./raw.js";
import { buysAnew, requestOf, submitOf } from "./request.js";
import { Lifetime, Scope } from "./scope.js";
import { errorAt, errorFrom, errorOf } from "./status.js";
import type { FeedUpdate, JobUpdate } from "./watch.js";
import { lastJobOf, readFeedMessage, readJobMessage } from "./watch.js";

/** A request of `lookupNss`, as an object literal or a message. */
export type LookupNssInit = MessageInitShape<typeof LookupNssRequestSchema>;
/** A request of `submitWorkHistory`, as an object literal or a message. */
export type SubmitWorkHistoryInit = MessageInitShape<typeof SubmitWorkHistoryRequestSchema>;
/** Which jobs a list or a feed is about; an empty one takes all. */
export type JobFilterInit = MessageInitShape<typeof JobFilterSchema>;
/** A request of `listWorkHistoriesPage`. */
export type ListWorkHistoriesInit = MessageInitShape<typeof ListWorkHistoriesRequestSchema>;
/** A request of `listCharges`. */
export type ListChargesInit = MessageInitShape<typeof ListChargesRequestSchema>;
/** A request of `resolveWorkHistory`. */
export type ResolveWorkHistoryInit = MessageInitShape<typeof ResolveWorkHistoryRequestSchema>;

/** What a server says of its health: whether it takes work. */
export type HealthStatus = "SERVING" | "NOT_SERVING" | "UNKNOWN";

/** What `submitWorkHistory` gives: the contract's response, whose job is there for certain. */
export type SubmittedWorkHistory = SubmitWorkHistoryResponse & { job: WorkHistoryJob };

/** What may be said with `getWorkHistory`. */
export interface GetOptions extends CallOptions {
  /** At most this many employments; 0 = all, absent = as asked by Submit. */
  readonly limit?: number | undefined;
}

/** What may be said with `watchWorkHistory`. */
export interface WatchOptions extends FollowOptions {
  /** Cursor of the last update that was handled; without it a snapshot comes first. */
  readonly cursor?: string | undefined;
  /** At most this many employments in the answer; 0 = all, absent = as asked by Submit. */
  readonly limit?: number | undefined;
}

/** What may be said with `watchWorkHistories`. */
export interface FeedOptions extends FollowOptions {
  /** Cursor of the last update that was handled; without it the newest jobs come first. */
  readonly cursor?: string | undefined;
  /** How many of the newest jobs to begin with, 1 to 1000; 0 = 100. Ignored with a cursor. */
  readonly initialCount?: number | undefined;
}

/** What may be said with `listWorkHistories`. */
export interface ListOptions extends CallOptions {
  /** Items fetched at a time, 1 to 1000; 0 = 50. */
  readonly pageSize?: number | undefined;
  /** Where to begin: a `nextPageToken` of before, with the same filter. */
  readonly pageToken?: string | undefined;
}

/** What may be said with `getWorkHistoryWhenDone`. */
export interface WhenDoneOptions extends FollowOptions {
  /** Submit and watch together take no longer; without it the wait is until the job's own deadline ends it. */
  readonly timeLimitMs?: number | undefined;
}

/** The calls of a client, whichever way they go. */
export abstract class BaseClient {
  readonly #line: Line;

  /** Called by the clients of the entry points. */
  protected constructor(channel: Channel, settings: Settings) {
    this.#line = { channel, settings, lifetime: new Lifetime() };
  }

  /**
   * Gives the NSS for a CURP. It takes as long as the provider does, within the deadline; after a `DeadlineExceededError` the lookup goes
   * on, and the same call later gets its answer. `NotFoundError` and `FailedPreconditionError` are definite answers about the person. A
   * lookup that asks for a new purchase is made again only where the server itself says that nothing was bought.
   */
  async lookupNss(request: LookupNssInit, options: CallOptions = {}): Promise<LookupNssResponse> {
    const message = requestOf(LookupNssRequestSchema, request);
    const repeat: Repeat = buysAnew(message) ? "on-servers-word" : "harmless";
    return callUnary(this.#line, WorkHistoryService.method.lookupNss, message, repeat, options);
  }

  /**
   * Starts or joins a job, or gets a recent answer; it returns at once. A request without a `requestId` is sent with one, so that a retry
   * after a broken connection gets the same job.
   */
  async submitWorkHistory(request: SubmitWorkHistoryInit, options: CallOptions = {}): Promise<SubmittedWorkHistory> {
    const { submitWorkHistory } = WorkHistoryService.method;
    const answer = await callUnary(this.#line, submitWorkHistory, submitOf(request), "harmless", options);
    return withJob(answer);
  }

  /**
   * Follows a job until it ends, across broken connections and restarts of the server. Without a cursor it begins with a snapshot; then
   * each event comes once, in order, none missing. The last update has `isTerminal`. Leaving the loop ends the call at once.
   */
  watchWorkHistory(jobId: string, options: WatchOptions = {}): Watch<JobUpdate> {
    const { limit, cursor = "" } = options;
    const stubs = createClient(WorkHistoryService, this.#line.channel.transport);
    const open = (after: string, signal: AbortSignal) => {
      const init = { jobId, cursor: after, ...(limit !== undefined && { limit }) };
      return stubs.watchWorkHistory(requestOf(WatchWorkHistoryRequestSchema, init), { signal, timeoutMs: 0 });
    };
    return follow(this.#line, { method: "WatchWorkHistory", open, read: readJobMessage }, cursor, options);
  }

  /**
   * Submits, then follows the job to its end: gives the job that SUCCEEDED, with its work history.
   *
   * Two errors are its own. `JobNotSucceededError` holds a job that ended otherwise. `DeadlineExceededError`, when the time limit has
   * passed, has `jobId` and `cursor`: the job goes on, and a watch from there misses nothing. Every other error that comes after the job
   * was accepted has both as well.
   */
  async getWorkHistoryWhenDone(request: SubmitWorkHistoryInit, options: WhenDoneOptions = {}): Promise<WorkHistoryJob> {
    const { timeLimitMs } = options;
    if (timeLimitMs !== undefined) checkSpan("timeLimitMs", timeLimitMs);
    const scope = new Scope(this.#line.lifetime, [options.signal], timeLimitMs ?? null);
    try {
      return await this.#untilDone(request, scope);
    } finally {
      scope.dispose();
    }
  }

  async #untilDone(request: SubmitWorkHistoryInit, scope: Scope): Promise<WorkHistoryJob> {
    const { unaryDeadlineMs } = this.#line.settings;
    const deadlineMs = Math.min(scope.remainingMs ?? Infinity, unaryDeadlineMs ?? Infinity);
    const submitted = await this.submitWorkHistory(request, {
      signal: scope.signal,
      deadlineMs: Number.isFinite(deadlineMs) ? Math.max(1, deadlineMs) : null,
    }).catch((thrown: unknown) => {
      throw scope.errorOf(thrown);
    });
    const { job } = submitted;
    if (isTerminal(job.state)) return succeeded(job);
    let cursor = submitted.watchCursor;
    try {
      // A job that was joined may have been started with another limit: ours is said again.
      for await (const update of this.watchWorkHistory(job.jobId, { cursor, limit: request.limit ?? 0, signal: scope.signal })) {
        cursor = update.cursor === "" ? cursor : update.cursor;
        if (update.isTerminal) return succeeded(lastJobOf(update, job.jobId));
      }
    } catch (thrown) {
      if (thrown instanceof JobNotSucceededError) throw thrown;
      throw errorAt(scope.errorOf(thrown), job.jobId, cursor);
    }
    throw errorNoJob();
  }

  /** Gives a job as it stands, with the work history once it is there. */
  async getWorkHistory(jobId: string, options: GetOptions = {}): Promise<WorkHistoryJob> {
    const { getWorkHistory } = WorkHistoryService.method;
    const request = requestOf(getWorkHistory.input, { jobId, ...(options.limit !== undefined && { limit: options.limit }) });
    return withJob(await callUnary(this.#line, getWorkHistory, request, "harmless", options)).job;
  }

  /** Asks a job to stop. Before a paid call it is cancelled at once; a call under way is not thrown away. */
  async cancelWorkHistory(jobId: string, options: CallOptions = {}): Promise<WorkHistoryJob> {
    const { cancelWorkHistory } = WorkHistoryService.method;
    const request = requestOf(cancelWorkHistory.input, { jobId });
    return withJob(await callUnary(this.#line, cancelWorkHistory, request, "harmless", options)).job;
  }

  /** Gives all jobs that the filter takes, newest first and without work histories, each page fetched when the loop reaches it. */
  listWorkHistories(filter: JobFilterInit = {}, options: ListOptions = {}): AsyncGenerator<WorkHistoryJob, void, void> {
    const { pageSize = 0, pageToken: first = "" } = options;
    return pages(first, async (pageToken) => {
      const { jobs, nextPageToken } = await this.listWorkHistoriesPage({ filter, pageSize, pageToken }, options);
      return { items: jobs, nextPageToken };
    });
  }

  /** Gives one page of jobs, for those who hand pages on. */
  async listWorkHistoriesPage(request: ListWorkHistoriesInit, options: CallOptions = {}): Promise<ListWorkHistoriesResponse> {
    const message = requestOf(ListWorkHistoriesRequestSchema, request);
    return callUnary(this.#line, WorkHistoryService.method.listWorkHistories, message, "harmless", options);
  }

  /**
   * Follows all jobs that the filter takes: the newest first, then every change, without end. It is left and resumed as
   * {@link BaseClient.watchWorkHistory} is.
   */
  watchWorkHistories(filter: JobFilterInit = {}, options: FeedOptions = {}): Watch<FeedUpdate> {
    const { initialCount = 0, cursor = "" } = options;
    const stubs = createClient(WorkHistoryService, this.#line.channel.transport);
    const open = (after: string, signal: AbortSignal) => {
      const request = requestOf(WatchWorkHistoriesRequestSchema, { cursor: after, filter, initialCount });
      return stubs.watchWorkHistories(request, { signal, timeoutMs: 0 });
    };
    return follow(this.#line, { method: "WatchWorkHistories", open, read: readFeedMessage }, cursor, options);
  }

  /** Asks the server whether it takes work. It is never retried: whoever asks wants to know it as it is. */
  async health(options: CallOptions = {}): Promise<HealthStatus> {
    const request = requestOf(Health.method.check.input, { service: WorkHistoryService.typeName });
    try {
      const { status } = await callUnary(this.#line, Health.method.check, request, "never", options);
      if (status === ServingStatus.SERVING) return "SERVING";
      return status === ServingStatus.NOT_SERVING ? "NOT_SERVING" : "UNKNOWN";
    } catch (thrown) {
      // A server that knows nothing of the service does not say.
      if (errorFrom(thrown).kind === "NotFound") return "UNKNOWN";
      throw thrown;
    }
  }

  /** For operators: the ledger of charges, newest first, from the request's `pageToken` on, each page fetched when it is reached. */
  listCharges(request: ListChargesInit = {}, options: CallOptions = {}): AsyncGenerator<Charge, void, void> {
    return pages(request.pageToken ?? "", async (pageToken) => {
      const { charges, nextPageToken } = await this.listChargesPage({ ...request, pageToken }, options);
      return { items: charges, nextPageToken };
    });
  }

  /** For operators: one page of the ledger. */
  async listChargesPage(request: ListChargesInit, options: CallOptions = {}): Promise<ListChargesResponse> {
    const message = requestOf(ListChargesRequestSchema, request);
    return callUnary(this.#line, OperationsService.method.listCharges, message, "harmless", options);
  }

  /** For operators: each provider's state as this deployment sees it. */
  async getProviderStatus(options: CallOptions = {}): Promise<ProviderStatus[]> {
    const { getProviderStatus } = OperationsService.method;
    const answer = await callUnary(this.#line, getProviderStatus, requestOf(getProviderStatus.input, {}), "harmless", options);
    return answer.providers;
  }

  /**
   * For operators: settles a job whose charge is unknown, after the provider's books were asked. `FailedPreconditionError` says that there
   * is nothing to settle; that is also why it is not made again after a broken connection, when it may have been done.
   */
  async resolveWorkHistory(request: ResolveWorkHistoryInit, options: CallOptions = {}): Promise<WorkHistoryJob> {
    const { resolveWorkHistory } = OperationsService.method;
    const message = requestOf(ResolveWorkHistoryRequestSchema, request);
    return withJob(await callUnary(this.#line, resolveWorkHistory, message, "on-servers-word", options)).job;
  }

  /** The generated stubs over the same connection. */
  get raw(): Raw {
    return rawOf(this.#line.channel.transport, this.#line.settings.unaryDeadlineMs);
  }

  /** Closes the connection; calls and watches that are under way end with a `CancelledError`, and so does every later one. */
  close(): void {
    this.#line.lifetime.end();
    this.#line.channel.close();
  }

  /** What Node.js prints: no more than what it is, since options may hold secrets. */
  [inspectCustom](): string {
    return "SemanasClient";
  }
}

/** Whether a job in this state has ended. A state that this version does not know is not taken for an end. */
export function isTerminal(state: JobState): boolean {
  const ends: readonly JobState[] = [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.OUTCOME_UNKNOWN];
  return ends.includes(state);
}

function succeeded(job: WorkHistoryJob): WorkHistoryJob {
  if (job.state !== JobState.SUCCEEDED) throw new JobNotSucceededError(job);
  return job;
}

function withJob<A extends { job?: WorkHistoryJob | undefined }>(answer: A): A & { job: WorkHistoryJob } {
  if (answer.job === undefined) throw errorNoJob();
  return answer as A & { job: WorkHistoryJob };
}

function errorNoJob(): Error {
  return errorOf(Code.Internal, "the server's answer holds no job");
}
