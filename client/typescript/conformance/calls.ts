/**
 * The calls of a case.
 */
import type { JobFilterInit, LookupNssInit, SemanasClient, SubmitWorkHistoryInit, WorkHistoryJob } from "@semanas/client";
import { ChargeState, Disposition, JobState, Provider, SemanasError, nameOf } from "@semanas/client";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Json } from "./results.js";
import { errorJson, feedUpdateJson, jobJson, jobUpdateJson } from "./results.js";

export interface Command {
  readonly call: string;
  readonly calls?: readonly Command[];
  readonly request?: Request;
  readonly filter?: { readonly states?: readonly string[]; readonly labels?: Record<string, string> };
  readonly job_id?: string;
  readonly cursor?: string;
  readonly page_token?: string;
  readonly page_size?: number;
  readonly limit?: number;
  readonly stop_after?: number;
  readonly cancel_after_ms?: number;
  readonly time_limit_ms?: number;
  readonly charge?: string;
  readonly note?: string;
}

interface Request {
  readonly curp?: string;
  readonly nss?: string;
  readonly given_names?: string;
  readonly paternal_surname?: string;
  readonly maternal_surname?: string;
  readonly limit?: number;
  readonly request_id?: string;
  readonly max_age_ms?: number;
  readonly allow_repeat_charge?: boolean;
  readonly provider?: string;
  readonly test_case_id?: string;
  readonly purpose?: string;
  readonly consent_reference?: string;
  readonly labels?: Record<string, string>;
}

/** What the newest results have given, for the calls after them. */
export class Found {
  #jobId = "";
  #cursor = "";
  #pageToken = "";

  keep(jobId?: string, cursor?: string): void {
    this.#jobId = jobId ?? this.#jobId;
    this.#cursor = cursor ?? this.#cursor;
  }

  keepPage(pageToken: string): void {
    this.#pageToken = pageToken;
  }

