import assert from "node:assert/strict";
import { test } from "node:test";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { ClientOptions } from "@semanas/client";
import {
  CancelledError,
  ConfigurationError,
  DeadlineExceededError,
  ExhaustedError,
  InvalidRequestError,
  JobNotSucceededError,
  JobState,
  NotFoundError,
  SemanasClient,
  UnauthenticatedError,
  UnavailableError,
} from "@semanas/client";
import type { FakeAnswers } from "@semanas/client/testing";
import { refuse } from "@semanas/client/testing";
import { CURP, all, clientOf, event, failureOf, silence, until } from "./support.js";

const QUICK: ClientOptions = { retry: { delayFirstMs: 1 }, watch: { resume: { delayFirstMs: 1 } } };
const subject = { curp: CURP };

/** Refuses so many times, then gives the NSS; says how often it was asked. */
function refusing(times: number, error: () => Error): { answers: FakeAnswers; asked: () => number } {
  let asked = 0;
  const lookupNss = () => {
    if (++asked <= times) throw error();
    return { nss: "12345678903" };
  };
  return { answers: { lookupNss }, asked: () => asked };
}

test("a short outage is nobody's business, and every try of a submit has the same request_id", async (t) => {
  const ids: string[] = [];
  const { client, attempts } = await clientOf(
    t,
    {
      submitWorkHistory: ({ requestId }) => {
        if (ids.push(requestId) < 3) throw refuse("UNAVAILABLE", { reason: "STORE_UNAVAILABLE" });
        return { job: { jobId: "wh_1" } };
      },
    },
    QUICK,
  );
  const request = { subject };
  assert.equal((await client.submitWorkHistory(request)).job.jobId, "wh_1");
  assert.equal(new Set(ids).size, 1);
  assert.match(ids[0] ?? "", /^[0-9a-f]{32}$/);
  assert.deepEqual(request, { subject });
  assert.deepEqual(
    attempts.map(({ number, code }) => [number, code]),
    [
      [1, "UNAVAILABLE"],
      [2, "UNAVAILABLE"],
      [3, "OK"],
    ],
  );
  assert.ok(attempts[0]?.waitMs !== undefined && attempts[2]?.waitMs === undefined);
});

test("four tries, and then the last real error", async (t) => {
  const { answers, asked } = refusing(9, () => refuse("UNAVAILABLE", { reason: "STORE_UNAVAILABLE" }));
  const { client } = await clientOf(t, answers, QUICK);
  const error = await failureOf(client.lookupNss({ curp: CURP }), UnavailableError);
  assert.equal(error.reason, "STORE_UNAVAILABLE");
  assert.equal(asked(), 4);
});

test("retries can be switched off", async (t) => {
  const { answers, asked } = refusing(1, () => refuse("UNAVAILABLE"));
  const { client } = await clientOf(t, answers, { retry: "off" });
  await failureOf(client.lookupNss({ curp: CURP }), UnavailableError);
  assert.equal(asked(), 1);
});

test("the time that the server names is waited for, and one that passes the deadline is not begun", async (t) => {
  const { answers } = refusing(1, () => refuse("RESOURCE_EXHAUSTED", { reason: "QUOTA_EXCEEDED", retryDelayMs: 120 }));
  const { client } = await clientOf(t, answers, QUICK);
  const beganMs = performance.now();
  await client.lookupNss({ curp: CURP });
  assert.ok(performance.now() - beganMs >= 115);

  const late = refusing(1, () => refuse("UNAVAILABLE", { reason: "STORE_UNAVAILABLE", retryDelayMs: 10_000 }));
  const { client: impatient } = await clientOf(t, late.answers, { ...QUICK, unaryDeadlineMs: 5_000 });
  const error = await failureOf(impatient.lookupNss({ curp: CURP }), UnavailableError);
  assert.equal(error.retryDelayMs, 10_000);
});

