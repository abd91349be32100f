import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ClientOptions, JobUpdate } from "@semanas/client";
import {
  CancelledError,
  DeadlineExceededError,
  InternalError,
  JobState,
  NotFoundError,
  OutOfRangeError,
  UnavailableError,
} from "@semanas/client";
import type { FakeAnswers } from "@semanas/client/testing";
import { refuse } from "@semanas/client/testing";
import type { WatchWorkHistoriesResponseSchema } from "@semanas/client/v1";
import { all, clientOf, event, failureOf, silence, snapshot, until } from "./support.js";

const QUICK: ClientOptions = { watch: { resume: { delayFirstMs: 1 } } };
const { SUCCEEDED } = JobState;

type Message = ReturnType<typeof snapshot> | ReturnType<typeof event> | object;
type Step = Message | Error | "silence";

/** A fake whose streams are these, one after the other; says from which cursors they were asked for, and how many were left. */
function streaming(...streams: Step[][]): { answers: FakeAnswers; cursors: string[]; left: () => number } {
  const cursors: string[] = [];
  let left = 0;
  const watchWorkHistory: FakeAnswers["watchWorkHistory"] = async function* ({ cursor }, { signal }) {
    signal.addEventListener("abort", () => left++);
    const steps = streams[cursors.push(cursor) - 1] ?? [];
    for (const step of steps) {
      if (step instanceof Error) throw step;
      if (step === "silence") await silence(signal);
      else yield step;
    }
  };
  return { answers: { watchWorkHistory }, cursors, left: () => left };
}

const seen = (updates: JobUpdate[]): string[] =>
  updates.map((update) => (update.kind === "event" ? `event ${update.sequence}` : update.kind));

test("a snapshot, then each event once, in order, none missing, until the end", async (t) => {
  const { answers, cursors } = streaming([
    snapshot(1),
    event(2),
    event(2),
    { cursor: "h", content: { case: "heartbeat", value: {} } },
    { cursor: "u" },
    { cursor: "s", content: { case: "stale", value: {} } },
    event(3, SUCCEEDED),
    event(4),
  ]);
  const { client, attempts } = await clientOf(t, answers);
  const updates = await all(client.watchWorkHistory("wh_1"));
  assert.deepEqual(seen(updates), ["snapshot", "event 2", "event 3"]);
  assert.deepEqual(
    updates.map(({ cursor, isTerminal }) => [cursor, isTerminal]),
    [
      ["c1", false],
      ["c2", false],
      ["c3", true],
    ],
  );
  assert.deepEqual(cursors, [""]);
  assert.deepEqual(
    attempts.map(({ method, code }) => [method, code]),
    [["WatchWorkHistory", "OK"]],
  );
});

test("staleness is told to who asks", async (t) => {
  const { answers } = streaming([snapshot(1), { cursor: "s", content: { case: "stale", value: {} } }, event(2, SUCCEEDED)]);
  const { client } = await clientOf(t, answers, { watch: { reportsStale: true } });
  assert.deepEqual(seen(await all(client.watchWorkHistory("wh_1"))), ["snapshot", "stale", "event 2"]);
});

test("every break is healed with the last cursor", async (t) => {
  const { answers, cursors } = streaming(
    [snapshot(1), event(2), refuse("UNAVAILABLE", { reason: "STORE_UNAVAILABLE" })],
    [event(2), event(3)],
    [refuse("INTERNAL"), event(9)],
    [{ cursor: "h", content: { case: "heartbeat", value: {} } }, refuse("CANCELLED")],
    [refuse("RESOURCE_EXHAUSTED", { reason: "SLOW_CONSUMER" })],
    [event(4, SUCCEEDED)],
  );
  const { client, attempts } = await clientOf(t, answers, QUICK);
  assert.deepEqual(seen(await all(client.watchWorkHistory("wh_1"))), ["snapshot", "event 2", "event 3", "event 4"]);
  assert.deepEqual(cursors, ["", "c2", "c3", "c3", "h", "h"]);
  assert.deepEqual(
    attempts.map(({ number }) => number),
    [1, 2, 3, 4, 5, 6],
  );
});

test("an event that leaves a number out is not shown before the ones it left out", async (t) => {
  const { answers, cursors, left } = streaming(
    [snapshot(1), event(2), event(4, SUCCEEDED), "silence"],
    [event(3), event(4, SUCCEEDED)],
  );
  const { client } = await clientOf(t, answers, QUICK);
  assert.deepEqual(seen(await all(client.watchWorkHistory("wh_1"))), ["snapshot", "event 2", "event 3", "event 4"]);
  assert.deepEqual(cursors, ["", "c2"]);
  await until("both streams are released", () => left() === 2);
});

