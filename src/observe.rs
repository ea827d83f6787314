//! What can be seen of a running server: counts and times for Prometheus, spans for a collector of traces, and a log
//! line for each call to an upstream. This knows neither sessions nor tenants; it is told words and numbers.

mod call;
mod metrics;
mod otlp;
mod trace_context;

pub(crate) use call::{Asked, Call};
pub(crate) use metrics::{ADDED, BUILT_IN};
pub use metrics::{Metrics, SessionCounts, UpstreamState};
pub(crate) use otlp::{Traces, is_span};
pub(crate) use trace_context::TraceContext;