test("a limit without an end is not waited out", async (t) => {
  const { answers, asked } = refusing(1, () => refuse("RESOURCE_EXHAUSTED", { reason: "PERSON_DAILY_LIMIT" }));
  const { client } = await clientOf(t, answers, QUICK);
  await failureOf(client.lookupNss({ curp: CURP }), ExhaustedError);
  assert.equal(asked(), 1);
});

test("a lookup that buys anew is made again on the server's own word only", async (t) => {
  const check = async (domain: string, maxAgeMs: number, expected: number): Promise<void> => {
    const { answers, asked } = refusing(1, () => refuse("UNAVAILABLE", { reason: "STORE_UNAVAILABLE", domain }));
    const { client } = await clientOf(t, answers, QUICK);
    await client.lookupNss({ curp: CURP, maxAge: durationFromMs(maxAgeMs) }).catch(() => undefined);
    assert.equal(asked(), expected, `${domain}, ${maxAgeMs} ms`);
  };
  await check("proxy.example", 0, 1);
  await check("proxy.example", 299_000, 1);
  await check("proxy.example", 300_000, 2);
  await check("semanas", 0, 2);
});

test("a deadline stands on each way to a call, and the server is told", async (t) => {
  const told: (number | undefined)[] = [];
  const released: string[] = [];
  const lookupNss: FakeAnswers["lookupNss"] = async (_, context) => {
    told.push(context.timeoutMs());
    await silence(context.signal);
    released.push("released");
    return {};
  };
  const { client, server } = await clientOf(t, { lookupNss }, { unaryDeadlineMs: 700 });
  const error = await failureOf(client.lookupNss({ curp: CURP }), DeadlineExceededError);
  assert.equal(error.code, "DEADLINE_EXCEEDED");
  await failureOf(new SemanasClient(server.endpoint).lookupNss({ curp: CURP }, { deadlineMs: 700 }), DeadlineExceededError);
  await assert.rejects(client.raw.workHistory.lookupNss({ curp: CURP }), /deadline_exceeded/);
  await until("all calls are released", () => released.length === 3);
  assert.ok(
    told.every((ms) => ms !== undefined && ms <= 700),
    String(told),
  );

  const plain = new SemanasClient(server.endpoint);
  t.after(() => plain.close());
  const left = new AbortController();
  const pending = failureOf(plain.lookupNss({ curp: CURP }, { signal: left.signal }), CancelledError);
  await until("the server is asked", () => told.length === 4);
  assert.ok((told[3] ?? 0) > 25_000 && (told[3] ?? 0) <= 30_000);
  left.abort();
  await pending;
  await until("the call is released", () => released.length === 4);
});

test("a deadline spans the function that gives the token, too", async (t) => {
  const credentials = { bearerToken: () => new Promise<string>(() => undefined) };
  const { client } = await clientOf(t, {}, { unaryDeadlineMs: 50, credentials });
  await failureOf(client.lookupNss({ curp: CURP }), DeadlineExceededError);
});

test("the caller's signal cancels; a timeout of theirs is a deadline", async (t) => {
  const { client } = await clientOf(t, { lookupNss: (_, { signal }) => silence(signal).then(() => ({})) });
  const reason = new Error("enough");
  const error = await failureOf(client.lookupNss({ curp: CURP }, { signal: AbortSignal.abort(reason) }), CancelledError);
  assert.equal(error.cause, reason);
  await failureOf(client.lookupNss({ curp: CURP }, { signal: AbortSignal.timeout(30) }), DeadlineExceededError);
});

test("a client that is closed ends its calls, and makes no more", async (t) => {
  let asked = 0;
  const { client } = await clientOf(t, { lookupNss: (_, { signal }) => (asked++, silence(signal).then(() => ({}))) });
  const pending = failureOf(client.lookupNss({ curp: CURP }), CancelledError);
  await until("the server is asked", () => asked === 1);
  client.close();
  assert.equal((await pending).sentence, "the client is closed");
  await failureOf(client.lookupNss({ curp: CURP }), CancelledError);
});