test("counting goes on from a snapshot that replaces what was seen", async (t) => {
  const { answers } = streaming([snapshot(8), snapshot(3), event(4), event(5, SUCCEEDED)]);
  const { client } = await clientOf(t, answers);
  assert.deepEqual(seen(await all(client.watchWorkHistory("wh_1"))), ["snapshot", "snapshot", "event 4", "event 5"]);
});

test("a stream that is silent for three heartbeats is dead, while opening as well", async (t) => {
  const { answers, cursors, left } = streaming(["silence"], [snapshot(1, { heartbeatMs: 30 }), "silence"], [event(2, SUCCEEDED)]);
  const { client } = await clientOf(t, answers, { watch: { resume: { delayFirstMs: 1 }, heartbeatIntervalMs: 100 } });
  assert.deepEqual(seen(await all(client.watchWorkHistory("wh_1"))), ["snapshot", "event 2"]);
  assert.deepEqual(cursors, ["", "", "c1"]);
  await until("the silent streams are released", () => left() >= 2);
});

test("a reader who takes long over an update is not taken for a silent server", async (t) => {
  const { answers, cursors } = streaming([snapshot(1, { heartbeatMs: 10 }), event(2), event(3, SUCCEEDED)]);
  const { client } = await clientOf(t, answers);
  const busyUntilMs = performance.now() + 100;
  for await (const update of client.watchWorkHistory("wh_1")) {
    if (!update.isTerminal) await until("the reader is ready", () => performance.now() > busyUntilMs);
  }
  assert.deepEqual(cursors, [""]);
});

test("a server that drains names the time to come back", async (t) => {
  const resumeDelay = { seconds: 0n, nanos: 150_000_000 };
  const { answers, cursors } = streaming(
    [snapshot(1), { cursor: "c1d", content: { case: "draining", value: { resumeDelay } } }],
    [event(2, SUCCEEDED)],
  );
  const { client, attempts } = await clientOf(t, answers, QUICK);
  await all(client.watchWorkHistory("wh_1"));
  assert.deepEqual(cursors, ["", "c1d"]);
  assert.ok((attempts[0]?.waitMs ?? 0) >= 150);
});

test("what resuming does not mend ends the watch", async (t) => {
  const { answers } = streaming(
    [refuse("NOT_FOUND", { reason: "JOB_NOT_FOUND" })],
    [snapshot(1), refuse("OUT_OF_RANGE", { reason: "CURSOR_EXPIRED" })],
    [refuse("INTERNAL", { reason: "INTERNAL" })],
  );
  const { client } = await clientOf(t, answers, QUICK);
  await failureOf(all(client.watchWorkHistory("wh_1")), NotFoundError);
  await failureOf(all(client.watchWorkHistory("wh_1")), OutOfRangeError);
  await failureOf(all(client.watchWorkHistory("wh_1")), InternalError);
});

test("without progress it gives up; a snapshot alone is none", async (t) => {
  const broken = [snapshot(1), refuse("UNAVAILABLE", { reason: "STORE_UNAVAILABLE" })];
  const { answers, cursors } = streaming(broken, broken, broken, broken);
  const { client } = await clientOf(t, answers, { watch: { resume: { triesMax: 3, delayFirstMs: 1 } } });
  const error = await failureOf(all(client.watchWorkHistory("wh_1")), UnavailableError);
  assert.equal(error.reason, "STORE_UNAVAILABLE");
  assert.equal(cursors.length, 3);
});

test("resuming can be switched off", async (t) => {
  const { answers, cursors } = streaming([snapshot(1)]);
  const { client } = await clientOf(t, answers, { watch: { resume: "off" } });
  const error = await failureOf(all(client.watchWorkHistory("wh_1")), UnavailableError);
  assert.match(error.message, /without a terminal message/);
  assert.deepEqual(cursors, [""]);
});

test("leaving the loop releases the call at once", async (t) => {
  const { answers, left } = streaming([snapshot(1), event(2), "silence"], [snapshot(1), "silence"]);
  const { client } = await clientOf(t, answers);
  for await (const update of client.watchWorkHistory("wh_1")) if (update.kind === "event") break;
  await until("the call is released", () => left() === 1);

  await assert.rejects(async () => {
    for await (const update of client.watchWorkHistory("wh_1")) throw new Error(update.kind);
  }, /snapshot/);
  await until("the call is released", () => left() === 2);
});

