/**
 * What a user's own functions are told, for metrics and logs. They see no personal data.
 */
import type { SemanasError, StatusCode } from "./errors.js";

/** One attempt of a call, or one stream of a watch, once it has ended. */
export interface Attempt {
  /** The method's name in the contract, for example `SubmitWorkHistory`. */
  readonly method: string;
  /** Counts the attempts of one call or watch from 1 on. */
  readonly number: number;
  /** The outcome; `OK` for an answer, and for a stream that was read to its end or left by its reader. */
  readonly code: StatusCode | "OK";
  /** Absent when the code is `OK`. */
  readonly error?: SemanasError;
  /** The time until the next attempt; absent when there is none. */
  readonly waitMs?: number;
}

/**
 * A state of the connection: `idle` has nothing to do, and the next call connects; `connecting` is being made; `ready` takes calls;
 * `failed` could not be made, or broke, and the next call tries again.
 */
export type ConnectionState = "idle" | "connecting" | "ready" | "failed";

/** Functions that the client calls; the call waits for them, so that they should be quick. What they throw is lost. */
export interface Hooks {
  /** Told of each attempt. */
  readonly onAttempt?: ((attempt: Attempt) => void) | undefined;
  /** Told whenever the connection's state has changed. Browsers keep their connections to themselves, so that it is never called there. */
  readonly onConnectionState?: ((state: ConnectionState) => void) | undefined;
}

/** Tells of an attempt. A hook that throws does not take the call with it. */
export function tellAttempt(hooks: Hooks, method: string, number: number, error?: SemanasError, waitMs?: number): void {
  quietly(() =>
    hooks.onAttempt?.({
      method,
      number,
      code: error === undefined ? "OK" : (error.code ?? "UNKNOWN"),
      ...(error && { error }),
      ...(waitMs !== undefined && { waitMs }),
    }),
  );
}

/** Tells of the connection's state. */
export function tellState(hooks: Hooks, state: ConnectionState): void {
  quietly(() => hooks.onConnectionState?.(state));
}

function quietly(tell: () => void): void {
  try {
    tell();
  } catch {
    // Its owner sees to it; the call has nothing to do with it.
  }
}
