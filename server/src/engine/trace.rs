//! W3C trace context on its way through a job: from the request, across the asynchronous part, to the upstream call.
//!
//! A job outlives its request, so its work is not the request's child: the span that works on it links to the request's span.

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Links `span` to the request that started its job.
pub(super) fn link(span: &Span, trace_parent: Option<&str>) {
    if let Some(context) = trace_parent.and_then(parse) {
        span.add_link(context);
    }
}

/// The `traceparent` for an upstream call: the current span's when spans are exported, else the request's own, passed on.
pub(super) fn outgoing(trace_parent: Option<&str>) -> Option<String> {
    let context = Span::current().context();
    let current = context.span().span_context().clone();
    if current.is_valid() {
        let flags = current.trace_flags().to_u8();
        return Some(format!("00-{}-{}-{flags:02x}", current.trace_id(), current.span_id()));
    }
    trace_parent.filter(|text| parse(text).is_some()).map(str::to_owned)
}

fn parse(trace_parent: &str) -> Option<SpanContext> {
    let mut parts = trace_parent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let trace = TraceId::from_hex(trace).ok()?;
    let span = SpanId::from_hex(span).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    (version == "00" && context.is_valid()).then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_parent_is_taken_only_in_its_own_shape() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(outgoing(Some(good)).as_deref(), Some(good));
        for bad in [
            "",
            "00",
            "garbage",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-x-y-z",
        ] {
            assert_eq!(outgoing(Some(bad)), None, "{bad}");
        }
    }
}
