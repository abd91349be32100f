/**
 * How long a call may go on: until its caller cancels, its client is closed, or its time is up. Knows nothing of what the call does.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { SemanasError } from "./errors.js";
import { errorFrom, errorOf } from "./status.js";

/** The server is told the deadline and keeps it too: its word may come this much before our own clock rings. */
const DEADLINE_LEAD_MS = 20;

/** How long a client lives. A signal would do, but for Node.js, which takes more than ten listeners of one for a leak. */
export class Lifetime {
  readonly #listeners = new Set<() => void>();
  #isOver = false;

  /** Ends it, and with it all that depends on it. */
  end(): void {
    this.#isOver = true;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }

  /** Has the function called at the end, which may have come already; gives what undoes that. */
  onEnd(listener: () => void): () => void {
    if (this.#isOver) {
      listener();
      return () => undefined;
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Ends once, for one of three reasons. */
export class Scope {
  /** Aborted when the scope has ended. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #deadlineAtMs: number | undefined;
  readonly #undo: (() => void)[] = [];
  #ended: SemanasError | undefined;

  /** Begins now; `dispose` must be called once nothing depends on it any more. */
  constructor(lifetime: Lifetime, outer: readonly (AbortSignal | undefined)[], deadlineMs: number | null) {
    this.signal = this.#controller.signal;
    this.#undo.push(lifetime.onEnd(() => this.#end(errorOf(Code.Canceled, "the client is closed"))));
    for (const signal of outer) {
      if (signal) this.#follow(signal);
    }
    if (deadlineMs === null) return;
    this.#deadlineAtMs = performance.now() + deadlineMs;
    const timer = setTimeout(() => this.#end(tooLate()), deadlineMs);
    this.#undo.push(() => clearTimeout(timer));
  }

  /** Milliseconds until the deadline; `undefined` without one. */
  get remainingMs(): number | undefined {
    return this.#deadlineAtMs === undefined ? undefined : this.#deadlineAtMs - performance.now();
  }

  /** Throws what has ended the scope, if anything has. */
  throwIfEnded(): void {
    if (this.#ended) throw this.#ended;
  }

  /** Whether something can still be done after such a wait. */
  leavesTimeAfter(waitMs: number): boolean {
    const remainingMs = this.remainingMs;
    return remainingMs === undefined || waitMs < remainingMs;
  }

  /** Waits; throws what has ended the waiting early. */
  async pause(waitMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      await this.race(new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs))));
    } finally {
      clearTimeout(timer);
    }
  }

  /** What the promise gives, unless the scope ends first. */
  async race<T>(promise: Promise<T>): Promise<T> {
    // Whoever loses the race must not be heard of as an unhandled rejection.
    promise.catch(() => undefined);
    this.throwIfEnded();
    let stop = (): void => undefined;
    const ended = new Promise<never>((_, reject) => {
      stop = () => reject(this.#ended ?? new Error("a scope that has ended knows why"));
      this.signal.addEventListener("abort", stop);
    });
    try {
      return await Promise.race([promise, ended]);
    } finally {
      this.signal.removeEventListener("abort", stop);
    }
  }

  /** Reads an error of a call in this scope. When the scope has ended, that is what ended the call, whatever became of it on the way. */
  errorOf(thrown: unknown): SemanasError {
    if (this.#ended) return this.#ended;
    const read = errorFrom(thrown);
    const isNearDeadline = (this.remainingMs ?? Infinity) < DEADLINE_LEAD_MS;
    return isNearDeadline && read.reason === "" && (read.kind === "Cancelled" || read.kind === "DeadlineExceeded")
      ? tooLate()
      : read;
  }

  /** Lets go of timers and signals, and of whatever still listens to the scope. */
  dispose(): void {
    for (const undo of this.#undo.splice(0)) undo();
  }

  #follow(outer: AbortSignal): void {
    const end = (): void => this.#end(errorOfReason(outer.reason));
    if (outer.aborted) {
      end();
      return;
    }
    outer.addEventListener("abort", end);
    this.#undo.push(() => outer.removeEventListener("abort", end));
  }

  #end(error: SemanasError): void {
    if (this.#ended) return;
    this.#ended = error;
    // The transport tells the server CANCEL by this code.
    this.#controller.abort(new ConnectError(error.sentence, Code.Canceled, undefined, undefined, error));
  }
}

function errorOfReason(reason: unknown): SemanasError {
  // A scope within a scope ends for the reason of the outer one.
  if (reason instanceof ConnectError && reason.cause instanceof SemanasError) return reason.cause;
  const isTimeout = reason instanceof Error && reason.name === "TimeoutError";
  return isTimeout ? tooLate(reason) : errorOf(Code.Canceled, "the caller cancelled", { cause: reason });
}

function tooLate(cause?: unknown): SemanasError {
  return errorOf(Code.DeadlineExceeded, "the deadline passed before the work was done", { cause });
}
