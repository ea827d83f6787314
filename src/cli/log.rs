//! Where log lines and spans go.

use crate::config::LogFormat;
use crate::observe::{Traces, is_span};
use std::io::IsTerminal;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Logs to standard error; `RUST_LOG` says what. Spans go to a collector, whatever it says, if there is one.
pub(super) fn to_stderr(format: LogFormat, traces: Option<&Traces>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let Some(traces) = traces else {
        tracing_subscriber::registry().with(lines).with(filter).init();
        return;
    };
    let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer()).with_filter(filter_fn(is_span));
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).init();
}
