/**
 * What the core needs of a way to the server. Node.js and browsers have one each; the core knows neither.
 */
import type { DescMessage, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { ERROR_DOMAIN } from "./errors.js";
import { tellAttempt } from "./hooks.js";
import type { CommonOptions, Settings } from "./options.js";
import { redactsAnswers } from "./redact.js";
import { retryDelayMs } from "./retry.js";
import type { Lifetime } from "./scope.js";
import { Scope } from "./scope.js";

/** The largest answer that is read: a history of ten thousand employments with their movements stays below. */
export const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** A way to the server. */
export interface Channel {
  /** Makes calls. */
  readonly transport: Transport;
  /** Nothing came for so long on a stream: a connection that has been silent for as long as that is used for no further call. */
  dropSilent(silenceMs: number): void;
  /** Closes what is open. */
  close(): void;
}

/** What may be said with each call. */
export interface CallOptions {
  /** Cancels the call. The reason of `AbortSignal.timeout()` makes it a `DeadlineExceededError`. */
  readonly signal?: AbortSignal | undefined;
  /** Instead of the client's `unaryDeadlineMs`; `null` = none. */
  readonly deadlineMs?: number | null | undefined;
}

/** What each call of a client goes through. */
export interface Line {
  readonly channel: Channel;
  readonly settings: Settings;
  /** Over once the client is closed. */
  readonly lifetime: Lifetime;
}

/**
 * Whether a call may be made again: as often as the policy says; only after the server itself said that it did not do it, because a second
 * try that follows a broken connection could buy twice; or never.
 */
export type Repeat = "harmless" | "on-servers-word" | "never";

/** Our interceptors in order: the caller's see neither the token nor what is unmended of the answers. */
export function interceptorsOf(options: CommonOptions, innermost: readonly Interceptor[]): Interceptor[] {
  return [...(options.interceptors ?? []), redactsAnswers, ...innermost];
}

/** Makes a unary call, and makes it again as the policy says. The deadline spans all tries. */
export async function callUnary<I extends DescMessage, O extends DescMessage>(
  line: Line,
  method: DescMethodUnary<I, O>,
  request: MessageShape<I>,
  repeat: Repeat,
  options: CallOptions,
): Promise<MessageShape<O>> {
  const { settings } = line;
  const deadlineMs = options.deadlineMs === undefined ? settings.unaryDeadlineMs : options.deadlineMs;
  const scope = new Scope(line.lifetime, [options.signal], deadlineMs);
  try {
    for (let number = 1; ; number++) {
      try {
        const answer = await once(line, scope, method, request);
        tellAttempt(settings.hooks, method.name, number);
        return answer;
      } catch (thrown) {
        await waitOrThrow(settings, scope, thrown, { method: method.name, number, repeat });
      }
    }
  } finally {
    scope.dispose();
  }
}

/** Waits until the call may be made again; throws the real error when it may not, also when the wait would pass the deadline. */
async function waitOrThrow(
  settings: Settings,
  scope: Scope,
  thrown: unknown,
  { method, number, repeat }: { method: string; number: number; repeat: Repeat },
): Promise<void> {
  const error = scope.errorOf(thrown);
  const may = repeat === "harmless" || (repeat === "on-servers-word" && error.domain === ERROR_DOMAIN);
  const waitMs = may ? retryDelayMs(settings.retry, error, number, Math.random()) : undefined;
  if (waitMs === undefined || scope.signal.aborted || !scope.leavesTimeAfter(waitMs)) {
    tellAttempt(settings.hooks, method, number, error);
    throw error;
  }
  tellAttempt(settings.hooks, method, number, error, waitMs);
  await scope.pause(waitMs);
}

async function once<I extends DescMessage, O extends DescMessage>(
  line: Line,
  scope: Scope,
  method: DescMethodUnary<I, O>,
  request: MessageShape<I>,
): Promise<MessageShape<O>> {
  scope.throwIfEnded();
  // The deadline is ours to keep, since it spans interceptors as well; Connect only has to tell the server.
  const remainingMs = scope.remainingMs;
  const header = remainingMs === undefined ? {} : { "grpc-timeout": `${Math.max(1, Math.floor(remainingMs))}m` };
  const answer = await scope.race(line.channel.transport.unary(method, scope.signal, 0, header, request as never));
  return answer.message;
}
