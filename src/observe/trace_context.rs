//! Which trace a message belongs to (W3C Trace Context), as it is said in `_meta`.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use std::str::FromStr;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The longest `tracestate` that is kept, in bytes.
const LONGEST_STATE: usize = 512;

/// The span of another program that something was asked for in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceContext(SpanContext);

impl TraceContext {
    /// Reads `traceparent` and `tracestate`; none when they are not what the specification says.
    pub(crate) fn read(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, length| {
            text.len() == length && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
        };
        let later = version != "00";
        if !hex(version, 2)
            || version == "ff"
            || !hex(trace, 32)
            || !hex(span, 16)
            || !hex(flags, 2)
            || (!later && parts.next().is_some())
        {
            return None;
        }
        let state = tracestate.filter(|state| state.len() <= LONGEST_STATE);
        let state = state.and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
        let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
        let context =
            SpanContext::new(TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?, flags, true, state);
        context.is_valid().then_some(Self(context))
    }

    /// Makes it what a span follows from.
    pub(super) fn adopt(&self, span: &Span) {
        // It fails for spans that nobody collects.
        let _ = span.set_parent(Context::new().with_remote_span_context(self.0.clone()));
    }

    /// As `traceparent` has it.
    pub(crate) fn traceparent(&self) -> String {
        let context = &self.0;
        format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8())
    }

    /// As `tracestate` has it; none when there is nothing to say.
    pub(crate) fn tracestate(&self) -> Option<String> {
        Some(self.0.trace_state().header()).filter(|state| !state.is_empty())
    }
}

/// What to tell whoever does a part of what a span stands for; none when nobody collects it.
pub(crate) fn of_span(span: &Span) -> Option<TraceContext> {
    if span.is_none() {
        return None;
    }
    let context = span.context().span().span_context().clone();
    context.is_valid().then_some(TraceContext(context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_read_and_written_as_the_specification_says() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let read = TraceContext::read(good, Some("a=1,b=2")).expect("it is the specification's own");
        assert_eq!((read.traceparent().as_str(), read.tracestate().as_deref()), (good, Some("a=1,b=2")));
        let alone = TraceContext::read(good, Some("no state")).expect("the rest is good");
        assert_eq!(alone.tracestate(), None);
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert_eq!(TraceContext::read(later, None).map(|read| read.traceparent()).as_deref(), Some(good));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(TraceContext::read(bad, None), None, "{bad}");
        }
    }
}