  fill(text = ""): string {
    return text.replace("$job_id", this.#jobId).replace("$cursor", this.#cursor).replace("$page_token", this.#pageToken);
  }
}

/** Makes a call, and gives its result. */
export async function run(client: SemanasClient, command: Command, found: Found): Promise<Json> {
  const controller = new AbortController();
  const timer = command.cancel_after_ms === undefined ? undefined : setTimeout(() => controller.abort(), command.cancel_after_ms);
  const { signal } = controller;
  try {
    return await calls(
      client,
      { ...command, job_id: found.fill(command.job_id), cursor: found.fill(command.cursor) },
      found,
      signal,
    );
  } catch (thrown) {
    if (thrown instanceof SemanasError) found.keep(thrown.jobId, thrown.cursor);
    return { error: errorJson(thrown) };
  } finally {
    clearTimeout(timer);
  }
}

async function calls(
  client: SemanasClient,
  command: Command & { job_id: string; cursor: string },
  found: Found,
  signal: AbortSignal,
): Promise<Json> {
  const { request = {}, job_id, limit } = command;
  switch (command.call) {
    case "together":
      return (await Promise.all((command.calls ?? []).map((one) => run(client, one, found)))) as unknown as Json;
    case "lookup_nss": {
      const { nss, disposition } = await client.lookupNss(lookupOf(request), { signal });
      return { ok: { nss, disposition: nameOf(Disposition, disposition) } };
    }
    case "submit_work_history": {
      const { job, disposition, watchCursor } = await client.submitWorkHistory(submitOf(request), { signal });
      found.keep(job.jobId, watchCursor);
      return { ok: { job: jobJson(job), disposition: nameOf(Disposition, disposition), watch_cursor: watchCursor } };
    }
    case "get_work_history_when_done":
      return ok(await client.getWorkHistoryWhenDone(submitOf(request), { signal, timeLimitMs: command.time_limit_ms }), found);
    case "get_work_history":
      return ok(await client.getWorkHistory(job_id, { signal, limit }), found);
    case "cancel_work_history":
      return ok(await client.cancelWorkHistory(job_id, { signal }), found);
    case "resolve_work_history": {
      const charge = ChargeState[command.charge as keyof typeof ChargeState];
      return ok(await client.resolveWorkHistory({ jobId: job_id, charge, note: command.note ?? "" }, { signal }), found);
    }
    case "watch_work_history": {
      const watch = client.watchWorkHistory(job_id, { cursor: command.cursor, limit, signal });
      return read("updates", watch, command, signal, (update) => {
        found.keep(update.kind === "stale" ? undefined : update.job?.jobId, update.cursor);
        return jobUpdateJson(update);
      });
    }
    case "watch_work_histories": {
      const feed = client.watchWorkHistories(filterOf(command.filter), { cursor: command.cursor, signal });
      return read("updates", feed, command, signal, (update) => {
        found.keep(update.kind === "job" ? update.job.jobId : undefined, update.cursor);
        return feedUpdateJson(update);
      });
    }
    case "list_work_histories": {
      const options = { pageSize: command.page_size, pageToken: found.fill(command.page_token), signal };
      return read("jobs", client.listWorkHistories(filterOf(command.filter), options), command, signal, (job) => {
        found.keep(job.jobId);
        return jobJson(job);
      });
    }
    case "list_charges": {
      const charges: Json[] = [];
      for await (const { chargeId, jobId, state } of client.listCharges(
        { jobId: job_id, pageSize: command.page_size ?? 0 },
        { signal },
      )) {
        charges.push({ charge_id: chargeId, job_id: jobId, state: nameOf(ChargeState, state) });
        if (charges.length === command.stop_after) break;
      }
      return { ok: { charges } };
    }
    case "get_provider_status": {
      const providers = await client.getProviderStatus({ signal });
      return {
        ok: { providers: providers.map((one) => ({ provider: nameOf(Provider, one.provider), configured: one.configured })) },
      };
    }
    case "health":
      return { ok: { health: await client.health({ signal }) } };
    default:
      return { unsupported: `there is no call ${command.call}` };
  }
}

async function read<T>(
  name: "updates" | "jobs",
  items: AsyncIterable<T>,
  { stop_after }: Command,
  signal: AbortSignal,
  json: (item: T) => Json,
): Promise<Json> {
  const seen: Json[] = [];
  try {
    for await (const item of items) {
      seen.push(json(item));
      if (seen.length === stop_after) return { [name]: seen, end: "stopped" };
    }
    return { [name]: seen, end: "done" };
  } catch (thrown) {
    return { [name]: seen, end: signal.aborted ? "stopped" : errorJson(thrown) };
  }
}

function ok(job: WorkHistoryJob, found: Found): Json {
  found.keep(job.jobId);
  return { ok: { job: jobJson(job) } };
}

function lookupOf(given: Request): LookupNssInit {
  return {
    curp: given.curp ?? "",
    allowRepeatCharge: given.allow_repeat_charge ?? false,
    purpose: given.purpose ?? "",
    consentReference: given.consent_reference ?? "",
    ...(given.max_age_ms !== undefined && { maxAge: durationFromMs(given.max_age_ms) }),
  };
}

function submitOf(given: Request): SubmitWorkHistoryInit {
  const { curp = "", nss = "", given_names: givenNames = "" } = given;
  const { paternal_surname: paternalSurname = "", maternal_surname: maternalSurname = "" } = given;
  return {
    subject: { curp, nss, givenNames, paternalSurname, maternalSurname },
    limit: given.limit ?? 0,
    requestId: given.request_id ?? "",
    allowRepeatCharge: given.allow_repeat_charge ?? false,
    provider: given.provider === undefined ? Provider.UNSPECIFIED : Provider[given.provider as keyof typeof Provider],
    testCaseId: given.test_case_id ?? "",
    purpose: given.purpose ?? "",
    consentReference: given.consent_reference ?? "",
    labels: given.labels ?? {},
    ...(given.max_age_ms !== undefined && { maxAge: durationFromMs(given.max_age_ms) }),
  };
}

function filterOf(given: Command["filter"]): JobFilterInit {
  return { states: (given?.states ?? []).map((name) => JobState[name as keyof typeof JobState]), labels: given?.labels ?? {} };
}
