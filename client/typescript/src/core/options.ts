/**
 * What a user of the client may choose, what is chosen when nothing is said, and what is refused. Opens no connection.
 */
import type { Interceptor } from "@connectrpc/connect";
import { ConfigurationError } from "./errors.js";
import type { Hooks } from "./hooks.js";
import type { RetryChoice, RetryPolicy } from "./retry.js";
import { DEFAULT_RESUME, DEFAULT_RETRY } from "./retry.js";

/** More than any timer of JavaScript can wait is 24.8 days; nobody wants a call of more than a day. */
const SPAN_MAX_MS = 24 * 3600 * 1000;

/** A bearer token, or a function that is asked for one before each try of each call. */
export type BearerToken = string | (() => string | Promise<string>);

/** How watches behave. */
export interface WatchBehaviour {
  /** How often and after how long a broken stream is resumed. The tries count anew with each event, change and heartbeat. */
  readonly resume?: RetryChoice | undefined;
  /** The heartbeat interval assumed until the server names its own; 15 s. A stream that is silent for three of them is dead. */
  readonly heartbeatIntervalMs?: number | undefined;
  /** Whether the reader is told that the server's store does not answer; no. */
  readonly reportsStale?: boolean | undefined;
}

/** What may be chosen everywhere, in Node.js and in browsers. */
export interface CommonOptions {
  /** A unary call with all its tries takes no longer; 30 s. `null` = as long as it takes. Streams have none. */
  readonly unaryDeadlineMs?: number | null | undefined;
  /** When a unary call is made again: 4 tries, 100 ms doubling to 5 s, at most 20 s on the server's word. `"off"` = never. */
  readonly retry?: RetryChoice | undefined;
  /** How watches behave. */
  readonly watch?: WatchBehaviour | undefined;
  /**
   * Leave to send personal data unencrypted to another machine: only where the network itself encrypts, as a service mesh does. It gives
   * no leave for bearer tokens.
   */
  readonly allowPlaintext?: boolean | undefined;
  /** Put before our own `semanas-client-typescript/VERSION`, for example `payroll/2.1`. */
  readonly userAgent?: string | undefined;
  /** Functions that are told of each attempt and of the connection's state; they see no personal data. */
  readonly hooks?: Hooks | undefined;
  /** Interceptors of Connect, such as the one of `@semanas/client/opentelemetry`; they see each try of each call, without the token. */
  readonly interceptors?: readonly Interceptor[] | undefined;
}

/** The options as the calls use them. */
export interface Settings {
  readonly unaryDeadlineMs: number | null;
  readonly retry: RetryPolicy;
  readonly resume: RetryPolicy;
  readonly heartbeatIntervalMs: number;
  readonly reportsStale: boolean;
  readonly hooks: Hooks;
}

/** Fills in the defaults, and refuses what cannot be meant. */
export function settingsOf(options: CommonOptions): Settings {
  const { unaryDeadlineMs = 30_000, watch = {} } = options;
  if (unaryDeadlineMs !== null) checkSpan("unaryDeadlineMs", unaryDeadlineMs);
  const heartbeatIntervalMs = watch.heartbeatIntervalMs ?? 15_000;
  checkSpan("watch.heartbeatIntervalMs", heartbeatIntervalMs);
  return {
    unaryDeadlineMs,
    retry: policyOf("retry", options.retry, DEFAULT_RETRY),
    resume: policyOf("watch.resume", watch.resume, DEFAULT_RESUME),
    heartbeatIntervalMs,
    reportsStale: watch.reportsStale ?? false,
    hooks: options.hooks ?? {},
  };
}

/** Refuses a span that is not a time to wait. */
export function checkSpan(name: string, spanMs: number): void {
  if (!(spanMs > 0 && spanMs <= SPAN_MAX_MS)) {
    throw new ConfigurationError({ sentence: `${name}: the time must be greater than 0 ms and at most a day` });
  }
}

function policyOf(name: string, given: RetryChoice | undefined, defaults: RetryPolicy): RetryPolicy {
  if (given === "off") return { ...defaults, triesMax: 1 };
  const said = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  const policy: RetryPolicy = { ...defaults, ...Object.fromEntries(said) };
  const { triesMax, delayFirstMs, delayMaxMs, serverDelayMaxMs } = policy;
  if (!(triesMax >= 1)) {
    throw new ConfigurationError({ sentence: `${name}.triesMax: at least the first try is made; "off" means one` });
  }
  if (![delayFirstMs, delayMaxMs, serverDelayMaxMs].every((span) => span >= 0 && span <= SPAN_MAX_MS)) {
    throw new ConfigurationError({ sentence: `${name}: delays must not be negative, and at most a day` });
  }
  return policy;
}
