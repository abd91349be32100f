//! The W3C trace context that a caller sends, so that its trace and ours are one.
//!
//! Decides which headers are a trace context; others are dropped, never an error. It deliberately does not know `tracestate`
//! and `baggage`: the second may hold anything, personal data too.

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};

/// Length of a `traceparent`: version, trace id, span id and flags as hex, with hyphens between.
const TRACEPARENT_CHARS: usize = 55;

/// A `traceparent` of the right shape.
pub(super) struct TraceParent<'a> {
    text: &'a str,
    trace_id: TraceId,
    span_id: SpanId,
    flags: TraceFlags,
}

impl<'a> TraceParent<'a> {
    /// `None` for what is no trace context, or one whose ids are zero.
    pub(super) fn parse(text: &'a str) -> Option<TraceParent<'a>> {
        let is_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace_id, span_id, flags] = parts.as_slice() else {
            return None;
        };
        let lengths = [version.len(), trace_id.len(), span_id.len(), flags.len()];
        let well_formed =
            text.len() == TRACEPARENT_CHARS && lengths == [2, 32, 16, 2] && parts.iter().all(|part| is_hex(part));
        if !well_formed || *version == "ff" {
            return None;
        }
        let trace_id = TraceId::from_hex(trace_id).ok().filter(|id| *id != TraceId::INVALID)?;
        let span_id = SpanId::from_hex(span_id).ok().filter(|id| *id != SpanId::INVALID)?;
        let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
        Some(TraceParent {
            text,
            trace_id,
            span_id,
            flags,
        })
    }

    pub(super) fn as_str(&self) -> &'a str {
        self.text
    }

    /// The context that a span of ours becomes a child in.
    pub(super) fn context(&self) -> Context {
        let remote = SpanContext::new(self.trace_id, self.span_id, self.flags, true, TraceState::default());
        Context::new().with_remote_span_context(remote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, accepted: bool) {
        assert_eq!(
            TraceParent::parse(text).map(|parent| parent.as_str()),
            accepted.then_some(text),
            "{text}"
        );
    }

    #[test]
    fn only_the_shape_of_the_specification_is_a_trace_context() {
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true);
        check("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true);
        check("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false);
        check("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false);
        check("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false);
        check("", false);
    }
}
