/**
 * What Connect makes of answers that are not as they should be, put right: a status whose details cannot be read is still that status, and
 * a call whose connection broke is unavailable, whatever Node.js calls it.
 */
import type * as http2 from "node:http2";
import { fromBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import type { Interceptor } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { BinaryReader } from "@bufbuild/protobuf/wire";

const DETAILS = "grpc-status-details-bin";
const MESSAGE = "grpc-message";

/** HTTP/2's codes as gRPC maps them; the others are INTERNAL. */
const RESETS: Readonly<Record<string, Code>> = {
  NGHTTP2_REFUSED_STREAM: Code.Unavailable,
  NGHTTP2_CANCEL: Code.Canceled,
  NGHTTP2_ENHANCE_YOUR_CALM: Code.ResourceExhausted,
  NGHTTP2_INADEQUATE_SECURITY: Code.PermissionDenied,
};

/** Codes of Node.js that say that the connection is gone. */
const BREAKS: readonly string[] = [
  "ECONNABORTED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_INVALID_SESSION",
  "ERR_HTTP2_INVALID_STREAM",
  "ERR_HTTP2_SESSION_ERROR",
  "ERR_HTTP2_STREAM_CANCEL",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_PREMATURE_CLOSE",
];

/** Has the stream's status read even where its details or its message cannot be. Must come before any other listener. */
export function mendStatus(stream: http2.ClientHttp2Stream): void {
  const mend = (headers: http2.IncomingHttpHeaders): void => {
    const details = headers[DETAILS];
    if (details !== undefined && !isReadable(String(details))) Reflect.deleteProperty(headers, DETAILS);
    const message = headers[MESSAGE];
    if (typeof message === "string" && !isPercentEncoded(message)) headers[MESSAGE] = encodeURIComponent(message);
  };
  stream.prependListener("response", mend);
  stream.prependListener("trailers", mend);
}

/** Gives the errors of calls the codes of gRPC. */
export const namesBreaks: Interceptor = (next) => async (request) => {
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
  if (!(thrown instanceof ConnectError)) return thrown;
  const cause = thrown.cause;
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  if (cause === undefined || code === undefined || thrown.code === Code.Unavailable) return thrown;
  if (code === "ERR_HTTP2_STREAM_ERROR") {
    const reset = /NGHTTP2_\w+/.exec(thrown.rawMessage)?.[0] ?? "";
    return new ConnectError(thrown.rawMessage, RESETS[reset] ?? Code.Internal, thrown.metadata, undefined, cause);
  }
  if (!BREAKS.includes(code)) return thrown;
  return new ConnectError(`the connection broke: ${thrown.rawMessage}`, Code.Unavailable, thrown.metadata, undefined, cause);
}

/** Whether it is a `google.rpc.Status`: a number, a text and a list of `Any`. */
function isReadable(base64: string): boolean {
  try {
    const bytes = Buffer.from(base64, "base64");
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === 1) reader.int32();
      else if (field === 2) reader.string();
      else if (field === 3) fromBinary(AnySchema, reader.bytes());
      else reader.skip(wireType, field);
    }
    return bytes.length > 0;
  } catch {
    return false;
  }
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
