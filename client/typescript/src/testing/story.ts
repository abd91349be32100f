/**
 * What the fake answers by itself: people who all have a work history, and jobs that all succeed. Every name and number is invented.
 */
import { Readable } from "node:stream";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { WorkHistoryJob } from "../gen/semanas/v1/job_pb.js";
import { JobState, WorkHistoryJobSchema } from "../gen/semanas/v1/job_pb.js";
import type { OperationsService } from "../gen/semanas/v1/operations_service_pb.js";
import { Provider } from "../gen/semanas/v1/types_pb.js";
import type {
  JobFilter,
  SubmitWorkHistoryRequest,
  WorkHistoryService,
  WatchWorkHistoriesResponseSchema,
  WatchWorkHistoryResponseSchema,
} from "../gen/semanas/v1/work_history_service_pb.js";
import { Disposition, SnapshotCause } from "../gen/semanas/v1/work_history_service_pb.js";
import { refuse } from "./refuse.js";

const NSS = "12345678903";
const CURP_LENGTH = 18;
/** The first event is the job's acceptance, the second its start, the third its end. */
const LAST_SEQUENCE = 3;
const HEARTBEAT_INTERVAL_MS = 15_000;

/** Jobs in the order in which they were submitted, as they end. */
export class Story {
  readonly #jobs: WorkHistoryJob[] = [];
  readonly #byRequest = new Map<string, WorkHistoryJob>();

  workHistories(): ServiceImpl<typeof WorkHistoryService> {
    return {
      lookupNss: ({ curp }) => {
        checkCurp("curp", curp);
        return { nss: NSS, fullName: "PERSONA INVENTADA", disposition: Disposition.STARTED };
      },
      submitWorkHistory: (request) => this.#submit(request),
      watchWorkHistory: (request) => Readable.from(this.#watch(request.jobId, request.cursor)),
      getWorkHistory: ({ jobId }) => ({ job: this.#find(jobId) }),
      listWorkHistories: ({ filter }) => ({ jobs: this.#newestFirst(filter).map(withoutHistory) }),
      cancelWorkHistory: ({ jobId }) => ({ job: this.#find(jobId) }),
      watchWorkHistories: (request, context) => this.#feed(request.filter, context),
    };
  }

  operations(): ServiceImpl<typeof OperationsService> {
    return {
      listCharges: () => ({}),
      getProviderStatus: () => ({
        providers: [Provider.KIBAN, Provider.TU_IDENTIDAD, Provider.NUBARIUM].map((provider) => ({ provider, configured: true })),
      }),
      resolveWorkHistory: ({ jobId }) => {
        this.#find(jobId);
        throw refuse("FAILED_PRECONDITION", { reason: "JOB_NOT_RESOLVABLE", message: "the job has no charge that is unknown" });
      },
    };
  }

  #submit(request: SubmitWorkHistoryRequest) {
    const { subject, requestId, labels, limit } = request;
    checkCurp("subject.curp", subject?.curp ?? "");
    const known = this.#byRequest.get(requestId);
    const job = known ?? this.#newJob(labels, limit, subject?.curp ?? "");
    if (requestId !== "") this.#byRequest.set(requestId, job);
    const queued = { ...withoutHistory(job), state: JobState.QUEUED, eventSequence: 1n };
    return { job: queued, disposition: Disposition.STARTED, watchCursor: cursorAt(1) };
  }

  #newJob(labels: Record<string, string>, limit: number, curp: string): WorkHistoryJob {
    const startDate = { year: 2019, month: 3, day: 1 };
    const employment = { employer: "EMPRESA INVENTADA SA DE CV", registroPatronal: "Y0000000000", startDate, current: true };
    const job = create(WorkHistoryJobSchema, {
      jobId: `wh_fake${String(this.#jobs.length + 1).padStart(4, "0")}`,
      state: JobState.SUCCEEDED,
      createTime: timestampNow(),
      eventSequence: BigInt(LAST_SEQUENCE),
      labels,
      limit,
      workHistory: {
        person: { curp, nss: NSS },
        weeks: { quoted: 100, total: 100 },
        employments: [employment],
        employmentCount: 1,
      },
    });
    this.#jobs.push(job);
    return job;
  }

  *#watch(jobId: string, cursor: string): Generator<MessageInitShape<typeof WatchWorkHistoryResponseSchema>> {
    const job = this.#find(jobId);
    const seen = sequenceOf(cursor);
    if (seen === 0) {
      const first = { ...withoutHistory(job), state: JobState.QUEUED, eventSequence: 1n };
      const snapshot = { job: first, cause: SnapshotCause.START, heartbeatInterval: durationFromMs(HEARTBEAT_INTERVAL_MS) };
      yield { cursor: cursorAt(1), content: { case: "snapshot", value: snapshot } };
    }
    for (let sequence = Math.max(2, seen + 1); sequence <= LAST_SEQUENCE; sequence++) {
      const terminal = sequence === LAST_SEQUENCE;
      const event = {
        sequence: BigInt(sequence),
        eventTime: timestampNow(),
        state: terminal ? JobState.SUCCEEDED : JobState.RUNNING,
        ...(terminal && { job }),
      };
      yield { cursor: cursorAt(sequence), terminal, content: { case: "event", value: event } };
    }
  }

  async *#feed(
    filter: JobFilter | undefined,
    { signal }: HandlerContext,
  ): AsyncGenerator<MessageInitShape<typeof WatchWorkHistoriesResponseSchema>> {
    for (const job of this.#newestFirst(filter)) {
      yield { cursor: `f_${job.jobId}`, content: { case: "job", value: withoutHistory(job) } };
    }
    const synced = { heartbeatInterval: durationFromMs(HEARTBEAT_INTERVAL_MS) };
    yield { cursor: "f_synced", content: { case: "synced", value: synced } };
    // Nothing else happens in this story.
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }

  #find(jobId: string): WorkHistoryJob {
    const found = this.#jobs.find((job) => job.jobId === jobId);
    if (!found) throw refuse("NOT_FOUND", { reason: "JOB_NOT_FOUND", message: "there is no such job" });
    return found;
  }

  #newestFirst(filter: JobFilter | undefined): WorkHistoryJob[] {
    const { states = [], labels = {} } = filter ?? {};
    const isWanted = (job: WorkHistoryJob): boolean =>
      (states.length === 0 || states.includes(job.state)) &&
      Object.entries(labels).every(([key, value]) => job.labels[key] === value);
    return this.#jobs.filter(isWanted).reverse();
  }
}

function withoutHistory(job: WorkHistoryJob): WorkHistoryJob {
  const copy = { ...job };
  delete copy.workHistory;
  return copy;
}

function checkCurp(field: string, curp: string): void {
  if (curp.length === CURP_LENGTH) return;
  const violations = [{ field, description: `it has ${CURP_LENGTH} characters` }];
  throw refuse("INVALID_ARGUMENT", { reason: "INVALID_CURP", message: "the CURP is wrong", violations });
}

function cursorAt(sequence: number): string {
  return `fake_${sequence}`;
}

function sequenceOf(cursor: string): number {
  return Number(cursor.replace("fake_", ""));
}
