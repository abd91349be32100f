/**
 * The way to one server: makes a connection when a call needs one, and another when that has gone away, died or fallen silent. Connect
 * asks it for streams. It does not know what they carry.
 */
import * as http2 from "node:http2";
import type { SecureContextOptions } from "node:tls";
import { Code, ConnectError } from "@connectrpc/connect";
import type { GrpcTransportOptions } from "@connectrpc/connect-node";
import type { ConnectionState, Hooks } from "../core/hooks.js";
import { tellState } from "../core/hooks.js";
import { mendStatus } from "./answers.js";
import { SESSION_OPTIONS, Session } from "./session.js";

/** How long a connection that fell silent may take to answer whether it lives. */
const SUSPECT_PATIENCE_MS = 10_000;

type StreamSource = NonNullable<GrpcTransportOptions["sessionManager"]>;

/** How a connection is made. */
export interface ConnectionOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly connectTimeoutMs: number;
  /** Empty for plaintext. */
  readonly tls: SecureContextOptions;
  readonly hooks: Hooks;
}

/** The connections of a client; usually there is one. */
export class Connection implements StreamSource {
  /** The host that it connects to; Connect refuses requests to others. */
  readonly authority: string;
  readonly #options: ConnectionOptions;
  /** All that are open, also those that take no further call. */
  readonly #open = new Set<Session>();
  #current: Session | undefined;
  #connecting: Promise<Session> | undefined;
  #abandon: (() => void) | undefined;
  #state: ConnectionState = "idle";
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.authority = options.origin;
  }

  /** Opens a stream, over a connection that is made first if need be. */
  async request(
    method: string,
    path: string,
    headers: http2.OutgoingHttpHeaders,
    options: Omit<http2.ClientSessionRequestOptions, "signal">,
  ): Promise<http2.ClientHttp2Stream> {
    for (;;) {
      const session = await this.#usable();
      // It may have gone away while we were waiting for our turn.
      if (!session.isUsable) continue;
      const stream = session.open({ ...headers, ":method": method, ":path": path }, options);
      mendStatus(stream);
      return stream;
    }
  }

  /** Called by Connect when something was read. */
  notifyResponseByteRead(stream: http2.ClientHttp2Stream): void {
    for (const session of this.#open) {
      if (session.carries(stream)) session.hear();
    }
  }

  /** Takes no further call over a connection that nothing came from for so long, and closes it if its peer is gone. */
  dropSilent(silenceMs: number): void {
    const session = this.#current;
    // Timers are not exact, and what came with the first byte of the stream is no sign of life since.
    if (!session || session.quietMs < silenceMs * 0.9) return;
    session.retire();
    void session.ping(SUSPECT_PATIENCE_MS);
  }

  /** Closes everything, for good. */
  close(): void {
    this.#isClosed = true;
    this.#abandon?.();
    for (const session of [...this.#open]) session.destroy(closed());
  }

  async #usable(): Promise<Session> {
    if (this.#isClosed) throw closed();
    const current = this.#current;
    if (current?.isUsable && current.isDoubtful) await current.ping(this.#options.connectTimeoutMs);
    if (current?.isUsable) return current;
    return (this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined)));
  }

  async #connect(): Promise<Session> {
    this.#become("connecting");
    try {
      const session = await this.#handshake();
      this.#open.add(session);
      this.#current = session;
      this.#become("ready");
      return session;
    } catch (thrown) {
      this.#become("failed");
      throw thrown;
    }
  }

  /** A connection over which the server has said something: a TLS peer that refuses our certificate does so after its own handshake. */
  #handshake(): Promise<Session> {
    const { origin, tls, connectTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const inner = http2.connect(origin, { ...SESSION_OPTIONS, ...tls });
      const fail = (error: ConnectError): void => {
        clearTimeout(timer);
        inner.removeListener("close", onClose);
        inner.on("error", () => undefined);
        inner.destroy();
        reject(error);
      };
      const onError = (cause: Error): void => fail(cannotConnect(origin, cause));
      const onClose = (): void => fail(cannotConnect(origin, new Error("the server closed the connection")));
      const timer = setTimeout(() => {
        fail(cannotConnect(origin, new Error(`the server did not answer within ${connectTimeoutMs} ms`)));
      }, connectTimeoutMs);
      this.#abandon = () => fail(closed());
      inner.on("error", onError);
      inner.on("close", onClose);
      inner.once("remoteSettings", () => {
        clearTimeout(timer);
        inner.removeListener("error", onError);
        inner.removeListener("close", onClose);
        this.#abandon = undefined;
        resolve(new Session(inner, (session, error) => this.#retired(session, inner, error)));
      });
    });
  }

  #retired(session: Session, inner: http2.ClientHttp2Session, error: Error | undefined): void {
    const forget = (): boolean => this.#open.delete(session);
    if (inner.destroyed) forget();
    else inner.once("close", forget);
    if (this.#current !== session) return;
    this.#current = undefined;
    this.#become(error === undefined || this.#isClosed ? "idle" : "failed");
  }

  #become(state: ConnectionState): void {
    if (this.#state === state) return;
    this.#state = state;
    tellState(this.#options.hooks, state);
  }
}

function cannotConnect(origin: string, cause: Error): ConnectError {
  // Some errors of Node.js, such as those for a host with several addresses, have codes and no text.
  const code = (cause as NodeJS.ErrnoException).code;
  // OpenSSL's words for an answer without TLS name a line of its source.
  const noTls =
    code === "ERR_SSL_WRONG_VERSION_NUMBER" ? "the server does not speak TLS on this port; is its endpoint http://?" : undefined;
  const why = noTls ?? (cause.message === "" ? (code ?? "unknown") : cause.message.trimEnd());
  return new ConnectError(`cannot connect to ${origin}: ${why}`, Code.Unavailable, undefined, undefined, cause);
}

function closed(): ConnectError {
  return new ConnectError("the client is closed", Code.Canceled);
}
