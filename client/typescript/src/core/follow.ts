/**
 * A stream that survives its connections: it resumes with the last cursor, notices silence, and knows when to give up. What the messages
 * mean is not decided here: watch.ts reads them into frames.
 */
import { create } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import type { Line } from "./channel.js";
import type { SemanasError } from "./errors.js";
import { tellAttempt } from "./hooks.js";
import { resumeDelayMs } from "./retry.js";
import { Scope } from "./scope.js";
import { errorFrom, errorOf } from "./status.js";

/** The contract: three missed heartbeats mean a dead connection. */
const HEARTBEATS_MISSED_MAX = 3;

/** Where a reader stands. */
export interface Place {
  /** Empty at the beginning. */
  cursor: string;
  /** Absent while it is not known: after a resume from a caller's own cursor whatever comes first is the next. */
  lastSequence?: bigint;
  heartbeatIntervalMs: number;
}

/**
 * What a message means. `start` is for the reader and says nothing yet about the stream's health, since a server may begin and break again
 * and again; `progress` is for the reader; nothing follows `last`; `stale` is for a reader who asked to be told.
 */
export type Frame<U> =
  | { readonly meaning: "start" | "progress" | "last" | "stale"; readonly update: U }
  | { readonly meaning: "repeated" | "gap" | "heartbeat" | "unknown" }
  | { readonly meaning: "draining"; readonly resumeDelayMs: number };

/** One of the two watches. */
export interface Watched<M, U> {
  readonly method: string;
  /** Opens the stream after a cursor. */
  readonly open: (cursor: string, signal: AbortSignal) => AsyncIterable<M>;
  /** Says what the message means to a reader who stands at `place`, and moves them. */
  readonly read: (message: M, place: Place) => Frame<U>;
}

/** What may be said with each watch. */
export interface FollowOptions {
  /** Ends the watch with a `CancelledError`; the reason of `AbortSignal.timeout()` makes it a `DeadlineExceededError`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The updates of a watch, for `for await`. The call is made when the first update is asked for. Leaving the loop ends it at once, and so
 * does `return()`, also while an update is being waited for.
 */
export class Watch<U> implements AsyncIterableIterator<U> {
  readonly #leaving = new AbortController();
  readonly #updates: AsyncGenerator<U, void, void>;

  /** Called by the client: `updates` ends soon after `leaving`. */
  constructor(updates: (leaving: AbortSignal) => AsyncGenerator<U, void, void>) {
    this.#updates = updates(this.#leaving.signal);
  }

  /** The next update; the error that resuming could not mend. */
  next(): Promise<IteratorResult<U, void>> {
    return this.#updates.next();
  }

  /** Ends the watch. */
  async return(): Promise<IteratorResult<U, void>> {
    this.#leaving.abort();
    return await this.#updates.return();
  }

