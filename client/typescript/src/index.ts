/**
 * Client of Semanas for Node.js: from a person to an NSS and to a complete IMSS work history, over gRPC.
 *
 * For browsers there is `@semanas/client/web`, which has the same calls over gRPC-Web.
 *
 * @packageDocumentation
 */
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { Channel } from "./core/channel.js";
import { ANSWER_BYTES_MAX, interceptorsOf } from "./core/channel.js";
import { BaseClient } from "./core/client.js";
import { parseEndpoint } from "./core/endpoint.js";
import type { BearerToken, CommonOptions } from "./core/options.js";
import { checkSpan, settingsOf } from "./core/options.js";
import { bearsToken, checkToken, namesProgram, userAgentOf } from "./core/token.js";
import { namesBreaks } from "./node/answers.js";
import { Connection } from "./node/connection.js";
import { secureContextOf } from "./node/tls.js";

export * from "./public.js";

/** Who calls. */
export interface Credentials {
  /** Sent with each call; never over plaintext to anything but this machine. */
  readonly bearerToken?: BearerToken | undefined;
  /** A certificate in PEM for mTLS. */
  readonly clientCertificatePem?: string | undefined;
  /** Its key in PEM. */
  readonly clientKeyPem?: string | undefined;
}

/** How a client behaves; everything has a default that is right for most. */
export interface ClientOptions extends CommonOptions {
  /** Who calls; nobody in particular unless said. */
  readonly credentials?: Credentials | undefined;
  /** How long a connection may take to stand; 5 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** Certificate authorities in PEM to trust besides those that Node.js trusts. */
  readonly caCertificatePem?: string | undefined;
}

/**
 * A client of one Semanas deployment, for Node.js. Make one and keep it: calls share its connection.
 *
 * @example
 * ```ts
 * const client = new SemanasClient("https://semanas.example.mx", { credentials: { bearerToken } });
 * const job = await client.getWorkHistoryWhenDone({ subject: { curp: "GOAA970724HYNNNL08" } });
 * ```
 */
export class SemanasClient extends BaseClient {
  /**
   * Sends nothing: the connection is made by the first call, and again whenever it breaks.
   *
   * @param endpoint - `https://host:port`, or `http://` on the same machine.
   * @throws {@link ConfigurationError}, which says what to write.
   */
  constructor(endpoint: string, options: ClientOptions = {}) {
    super(channelOf(endpoint, options), settingsOf(options));
  }
}

function channelOf(endpoint: string, options: ClientOptions): Channel {
  const { credentials = {}, connectTimeoutMs = 5_000, hooks = {} } = options;
  checkToken(credentials.bearerToken);
  checkSpan("connectTimeoutMs", connectTimeoutMs);
  const userAgent = userAgentOf(options.userAgent);
  const { origin, isSecure } = parseEndpoint(endpoint, {
    allowPlaintext: options.allowPlaintext ?? false,
    hasToken: credentials.bearerToken !== undefined,
    hasCertificate: credentials.clientCertificatePem !== undefined || credentials.clientKeyPem !== undefined,
    hasAuthority: options.caCertificatePem !== undefined,
  });
  const tls = isSecure ? secureContextOf({ ...credentials, caCertificatePem: options.caCertificatePem }) : {};
  const connection = new Connection({ origin, connectTimeoutMs, tls, hooks });
  const identity = credentials.bearerToken === undefined ? [] : [bearsToken(credentials.bearerToken)];
  const transport = createGrpcTransport({
    baseUrl: origin,
    sessionManager: connection,
    readMaxBytes: ANSWER_BYTES_MAX,
    interceptors: interceptorsOf(options, [namesProgram("user-agent", userAgent), ...identity, namesBreaks]),
  });
  return {
    transport,
    dropSilent: (silenceMs) => connection.dropSilent(silenceMs),
    close: () => connection.close(),
  };
}
