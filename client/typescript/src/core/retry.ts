/**
 * When a call is made again, and after how long. Pure: the randomness is an argument, and nobody waits here. It does not know which
 * calls may be repeated without harm: the methods do.
 */
import type { SemanasError } from "./errors.js";
import { ERROR_DOMAIN } from "./errors.js";

/** How often and after how long a call is made again, or a watch resumed. */
export interface RetryPolicy {
  /** Tries altogether, the first one too. */
  readonly triesMax: number;
  /** The wait after the first failure; it doubles with each one, and half of it is random. */
  readonly delayFirstMs: number;
  /** The longest wait that the doubling leads to. */
  readonly delayMaxMs: number;
  /** The longest wait that the server may ask for. If it asks for more, the call fails with that figure. */
  readonly serverDelayMaxMs: number;
}

/** Some of a policy; the rest keeps its default. `"off"` means one try. */
export type RetryChoice = { readonly [K in keyof RetryPolicy]?: RetryPolicy[K] | undefined } | "off";

/** What `retry` is unless said otherwise. */
export const DEFAULT_RETRY: RetryPolicy = { triesMax: 4, delayFirstMs: 100, delayMaxMs: 5_000, serverDelayMaxMs: 20_000 };

/** What `watch.resume` is unless said otherwise: 0.2 + 0.4 + ... + 15 s, more than a minute, enough for a restart of the server. */
export const DEFAULT_RESUME: RetryPolicy = {
  triesMax: 11,
  delayFirstMs: 200,
  delayMaxMs: 15_000,
  serverDelayMaxMs: 120_000,
};

/**
 * How long to wait before a unary call is made again; `undefined` when it is not. `jitter` is in [0, 1).
 *
 * UNAVAILABLE is retried; RESOURCE_EXHAUSTED only if the server says when, because a limit without an end is not waited out.
 */
export function retryDelayMs(policy: RetryPolicy, error: SemanasError, triesMade: number, jitter: number): number | undefined {
  const isExhaustedForAWhile = error.kind === "Exhausted" && error.retryDelayMs !== undefined;
  return error.kind === "Unavailable" || isExhaustedForAWhile ? wait(policy, error, triesMade, jitter) : undefined;
}

/**
 * How long to wait before a broken watch is resumed; `undefined` when that is of no use.
 *
 * A watch costs nothing to resume, so everything is that says nothing about the job itself: a stream that broke in transport carries no
 * reason of Semanas, and a slow reader is told to come back.
 */
export function resumeDelayMs(policy: RetryPolicy, error: SemanasError, failures: number, jitter: number): number | undefined {
  switch (error.code) {
    case "UNAVAILABLE":
    case "RESOURCE_EXHAUSTED":
      return wait(policy, error, failures, jitter);
    case "INTERNAL":
    case "UNKNOWN":
    case "CANCELLED":
    case "DEADLINE_EXCEEDED":
      return error.domain === ERROR_DOMAIN ? undefined : wait(policy, error, failures, jitter);
    default:
      return undefined;
  }
}

/** The server's word is kept in full, with up to half as much again so that not all come back at once. */
function wait(policy: RetryPolicy, error: SemanasError, triesMade: number, jitter: number): number | undefined {
  if (triesMade >= policy.triesMax) return undefined;
  if (error.retryDelayMs !== undefined) {
    if (error.retryDelayMs > policy.serverDelayMaxMs) return undefined;
    return Math.max(error.retryDelayMs, policy.delayFirstMs) * (1 + 0.5 * jitter);
  }
  const full = Math.min(policy.delayFirstMs * 2 ** (triesMade - 1), policy.delayMaxMs);
  return full * (0.5 + 0.5 * jitter);
}
