import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Span, SpanOptions, Tracer } from "@opentelemetry/api";
import { propagation, trace } from "@opentelemetry/api";
import { NotFoundError } from "@semanas/client";
import { openTelemetry } from "@semanas/client/opentelemetry";
import { refuse } from "@semanas/client/testing";
import { CURP, clientOf, failureOf, silence, snapshot, until } from "./support.js";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

propagation.setGlobalPropagator({
  inject: (_, carrier, setter) => setter.set(carrier, "traceparent", TRACEPARENT),
  extract: (context) => context,
  fields: () => ["traceparent"],
});
after(() => propagation.disable());

/** What of the spans a test looks at. */
function recording(): { tracer: Tracer; spans: { name: string; code?: unknown; isEnded: boolean }[] } {
  const spans: { name: string; code?: unknown; isEnded: boolean; attributes?: unknown }[] = [];
  const startSpan = (name: string, options?: SpanOptions): Span => {
    const told = { name, isEnded: false, code: undefined as unknown, attributes: options?.attributes };
    spans.push(told);
    const span: Span = Object.assign(Object.create(trace.wrapSpanContext({ traceId: "0", spanId: "0", traceFlags: 0 })) as Span, {
      isRecording: () => !told.isEnded,
      setAttribute: (_: string, value: unknown) => ((told.code = value), span),
      setStatus: () => span,
      end: () => void (told.isEnded = true),
    });
    return span;
  };
  return { tracer: { startSpan } as unknown as Tracer, spans };
}

test("each attempt is a span, and the server gets traceparent", async (t) => {
  const { tracer, spans } = recording();
  const seen: (string | null)[] = [];
  const { client } = await clientOf(
    t,
    {
      lookupNss: (_, { requestHeader }) => {
        if (seen.push(requestHeader.get("traceparent")) === 1) throw refuse("UNAVAILABLE");
        throw refuse("NOT_FOUND", { reason: "NSS_NOT_FOUND" });
      },
      watchWorkHistory: async function* (_, { signal }) {
        yield snapshot(1);
        await silence(signal);
      },
    },
    { interceptors: [openTelemetry(tracer)], retry: { delayFirstMs: 1 } },
  );
  await failureOf(client.lookupNss({ curp: CURP }), NotFoundError);
  assert.deepEqual(seen, [TRACEPARENT, TRACEPARENT]);
  for await (const update of client.watchWorkHistory("wh_1")) if (update.kind === "snapshot") break;
  await until("the spans have ended", () => spans.length === 3 && spans.every(({ isEnded }) => isEnded));
  const method = "semanas.v1.WorkHistoryService/LookupNss";
  assert.deepEqual(
    spans.map(({ name, code }) => [name, code]),
    [
      [method, 14],
      [method, 5],
      ["semanas.v1.WorkHistoryService/WatchWorkHistory", 1],
    ],
  );
  assert.ok(!JSON.stringify(spans).includes(CURP));
});
