//! A call of a tool, as it is seen from outside: counted, timed, a span, a log line.

use super::metrics::Metrics;
use super::trace_context::{TraceContext, of_span};
use std::fmt::Display;
use std::time::{Duration, Instant};
use tracing::field::Empty;
use tracing::{Level, Span};

/// The outcome of a call that was dropped.
const CANCELLED: &str = "cancelled";

/// Who calls what.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The caller's tenant, if there is one.
    pub(crate) tenant: Option<&'a dyn Display>,
    /// The session.
    pub(crate) session: &'a dyn Display,
    /// The tool, by the name that the client calls it by.
    pub(crate) tool: &'a str,
    /// Where the client has its call from.
    pub(crate) parent: Option<&'a TraceContext>,
}

/// A call under way. One that is dropped before it is finished was cancelled.
#[derive(Debug)]
pub(crate) struct Call {
    metrics: Metrics,
    started: Instant,
    upstream: Option<Upstream>,
    /// What the log line says; none where nobody would see it.
    told: Option<Box<Told>>,
    span: Span,
    finished: bool,
}

#[derive(Debug)]
struct Upstream {
    name: String,
    configured: bool,
}

#[derive(Debug)]
struct Told {
    tenant: String,
    session: String,
    tool: String,
}

impl Call {
    /// A call of a built-in tool. It is logged at the level `debug` only.
    pub(crate) fn built_in(metrics: &Metrics, asked: Asked<'_>) -> Self {
        let told = tracing::enabled!(Level::DEBUG).then(|| Box::new(Told::of(asked)));
        Self::begin(metrics, asked, None, told)
    }

    /// A call of an upstream's tool. `configured` is whether the operator has named the upstream, and not a tenant.
    pub(crate) fn of_upstream(metrics: &Metrics, asked: Asked<'_>, upstream: &str, configured: bool) -> Self {
        let told = tracing::enabled!(Level::INFO).then(|| Box::new(Told::of(asked)));
        Self::begin(metrics, asked, Some(Upstream { name: upstream.to_owned(), configured }), told)
    }

    fn begin(metrics: &Metrics, asked: Asked<'_>, upstream: Option<Upstream>, told: Option<Box<Told>>) -> Self {
        let span = tracing::debug_span!(
            target: super::otlp::SPANS,
            "tools/call",
            otel.name = format_args!("tools/call {}", asked.tool),
            otel.kind = "server",
            otel.status_code = Empty,
            mcp.method.name = "tools/call",
            gen_ai.tool.name = asked.tool,
            mcp.session.id = %asked.session,
            sessile.tenant = Empty,
            sessile.upstream = Empty,
            sessile.outcome = Empty,
        );
        if !span.is_disabled() {
            if let Some(tenant) = asked.tenant {
                span.record("sessile.tenant", tracing::field::display(tenant));
            }
            if let Some(upstream) = &upstream {
                span.record("sessile.upstream", upstream.name.as_str());
            }
            if let Some(parent) = asked.parent {
                parent.adopt(&span);
            }
        }
        Self { metrics: metrics.clone(), started: Instant::now(), upstream, told, span, finished: false }
    }

    /// What to tell the upstream of the trace: the call's own span, where spans are collected.
    pub(crate) fn trace_context(&self) -> Option<TraceContext> {
        of_span(&self.span)
    }

    /// It is over: `ok`, or a word for what went wrong, which is one of few.
    pub(crate) fn finish(mut self, outcome: &'static str) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: &'static str) {
        self.finished = true;
        let took = self.started.elapsed();
        match &self.upstream {
            None => self.metrics.built_in_called(outcome, took),
            Some(Upstream { name, configured }) => {
                self.metrics.upstream_called(configured.then_some(name.as_str()), outcome, took);
            }
        }
        if !self.span.is_disabled() {
            self.span.record("sessile.outcome", outcome);
            if outcome != super::metrics::OK {
                self.span.record("otel.status_code", "ERROR");
            }
        }
        if let Some(told) = self.told.take() {
            told.log(self.upstream.as_ref(), took, outcome);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.finished {
            self.end(CANCELLED);
        }
    }
}

impl Told {
    fn of(asked: Asked<'_>) -> Self {
        let tenant = asked.tenant.map(ToString::to_string).unwrap_or_default();
        Self { tenant, session: asked.session.to_string(), tool: asked.tool.to_owned() }
    }

    fn log(&self, upstream: Option<&Upstream>, took: Duration, outcome: &str) {
        let Self { tenant, session, tool } = self;
        let milliseconds = (took.as_secs_f64() * 1e6).round() / 1e3;
        match upstream {
            Some(Upstream { name, .. }) => {
                tracing::info!(tenant, session, upstream = name, tool, milliseconds, outcome, "called");
            }
            None => tracing::debug!(tenant, session, tool, milliseconds, outcome, "called"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::metrics::SessionCounts;
    use super::*;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::{LevelFilter, filter_fn};
    use tracing_subscriber::layer::SubscriberExt;

    /// What was logged.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("nobody panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_call_of_an_upstream_is_a_span_a_line_and_a_count() {
        let (lines, provider, metrics) = (Lines::default(), SdkTracerProvider::builder().build(), Metrics::new());
        let kept = lines.clone();
        let written = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || kept.clone());
        let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry()
            .with(written.with_filter(LevelFilter::INFO))
            .with(spans.with_filter(filter_fn(super::super::is_span)));
        tracing::subscriber::with_default(subscriber, || {
            // Another test may have met the span just before there was anybody to collect it.
            tracing::callsite::rebuild_interest_cache();
            let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
            let parent = TraceContext::read(theirs, Some("a=1")).expect("it is one");
            let asked = Asked { tenant: Some(&"acme"), session: &"s1", tool: "files_read", parent: Some(&parent) };
            let call = Call::of_upstream(&metrics, asked, "files", true);
            let ours = call.trace_context().expect("spans are collected");
            assert!(
                ours.traceparent().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && ours.traceparent() != theirs
            );
            assert_eq!(ours.tracestate().as_deref(), Some("a=1"));
            call.finish("timed_out");
            drop(Call::of_upstream(&metrics, Asked { parent: None, ..asked }, "mine", false));
            Call::built_in(&metrics, asked).finish("ok");
        });
        let lines = String::from_utf8(lines.0.lock().expect("nobody panics").clone()).expect("it is text");
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        for part in [
            "tenant=\"acme\"",
            "session=\"s1\"",
            "upstream=\"files\"",
            "tool=\"files_read\"",
            "milliseconds=",
            "outcome=\"timed_out\"",
        ] {
            assert!(lines[0].contains(part), "{part} is not in {}", lines[0]);
        }
        assert!(lines[1].contains("upstream=\"mine\"") && lines[1].contains("outcome=\"cancelled\""), "{}", lines[1]);
        let text = metrics.text(SessionCounts::default(), &[]);
        for series in ["{upstream=\"files\",outcome=\"timed_out\"} 1", "{upstream=\"added\",outcome=\"cancelled\"} 1"] {
            assert!(text.contains(series), "{series} is not in {text}");
        }
    }

    #[test]
    fn without_a_collector_there_is_no_span_to_tell_of() {
        let asked = Asked { tenant: None, session: &"s1", tool: "files_read", parent: None };
        assert_eq!(Call::of_upstream(&Metrics::new(), asked, "files", true).trace_context(), None);
    }
}
