/**
 * What a program that traces has set up, as far as the cases need it: which trace is the current one, and how it is written into headers.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Context, ContextManager, TextMapPropagator } from "@opentelemetry/api";
import { ROOT_CONTEXT, TraceFlags, context, propagation, trace } from "@opentelemetry/api";

/** Any that is not zero. */
const CALLERS_SPAN = "b7ad6b7169203331";

const storage = new AsyncLocalStorage<Context>();

const manager: ContextManager = {
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (within, run, self, ...given) => storage.run(within, () => run.apply(self as never, given)),
  bind: (_within, target) => target,
  enable: () => manager,
  disable: () => manager,
};

const w3c: TextMapPropagator = {
  inject(from, headers, setter): void {
    const span = trace.getSpanContext(from);
    if (span !== undefined)
      setter.set(headers, "traceparent", `00-${span.traceId}-${span.spanId}-0${span.traceFlags.toString()}`);
  },
  extract: (into) => into,
  fields: () => ["traceparent"],
};

context.setGlobalContextManager(manager);
propagation.setGlobalPropagator(w3c);

/** Runs in a span of the trace, if there is one. */
export function inTrace<T>(traceId: string | undefined, run: () => Promise<T>): Promise<T> {
  if (traceId === undefined) return run();
  const span = { traceId, spanId: CALLERS_SPAN, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return context.with(trace.setSpanContext(ROOT_CONTEXT, span), run);
}