test("return() ends a watch that waits for its next update", async (t) => {
  const { answers, left, cursors } = streaming([snapshot(1), "silence"]);
  const { client, attempts } = await clientOf(t, answers);
  const watch = client.watchWorkHistory("wh_1");
  await watch.next();
  const waiting = watch.next();
  assert.deepEqual(await watch.return(), { done: true, value: undefined });
  assert.deepEqual(await waiting, { done: true, value: undefined });
  await until("the call is released", () => left() === 1);
  assert.equal(cursors.length, 1);
  assert.deepEqual(
    attempts.map(({ code }) => code),
    ["OK"],
  );
});

test("a watch that nobody reads makes no call", async (t) => {
  const { answers, cursors } = streaming([snapshot(1)]);
  const { client } = await clientOf(t, answers);
  await client.watchWorkHistory("wh_1").return();
  assert.deepEqual(cursors, []);
});

test("the caller's signal ends a watch, also between two streams, and so does close()", async (t) => {
  const { answers, left } = streaming([snapshot(1), "silence"], [refuse("UNAVAILABLE", { retryDelayMs: 60_000 })], ["silence"]);
  const { client, attempts } = await clientOf(t, answers);
  const error = await failureOf(
    all(client.watchWorkHistory("wh_1", { signal: AbortSignal.timeout(200) })),
    DeadlineExceededError,
  );
  assert.equal(error.code, "DEADLINE_EXCEEDED");
  await until("the call is released", () => left() === 1);

  const between = new AbortController();
  const waiting = failureOf(all(client.watchWorkHistory("wh_1", { signal: between.signal })), CancelledError);
  await until("it waits for the next stream", () => attempts.some(({ waitMs }) => waitMs !== undefined));
  between.abort();
  await waiting;

  const open = failureOf(all(client.watchWorkHistory("wh_1")), CancelledError);
  await until("the third is open", () => attempts.length >= 2);
  client.close();
  await open;
});

test("a caller's own cursor and limit are sent, and whatever comes first is the next", async (t) => {
  const asked: unknown[] = [];
  const { client } = await clientOf(t, {
    watchWorkHistory: async function* ({ cursor, limit }) {
      asked.push([cursor, limit]);
      yield await Promise.resolve(event(7));
      yield event(8, SUCCEEDED);
    },
  });
  assert.deepEqual(seen(await all(client.watchWorkHistory("wh_1", { cursor: "c6", limit: 2 }))), ["event 7", "event 8"]);
  assert.deepEqual(asked, [["c6", 2]]);
});

/** Types what the feed says. */
const feed = (message: MessageInitShape<typeof WatchWorkHistoriesResponseSchema>) => message;

test("the feed shows jobs and goes on after a break", async (t) => {
  const cursors: string[] = [];
  const { client } = await clientOf(
    t,
    {
      watchWorkHistories: async function* ({ cursor, filter }, { signal }) {
        assert.deepEqual(filter?.labels, { flow: "loan" });
        cursors.push(cursor);
        if (cursor === "") {
          yield feed({ cursor: "f1", content: { case: "job", value: { jobId: "wh_1", state: 77 as JobState } } });
          yield feed({ cursor: "f2", content: { case: "synced", value: {} } });
          yield feed({ cursor: "f3", content: { case: "heartbeat", value: {} } });
          throw refuse("UNAVAILABLE");
        }
        yield feed({ cursor: "f4", content: { case: "reset", value: { cause: 2 } } });
        await silence(signal);
      },
    },
    QUICK,
  );
  const kinds: string[] = [];
  for await (const update of client.watchWorkHistories({ labels: { flow: "loan" } })) {
    kinds.push(update.kind);
    if (update.kind === "reset") break;
  }
  assert.deepEqual(kinds, ["job", "synced", "reset"]);
  assert.deepEqual(cursors, ["", "f3"]);
});

test("hundreds of watches share a connection, and cause no warning", async (t) => {
  const warnings: string[] = [];
  const hear = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", hear);
  t.after(() => process.off("warning", hear));
  const watchWorkHistory: FakeAnswers["watchWorkHistory"] = async function* () {
    yield await Promise.resolve(snapshot(1));
    yield event(2, SUCCEEDED);
  };
  const states: string[] = [];
  const { client } = await clientOf(t, { watchWorkHistory }, { hooks: { onConnectionState: (state) => states.push(state) } });
  await Promise.all(Array.from({ length: 300 }, () => all(client.watchWorkHistory("wh_1"))));
  assert.deepEqual(states, ["connecting", "ready"]);
  assert.deepEqual(warnings, []);
});