  /** Ends the watch with an error of the reader's. */
  async throw(error: unknown): Promise<IteratorResult<U, void>> {
    this.#leaving.abort();
    return await this.#updates.throw(error);
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Follows what `watched` opens after a cursor (empty = from the beginning). */
export function follow<M, U>(line: Line, watched: Watched<M, U>, cursor: string, options: FollowOptions): Watch<U> {
  const place = { cursor, heartbeatIntervalMs: line.settings.heartbeatIntervalMs };
  return new Watch((leaving) => new Follower(line, watched, place, options.signal, leaving).updates());
}

interface Stream<M> {
  readonly messages: AsyncIterator<M>;
  readonly controller: AbortController;
}

class Follower<M, U> {
  #stream: Stream<M> | undefined;
  /** Streams opened altogether. */
  #opened = 0;
  /** Breaks since the last sign of health. */
  #failures = 0;
  #scope!: Scope;

  constructor(
    private readonly line: Line,
    private readonly watched: Watched<M, U>,
    private readonly place: Place,
    private readonly signal: AbortSignal | undefined,
    private readonly leaving: AbortSignal,
  ) {}

  async *updates(): AsyncGenerator<U, void, void> {
    // Not before somebody reads: a watch that nobody ever reads has nothing to let go of.
    this.#scope = new Scope(this.line.lifetime, [this.leaving, this.signal], null);
    try {
      for (;;) {
        const frame = await this.#next();
        if (frame === undefined) return;
        // Before the reader sees the last one: whatever they do next, the stream has ended well.
        if (frame.meaning === "last") this.#leave();
        yield frame.update;
        if (frame.meaning === "last") return;
      }
    } finally {
      this.#leave();
      this.#scope.dispose();
    }
  }

  /** The next frame for the reader; nothing once the reader has left. */
  async #next(): Promise<Extract<Frame<U>, { update: U }> | undefined> {
    for (;;) {
      try {
        const frame = await this.#step();
        const shown = this.#sort(frame);
        if (shown) return shown;
      } catch (thrown) {
        if (this.leaving.aborted) return undefined;
        await this.#recover(this.#scope.errorOf(thrown));
      }
    }
  }

  /** Reads one message of the stream, which it opens first if need be. */
  async #step(): Promise<Frame<U>> {
    this.#scope.throwIfEnded();
    const stream = (this.#stream ??= this.#open());
    const patienceMs = HEARTBEATS_MISSED_MAX * this.place.heartbeatIntervalMs;
    const silence = new ConnectError("the stream was silent", Code.Canceled);
    // Only while somebody reads: a reader who is busy with the last update hears nothing, and that is no silence.
    const watchdog = setTimeout(() => stream.controller.abort(silence), patienceMs);
    try {
      const result: IteratorResult<M, unknown> = await this.#scope.race(stream.messages.next());
      if (result.done === true) throw broken("the stream ended without a terminal message");
      return this.watched.read(result.value, this.place);
    } catch (thrown) {
      if (stream.controller.signal.reason !== silence) throw thrown;
      this.line.channel.dropSilent(patienceMs);
      throw broken("the stream was silent for three heartbeat intervals");
    } finally {
      clearTimeout(watchdog);
    }
  }

  #open(): Stream<M> {
    this.#opened++;
    const controller = new AbortController();
    const messages = this.watched.open(this.place.cursor, controller.signal)[Symbol.asyncIterator]();
    return { messages, controller };
  }

  /** The frame if it is for the reader. */
  #sort(frame: Frame<U>): Extract<Frame<U>, { update: U }> | undefined {
    switch (frame.meaning) {
      case "start":
      case "last":
        return frame;
      case "progress":
        this.#failures = 0;
        return frame;
      case "stale":
        return this.line.settings.reportsStale ? frame : undefined;
      case "heartbeat":
        this.#failures = 0;
        return undefined;
      case "gap":
        throw broken("the stream left out an event");
      case "draining":
        throw draining(frame.resumeDelayMs);
      case "repeated":
      case "unknown":
        return undefined;
    }
  }

  /** Lets go of the stream and waits until it may be opened again; throws the error when there is no use in that. */
  async #recover(error: SemanasError): Promise<void> {
    const hasStream = this.#stream !== undefined;
    this.#end();
    this.#failures++;
    const { hooks, resume } = this.line.settings;
    const waitMs = resumeDelayMs(resume, error, this.#failures, Math.random());
    if (waitMs === undefined || this.#scope.signal.aborted) {
      if (hasStream) tellAttempt(hooks, this.watched.method, this.#opened, error);
      throw error;
    }
    tellAttempt(hooks, this.watched.method, this.#opened, error, waitMs);
    await this.#scope.pause(waitMs).catch((ended: unknown) => {
      if (!this.leaving.aborted) throw ended;
    });
  }

  /** Ends a stream that is as it should be. */
  #leave(): void {
    if (!this.#stream) return;
    this.#end();
    tellAttempt(this.line.settings.hooks, this.watched.method, this.#opened);
  }

  #end(): void {
    this.#stream?.controller.abort(new ConnectError("the reader has left", Code.Canceled));
    this.#stream = undefined;
  }
}

function broken(what: string): SemanasError {
  return errorOf(Code.Unavailable, what);
}

function draining(resumeDelayMs: number): SemanasError {
  const seconds = Math.trunc(resumeDelayMs / 1000);
  const retryDelay = create(DurationSchema, {
    seconds: BigInt(seconds),
    nanos: Math.round((resumeDelayMs - seconds * 1000) * 1e6),
  });
  const detail = { desc: RetryInfoSchema, value: { retryDelay } };
  return errorFrom(new ConnectError("the server is draining", Code.Unavailable, undefined, [detail]));
}
