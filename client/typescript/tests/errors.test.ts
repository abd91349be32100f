import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import { create, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ErrorKind, StatusCode } from "@semanas/client";
import {
  ErrorReason,
  JobNotSucceededError,
  JobState,
  NotFoundError,
  SemanasClient,
  SemanasError,
  errorFrom,
  isTerminal,
  nameOf,
} from "@semanas/client";
import { refuse } from "@semanas/client/testing";
import { WorkHistoryJobSchema } from "@semanas/client/v1";
import { CURP, all, clientOf, failureOf } from "./support.js";

test("the kind follows the code", () => {
  const kinds: Record<StatusCode, ErrorKind> = {
    CANCELLED: "Cancelled",
    UNKNOWN: "Other",
    INVALID_ARGUMENT: "InvalidRequest",
    DEADLINE_EXCEEDED: "DeadlineExceeded",
    NOT_FOUND: "NotFound",
    ALREADY_EXISTS: "Other",
    PERMISSION_DENIED: "PermissionDenied",
    RESOURCE_EXHAUSTED: "Exhausted",
    FAILED_PRECONDITION: "FailedPrecondition",
    ABORTED: "Other",
    OUT_OF_RANGE: "OutOfRange",
    UNIMPLEMENTED: "Other",
    INTERNAL: "Internal",
    UNAVAILABLE: "Unavailable",
    DATA_LOSS: "Internal",
    UNAUTHENTICATED: "Unauthenticated",
  };
  for (const [code, kind] of Object.entries(kinds)) {
    const error = errorFrom(refuse(code as StatusCode));
    assert.deepEqual([error.code, error.kind, error.name], [code, kind, `${kind}Error`]);
    assert.ok(error instanceof SemanasError && error instanceof Error);
    assert.equal(errorFrom(error), error);
  }
});

test("a reason is a constant where it is known and ours, and text always", () => {
  const check = (reason: string, domain: string, expected: ErrorReason): void => {
    const error = errorFrom(refuse("NOT_FOUND", { reason, domain }));
    assert.deepEqual([error.reason, error.domain, error.knownReason], [reason, domain, expected]);
  };
  check("JOB_NOT_FOUND", "semanas", ErrorReason.JOB_NOT_FOUND);
  check("MADE_UP_TOMORROW", "semanas", ErrorReason.UNSPECIFIED);
  check("JOB_NOT_FOUND", "proxy.example", ErrorReason.UNSPECIFIED);
  check("6", "semanas", ErrorReason.UNSPECIFIED);
  check("toString", "semanas", ErrorReason.UNSPECIFIED);
});

test("details that cannot be read do not hide the error", () => {
  const status = new ConnectError("there is no such job", Code.NotFound);
  for (const type of ["google.rpc.ErrorInfo", "google.rpc.RetryInfo", "google.rpc.BadRequest", "made.up"]) {
    status.details.push({ type, value: new Uint8Array([0xff, 0xff, 0xff]) });
  }
  const error = errorFrom(status);
  assert.ok(error instanceof NotFoundError);
  assert.deepEqual([error.reason, error.violations, error.retryDelayMs, error.status], ["", [], undefined, status]);
});

test("a job that ended otherwise keeps itself out of what is printed", () => {
  const failure = { reason: 999 as ErrorReason, message: "nobody knows" };
  const job = create(WorkHistoryJobSchema, { jobId: "wh_1", state: 77 as JobState, failure, purpose: "s3cret" });
  const error = new JobNotSucceededError(job);
  assert.equal(error.message, "the job wh_1 ended UNKNOWN(77): nobody knows [UNKNOWN(999)]");
  assert.equal(error.job, job);
  for (const text of [inspect(error), JSON.stringify(error), String(error)]) assert.ok(!text.includes("s3cret"), text);
  assert.equal((JSON.parse(JSON.stringify(error)) as { kind: string }).kind, "JobNotSucceeded");
});

test("no print, JSON or string of what we give holds personal data", async (t) => {
  const person = { curp: CURP, nss: "12345678903", fullName: "JOSE INVENTADO" };
  const money = { currencyCode: "MXN", units: 98765n };
  const employment = {
    employer: "EMPRESA SECRETA",
    dailyBaseSalary: money,
    movements: [{ typeText: "ALTA", dailyBaseSalary: money }],
  };
  const job = { jobId: "wh_1", state: JobState.SUCCEEDED, eventSequence: 1n, workHistory: { person, employments: [employment] } };
  const { client } = await clientOf(t, {
    lookupNss: () => ({ nss: person.nss, fullName: person.fullName }),
    getWorkHistory: () => ({ job }),
    submitWorkHistory: () => ({ job }),
    watchWorkHistory: async function* () {
      yield await Promise.resolve({
        cursor: "c",
        terminal: true,
        content: { case: "event" as const, value: { sequence: 1n, job } },
      });
    },
  });
  const got = await client.getWorkHistory("wh_1");
  const [update] = await all(client.watchWorkHistory("wh_1"));
  const given: unknown[] = [
    got,
    { nested: [got.workHistory] },
    got.workHistory?.person,
    got.workHistory?.employments,
    got.workHistory?.employments[0]?.movements,
    update,
    update?.kind === "event" && update.event,
    await client.submitWorkHistory({ subject: { curp: CURP } }),
    await client.lookupNss({ curp: CURP }),
    await client.raw.workHistory.getWorkHistory({ jobId: "wh_1" }),
    client,
    new SemanasClient("https://host", { credentials: { bearerToken: CURP } }),
  ];
  const secret = new RegExp([CURP, person.nss, "INVENTADO", "SECRETA", "98765", "ALTA"].join("|"));
  for (const one of given) {
    const texts = [inspect(one, { depth: 20 }), String(one), JSON.stringify(one)];
    for (const text of texts) assert.doesNotMatch(text, secret);
  }
  assert.equal(inspect(got), "WorkHistoryJob(wh_1, SUCCEEDED)");
  // For everything there is protobuf's own JSON.
  assert.match(JSON.stringify(toJson(WorkHistoryJobSchema, got)), secret);
});

test("values of tomorrow have names, and are no end", () => {
  assert.equal(nameOf(JobState, JobState.SUCCEEDED), "SUCCEEDED");
  assert.equal(nameOf(JobState, 77), "UNKNOWN(77)");
  assert.deepEqual([JobState.FAILED, JobState.RUNNING, 77 as JobState].map(isTerminal), [true, false, false]);
});

test("a hook that throws does not take the call with it", async (t) => {
  const onAttempt = (): never => {
    throw new Error("its owner's affair");
  };
  const { client } = await clientOf(t, {}, { hooks: { onAttempt, onConnectionState: onAttempt } });
  await client.lookupNss({ curp: CURP });
  await failureOf(client.getWorkHistory("wh_none"), NotFoundError);
});
