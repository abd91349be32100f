/**
 * What the tests share: clients and fakes that end with their test, and waiting for a state with a deadline.
 */
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import type { TestContext } from "node:test";
import type { Attempt, ClientOptions, SemanasError } from "@semanas/client";
import { JobState, SemanasClient } from "@semanas/client";
import type { FakeAnswers, FakeOptions } from "@semanas/client/testing";
import { startFake } from "@semanas/client/testing";

/** One of the sandbox's people. */
export const CURP = "GOAA970724HYNNNL08";

/** Why a test is skipped where something is not at hand; under CI=true nothing is, because that would be a promise nobody kept. */
export function skippedWithout(what: string, isAtHand: boolean): string | false {
  return isAtHand || process.env["CI"] === "true" ? false : `there is no ${what}`;
}

const PATIENCE_MS = 20_000;

/** A client of a fake; both end with the test. */
export async function clientOf(t: TestContext, answers: FakeAnswers, options: ClientOptions = {}, fake: FakeOptions = {}) {
  const server = await startFake(answers, fake);
  const attempts: Attempt[] = [];
  const client = new SemanasClient(server.endpoint, { hooks: { onAttempt: (attempt) => attempts.push(attempt) }, ...options });
  t.after(async () => {
    client.close();
    await server.stop();
  });
  return { client, server, attempts };
}

/** Waits until it is so. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while (!isSo()) {
    assert.ok(performance.now() < giveUpAtMs, `it never happened that ${what}`);
    await setTimeout(5);
  }
}

/** The error of the promise, which must be of that class. */
export async function failureOf<E extends SemanasError>(
  promise: Promise<unknown>,
  type: abstract new (...facts: never[]) => E,
): Promise<E> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof type, `it is ${String(error)}`);
    return error;
  }
  throw new assert.AssertionError({ message: `no ${type.name} came` });
}

/** Everything that an iteration gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** A message of a watch. */
export function snapshot(sequence: number, more: { heartbeatMs?: number; terminal?: boolean } = {}) {
  const { heartbeatMs = 5_000, terminal = false } = more;
  const heartbeatInterval = { seconds: BigInt(Math.floor(heartbeatMs / 1000)), nanos: (heartbeatMs % 1000) * 1_000_000 };
  const job = { jobId: "wh_1", state: terminal ? JobState.SUCCEEDED : JobState.QUEUED, eventSequence: BigInt(sequence) };
  return {
    cursor: `c${sequence}`,
    terminal,
    content: { case: "snapshot" as const, value: { job, cause: 1, heartbeatInterval } },
  };
}

/** A message of a watch; a state makes it the last. */
export function event(sequence: number, end?: JobState) {
  const state = end ?? JobState.RUNNING;
  const job = { jobId: "wh_1", state, eventSequence: BigInt(sequence), workHistory: { employments: [{}] } };
  const value = { sequence: BigInt(sequence), state, ...(end !== undefined && { job }) };
  return { cursor: `c${sequence}`, terminal: end !== undefined, content: { case: "event" as const, value } };
}

/** Ends with the call that it answers. */
export function silence(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}
