/**
 * One HTTP/2 connection: what is known of its health, and pings when nothing is heard. It does not know what the streams carry, nor when
 * another connection is to be made.
 */
import * as http2 from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";

/** A connection with open streams that was quiet for so long is pinged. */
const QUIET_MAX_MS = 15_000;
/** A peer that does not answer a ping for so long has vanished. */
const PING_PATIENCE_MS = 10_000;
/** What may be on its way to us on one stream, and on all together: large enough for answers of megabytes across an ocean. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 8 * 1024 * 1024;
/** Megabytes; Node.js refuses new streams past it. Its 10 would be used up by a few answers of the largest size. */
const SESSION_MEMORY_MB = 512;

/** Settings of every session. */
export const SESSION_OPTIONS: http2.ClientSessionOptions = {
  maxSessionMemory: SESSION_MEMORY_MB,
  settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
};

/** A connection that stands. */
export class Session {
  #streams = 0;
  #heardAtMs = performance.now();
  #isRetired = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly inner: http2.ClientHttp2Session,
    onRetired: (session: Session, error: Error | undefined) => void,
  ) {
    inner.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    let broken: Error | undefined;
    inner.on("error", (error: Error) => (broken = error));
    inner.on("goaway", () => this.retire());
    inner.on("close", () => {
      clearTimeout(this.#timer);
      this.retire(broken);
    });
    this.retire = (error?: Error) => {
      if (this.#isRetired) return;
      this.#isRetired = true;
      onRetired(this, error);
      this.#closeIfUnused();
    };
    // An idle connection does not keep a program from ending.
    inner.unref();
  }

  /** Takes no further stream; those that are open go on. Told once to whoever made the session. */
  readonly retire: (error?: Error) => void;

  /** Whether a stream can be opened. */
  get isUsable(): boolean {
    return !this.#isRetired && !this.inner.closed && !this.inner.destroyed;
  }

  /** Whether it has been idle for so long that it may have died unnoticed. */
  get isDoubtful(): boolean {
    return this.#streams === 0 && this.quietMs > QUIET_MAX_MS;
  }

  /** How long ago something was heard. */
  get quietMs(): number {
    return performance.now() - this.#heardAtMs;
  }

  /** Notes that the peer is alive. */
  hear(): void {
    this.#heardAtMs = performance.now();
  }

  /** Whether it is the connection of that stream. */
  carries(stream: http2.ClientHttp2Stream): boolean {
    return stream.session === this.inner;
  }

  /** Opens a stream. */
  open(headers: http2.OutgoingHttpHeaders, options: http2.ClientSessionRequestOptions): http2.ClientHttp2Stream {
    const stream = this.inner.request(headers, options);
    if (this.#streams++ === 0) {
      this.inner.ref();
      this.#watch(QUIET_MAX_MS);
    }
    let isComplete = false;
    stream.on("response", (_, flags) => {
      this.hear();
      isComplete ||= (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    });
    stream.on("trailers", () => (isComplete = true));
    stream.on("end", () => (isComplete = true));
    // Before any other listener, since we are the first: a stream that its connection took along must not look as if the server had
    // cancelled it.
    stream.on("close", () => {
      const isTorn = !isComplete && (this.inner.destroyed || this.inner.closed);
      if (isTorn && stream.listenerCount("error") > 0) stream.emit("error", connectionBroke());
      if (--this.#streams === 0) {
        clearTimeout(this.#timer);
        if (!this.inner.destroyed) this.inner.unref();
        this.#closeIfUnused();
      }
    });
    return stream;
  }

  /** Whether the peer answers within the time; a connection whose peer does not is destroyed. */
  ping(patienceMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.inner.destroyed) {
        resolve(false);
        return;
      }
      const timer = setTimeout(() => {
        this.destroy(new ConnectError("the connection broke: the server did not answer a ping", Code.Unavailable));
        resolve(false);
      }, patienceMs);
      const isSent = this.inner.ping((error) => {
        clearTimeout(timer);
        if (!error) this.hear();
        resolve(!error);
      });
      // Another ping is under way; its own patience counts.
      if (!isSent) clearTimeout(timer);
      if (!isSent) resolve(true);
    });
  }

  /** Ends it with all its streams. */
  destroy(error: Error): void {
    this.inner.on("error", () => undefined);
    this.inner.destroy(error);
  }

  /** Pings whenever it has been quiet for too long, as long as there are streams. */
  #watch(afterMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const leftMs = QUIET_MAX_MS - this.quietMs;
      if (leftMs > 0) {
        this.#watch(leftMs);
        return;
      }
      void this.ping(PING_PATIENCE_MS).then((isAlive) => {
        if (isAlive && this.#streams > 0) this.#watch(QUIET_MAX_MS);
      });
    }, afterMs);
    this.#timer.unref();
  }

  #closeIfUnused(): void {
    if (this.#isRetired && this.#streams === 0 && !this.inner.destroyed) this.inner.close();
  }
}

/** What a call gets whose connection is gone. */
export function connectionBroke(): ConnectError {
  return new ConnectError("the connection broke", Code.Unavailable);
}
