/**
 * Traces of calls, for programs that use OpenTelemetry: needs `@opentelemetry/api`, which this package does not bring along.
 *
 * @packageDocumentation
 */
import type { Interceptor } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Span, Tracer } from "@opentelemetry/api";
import { SpanKind, SpanStatusCode, context, propagation, trace } from "@opentelemetry/api";
import { VERSION } from "./version.js";

/** The number that OpenTelemetry has for gRPC's OK. */
const STATUS_OK = 0;

/**
 * Makes a span of each attempt, and sends `traceparent` by the propagator that the program has set. The spans hold no personal data.
 *
 * @param tracer - The program's own; unless given, the global provider's.
 *
 * @example
 * ```ts
 * import { openTelemetry } from "@semanas/client/opentelemetry";
 *
 * const client = new SemanasClient(endpoint, { interceptors: [openTelemetry()] });
 * ```
 */
export function openTelemetry(tracer?: Tracer): Interceptor {
  return (next) => async (request) => {
    const tracing = tracer ?? trace.getTracer("@semanas/client", VERSION);
    const attributes = { "rpc.system": "grpc", "rpc.service": request.service.typeName, "rpc.method": request.method.name };
    const span = tracing.startSpan(`${request.service.typeName}/${request.method.name}`, { kind: SpanKind.CLIENT, attributes });
    const active = trace.setSpan(context.active(), span);
    propagation.inject(active, request.header, { set: (header, name, value) => header.set(name, value) });
    try {
      const response = await context.with(active, () => next(request));
      if (response.stream) {
        // A stream that is left in the middle is not read to its end: its signal tells.
        request.signal.addEventListener("abort", () => end(span, new ConnectError("left", Code.Canceled)));
        return { ...response, message: spanned(span, response.message) };
      }
      end(span);
      return response;
    } catch (thrown) {
      end(span, thrown);
      throw thrown;
    }
  };
}

async function* spanned<M>(span: Span, messages: AsyncIterable<M>): AsyncGenerator<M> {
  let failed: unknown;
  try {
    yield* messages;
  } catch (thrown) {
    failed = thrown;
    throw thrown;
  } finally {
    end(span, failed);
  }
}

function end(span: Span, thrown?: unknown): void {
  if (!span.isRecording()) return;
  const code = thrown === undefined ? STATUS_OK : ConnectError.from(thrown).code;
  span.setAttribute("rpc.grpc.status_code", code);
  // Of an error only the code: its text is for the program.
  if (code !== STATUS_OK && code !== Code.Canceled) span.setStatus({ code: SpanStatusCode.ERROR, message: Code[code] });
  span.end();
}
