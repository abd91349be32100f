/**
 * The driver of the conformance cases: it reads one case a line, does its calls by the client's public surface, and prints one result a
 * line. It knows nothing of what is expected. The protocol stands in tests/conformance/README.md.
 */
import { createInterface } from "node:readline";
import type { Attempt, ClientOptions, Credentials } from "@semanas/client";
import { SemanasClient } from "@semanas/client";
import { openTelemetry } from "@semanas/client/opentelemetry";
import type { Command } from "./calls.js";
import { Found, run } from "./calls.js";
import type { Json } from "./results.js";
import { errorJson } from "./results.js";
import { inTrace } from "./tracing.js";

interface Case {
  readonly case: string;
  readonly endpoint: string;
  readonly credentials?: {
    readonly bearer_token?: string;
    readonly bearer_tokens?: readonly string[];
    readonly client_certificate_pem?: string;
    readonly client_key_pem?: string;
  };
  readonly options?: {
    readonly unary_deadline_ms?: number;
    readonly connect_timeout_ms?: number;
    readonly retry?: "off";
    readonly retry_tries_max?: number;
    readonly retry_delay_first_ms?: number;
    readonly watch_resume?: "off";
    readonly watch_tries_max?: number;
    readonly watch_delay_first_ms?: number;
    readonly watch_delay_max_ms?: number;
    readonly watch_heartbeat_interval_ms?: number;
    readonly watch_reports_stale?: boolean;
    readonly allow_plaintext?: boolean;
    readonly ca_certificate_pem?: string;
    readonly user_agent?: string;
    readonly trace_id?: string;
  };
  readonly calls: readonly Command[];
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() !== "") process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Case))}\n`);
}

async function answer(given: Case): Promise<Json> {
  const attempts: Json[] = [];
  let call = 0;
  const onAttempt = ({ method, number, code, waitMs = 0 }: Attempt): void => {
    attempts.push({ call, method, number, code, wait_ms: waitMs });
  };
  const results: Json[] = [];
  let client: SemanasClient;
  try {
    client = new SemanasClient(given.endpoint, { ...optionsOf(given), hooks: { onAttempt } });
  } catch (thrown) {
    const error = errorJson(thrown);
    return { case: given.case, results: given.calls.map(() => ({ error })), attempts };
  }
  const found = new Found();
  for (const command of given.calls) {
    results.push(await inTrace(given.options?.trace_id, () => run(client, command, found)));
    call++;
  }
  client.close();
  return { case: given.case, results, attempts };
}

function optionsOf({ options = {}, credentials = {} }: Case): ClientOptions {
  return {
    credentials: credentialsOf(credentials),
    unaryDeadlineMs: options.unary_deadline_ms,
    connectTimeoutMs: options.connect_timeout_ms,
    retry: options.retry ?? { triesMax: options.retry_tries_max, delayFirstMs: options.retry_delay_first_ms },
    watch: {
      resume: options.watch_resume ?? {
        triesMax: options.watch_tries_max,
        delayFirstMs: options.watch_delay_first_ms,
        delayMaxMs: options.watch_delay_max_ms,
      },
      heartbeatIntervalMs: options.watch_heartbeat_interval_ms,
      reportsStale: options.watch_reports_stale,
    },
    allowPlaintext: options.allow_plaintext,
    caCertificatePem: options.ca_certificate_pem,
    userAgent: options.user_agent,
    interceptors: options.trace_id === undefined ? [] : [openTelemetry()],
  };
}

function credentialsOf(given: NonNullable<Case["credentials"]>): Credentials {
  const tokens = [...(given.bearer_tokens ?? [])];
  return {
    bearerToken: given.bearer_tokens ? () => (tokens.length > 1 ? tokens.shift() : tokens[0]) ?? "" : given.bearer_token,
    clientCertificatePem: given.client_certificate_pem,
    clientKeyPem: given.client_key_pem,
  };
}