test("an error of the request says which fields, and what is known of it", async (t) => {
  const violations = [
    { field: "subject.curp", description: "it has 18 characters" },
    { field: "limit", description: "it is negative" },
  ];
  const refusal = { reason: "INVALID_REQUEST", message: "two fields are wrong", violations, metadata: { job_id: "wh_1" } };
  const { client } = await clientOf(t, { submitWorkHistory: () => Promise.reject(refuse("INVALID_ARGUMENT", refusal)) });
  const error = await failureOf(client.submitWorkHistory({ subject }), InvalidRequestError);
  assert.equal(error.kind, "InvalidRequest");
  assert.deepEqual(error.violations, violations);
  assert.deepEqual(error.metadata, { job_id: "wh_1" });
  assert.equal(error.sentence, "two fields are wrong");
  const text = "two fields are wrong [INVALID_REQUEST]: subject.curp: it has 18 characters; limit: it is negative";
  assert.equal(error.message, text);
});

test("a value of the wrong type is refused in words that do not repeat it", async (t) => {
  const { client } = await clientOf(t, {});
  const error = await failureOf(client.submitWorkHistory({ subject, limit: 1.5 }), InvalidRequestError);
  assert.deepEqual(
    error.violations.map(({ field }) => field),
    ["SubmitWorkHistoryRequest.limit"],
  );
  const secret = await failureOf(client.lookupNss({ curp: { is: CURP } as unknown as string }), InvalidRequestError);
  assert.ok(!JSON.stringify(secret).includes(CURP) && !String(secret.stack).includes(CURP));
});

test("when done: the job that succeeded, or one of its two errors", async (t) => {
  const ends: Record<string, JobState> = { a: JobState.SUCCEEDED, b: JobState.FAILED, c: 77 as JobState };
  const { client } = await clientOf(t, {
    submitWorkHistory: ({ labels }) => ({ job: { jobId: labels["end"] ?? "", state: JobState.QUEUED }, watchCursor: "c1" }),
    watchWorkHistory: async function* ({ jobId }, { signal }) {
      yield event(2);
      const end = ends[jobId];
      if (end === undefined) await silence(signal);
      yield event(3, end);
    },
  });
  const request = (end: string) => ({ subject, labels: { end } });
  assert.equal((await client.getWorkHistoryWhenDone(request("a"))).workHistory?.employments.length, 1);
  assert.equal((await failureOf(client.getWorkHistoryWhenDone(request("b")), JobNotSucceededError)).job.state, JobState.FAILED);
  const tomorrow = await failureOf(client.getWorkHistoryWhenDone(request("c")), JobNotSucceededError);
  assert.match(tomorrow.message, /ended UNKNOWN\(77\)/);
  const late = await failureOf(client.getWorkHistoryWhenDone(request("never"), { timeLimitMs: 300 }), DeadlineExceededError);
  assert.deepEqual([late.jobId, late.cursor], ["never", "c2"]);
  const stopped = client.getWorkHistoryWhenDone(request("never"), { signal: AbortSignal.timeout(300) });
  assert.equal((await failureOf(stopped, DeadlineExceededError)).cursor, "c2");
});

test("lists fetch a page when it is reached, and an empty page is no end", async (t) => {
  const asked: string[] = [];
  const pages: Record<string, { jobs: { jobId: string }[]; nextPageToken: string }> = {
    "": { jobs: [{ jobId: "wh_1" }, { jobId: "wh_2" }], nextPageToken: "p2" },
    p2: { jobs: [], nextPageToken: "p3" },
    p3: { jobs: [{ jobId: "wh_3" }], nextPageToken: "" },
  };
  const { client } = await clientOf(t, { listWorkHistories: ({ pageToken }) => (asked.push(pageToken), pages[pageToken] ?? {}) });
  for await (const job of client.listWorkHistories()) if (job.jobId === "wh_2") break;
  assert.deepEqual(asked, [""]);
  assert.deepEqual(
    (await all(client.listWorkHistories())).map(({ jobId }) => jobId),
    ["wh_1", "wh_2", "wh_3"],
  );
  assert.deepEqual(
    (await all(client.listWorkHistories({}, { pageToken: "p3" }))).map(({ jobId }) => jobId),
    ["wh_3"],
  );
});

