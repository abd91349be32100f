/**
 * Client of Semanas for browsers: the calls of `@semanas/client` over gRPC-Web, which Semanas serves on its gRPC port to the origins that
 * its setting `grpc.web_origins` names.
 *
 * @packageDocumentation
 */
import type { Interceptor } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { Channel } from "./core/channel.js";
import { interceptorsOf } from "./core/channel.js";
import { BaseClient } from "./core/client.js";
import { parseEndpoint } from "./core/endpoint.js";
import type { BearerToken, CommonOptions } from "./core/options.js";
import { settingsOf } from "./core/options.js";
import { bearsToken, checkToken, namesProgram, userAgentOf } from "./core/token.js";

export * from "./public.js";

/** Who calls. Client certificates are the browser's own affair. */
export interface WebCredentials {
  /** Sent with each call; never over plaintext to anything but this machine. */
  readonly bearerToken?: BearerToken | undefined;
}

/** How a client behaves. Connections and their certificates are the browser's own affair. */
export interface WebClientOptions extends CommonOptions {
  /** Who calls; nobody in particular unless said. */
  readonly credentials?: WebCredentials | undefined;
}

/** A client of one Semanas deployment, for browsers. */
export class SemanasClient extends BaseClient {
  /**
   * Sends nothing.
   *
   * @param endpoint - `https://host:port`, or `http://` on the same machine; the server must name the page's origin in `grpc.web_origins`.
   * @throws {@link ConfigurationError}, which says what to write.
   */
  constructor(endpoint: string, options: WebClientOptions = {}) {
    super(channelOf(endpoint, options), settingsOf(options));
  }
}

function channelOf(endpoint: string, options: WebClientOptions): Channel {
  const token = options.credentials?.bearerToken;
  checkToken(token);
  const userAgent = userAgentOf(options.userAgent);
  const { origin } = parseEndpoint(endpoint, {
    allowPlaintext: options.allowPlaintext ?? false,
    hasToken: token !== undefined,
    hasCertificate: false,
    hasAuthority: false,
  });
  const identity = token === undefined ? [] : [bearsToken(token)];
  const transport = createGrpcWebTransport({
    baseUrl: origin,
    // Browsers keep User-Agent for themselves.
    interceptors: interceptorsOf(options, [namesProgram("x-user-agent", userAgent), ...identity, namesBreaks]),
  });
  // Connections are the browser's: it finds dead ones by itself, and closes those that nobody uses.
  return { transport, dropSilent: () => undefined, close: () => undefined };
}

/** Gives the errors of `fetch` the code that they deserve: it says no more than that it did not work. */
const namesBreaks: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: named(response.message) } : response;
  } catch (thrown) {
    throw nameOfBreak(thrown);
  }
};

async function* named<M>(messages: AsyncIterable<M>): AsyncGenerator<M> {
  try {
    yield* messages;
  } catch (thrown) {
    throw nameOfBreak(thrown);
  }
}

function nameOfBreak(thrown: unknown): unknown {
  const cause = thrown instanceof ConnectError ? thrown.cause : thrown;
  // A string is how Connect says that an answer ended too early.
  if (!(cause instanceof TypeError) && typeof cause !== "string") return thrown;
  const sentence =
    typeof cause === "string"
      ? `the connection broke: ${cause}`
      : "the server cannot be reached, or does not name this page in grpc.web_origins";
  return new ConnectError(sentence, Code.Unavailable, undefined, undefined, cause);
}