test("health says it as it is, and is never retried", async (t) => {
  const { client } = await clientOf(t, { health: "NOT_SERVING" });
  assert.equal(await client.health(), "NOT_SERVING");
  const nobody = new SemanasClient("http://127.0.0.1:9", { retry: { triesMax: 5 } });
  await failureOf(nobody.health(), UnavailableError);
});

test("a token is asked for with each try; a function that fails is a matter of credentials", async (t) => {
  const shown: (string | null)[] = [];
  const tokens = ["old", "new"];
  const { client } = await clientOf(
    t,
    {
      getWorkHistory: (_, { requestHeader }) => {
        if (shown.push(requestHeader.get("authorization")) === 1) throw refuse("UNAVAILABLE");
        return { job: {} };
      },
    },
    { ...QUICK, credentials: { bearerToken: () => Promise.resolve(tokens.shift() ?? "") } },
  );
  await client.getWorkHistory("wh_1");
  assert.deepEqual(shown, ["Bearer old", "Bearer new"]);
  const error = await failureOf(client.getWorkHistory("wh_1"), UnauthenticatedError);
  assert.match(error.message, /gave none/);
});

test("what cannot be meant is refused before anything is sent", () => {
  const check = (endpoint: string, options: ClientOptions, expected: RegExp): void => {
    assert.throws(
      () => new SemanasClient(endpoint, options),
      (error) => error instanceof ConfigurationError && expected.test(error.message) && !error.message.includes("s3cret"),
      `${endpoint} ${JSON.stringify(options)}`,
    );
  };
  const local = "http://127.0.0.1:50051";
  for (const wrong of [
    "",
    "127.0.0.1:50051",
    "ftp://127.0.0.1",
    "http://",
    "http://a b",
    "https://u:p@host",
    "https://host/path",
  ]) {
    check(wrong, { allowPlaintext: true }, /https:\/\/host:port/);
  }
  check("http://10.0.0.7:50051", {}, /allowPlaintext/);
  check("http://localhost.example.mx", {}, /unencrypted/);
  check("http://10.0.0.7", { allowPlaintext: true, credentials: { bearerToken: "s3cret" } }, /bearer token/);
  check(local, { credentials: { clientCertificatePem: "x", clientKeyPem: "y" } }, /TLS only/);
  check(local, { caCertificatePem: "x" }, /TLS only: write https:/);
  check("https://host", { credentials: { clientCertificatePem: "x" } }, /both be given/);
  check("https://host", { caCertificatePem: "s3cret" }, /no certificate/);
  check(local, { credentials: { bearerToken: "s3cret\n" } }, /header cannot carry/);
  check(local, { userAgent: "línea" }, /ASCII/);
  check(local, { unaryDeadlineMs: 0 }, /unaryDeadlineMs/);
  check(local, { connectTimeoutMs: Number.NaN }, /connectTimeoutMs/);
  check(local, { retry: { triesMax: 0 } }, /retry.triesMax/);
  check(local, { watch: { resume: { delayMaxMs: -1 } } }, /watch.resume/);
  for (const fine of [local, "http://localhost", "http://[::1]:50051", "http://127.8.7.6:1", "https://semanas.example.mx"]) {
    assert.ok(new SemanasClient(fine));
  }
  assert.ok(new SemanasClient("http://semanas.internal:50051", { allowPlaintext: true }));
});

test("the stubs are there for what the methods do not do", async (t) => {
  const { client } = await clientOf(t, {
    getWorkHistory: () => Promise.reject(refuse("NOT_FOUND", { reason: "JOB_NOT_FOUND" })),
  });
  await assert.rejects(client.raw.workHistory.getWorkHistory({ jobId: "wh_1" }), { name: "ConnectError" });
  await failureOf(client.getWorkHistory("wh_1"), NotFoundError);
  const answered = await client.raw.operations.getProviderStatus({});
  assert.equal(answered.providers.length, 3);
});
