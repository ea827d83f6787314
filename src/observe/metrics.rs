//! Counts and times, in a registry of each server's own.
//!
//! Labels are words of ours and names that the operator chose: nothing that a client or a tenant can make more of.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What calls of built-in tools are counted as; no upstream can have this name.
pub(crate) const BUILT_IN: &str = "builtin";
/// What calls of upstreams are counted as that tenants have added; no upstream can have this name.
pub(crate) const ADDED: &str = "added";
/// The outcome of a call that did what it was asked.
pub(crate) const OK: &str = "ok";

/// Upper ends of what calls take, in seconds.
const SECONDS: [f64; 17] =
    [0.000_01, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0];

/// The metrics of one server.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    sessions: Family<OfTransport, Gauge>,
    sign_ins: Family<OfStrategy, Counter>,
    calls: Family<OfCall, Counter>,
    seconds: Family<OfUpstream, Histogram, fn() -> Histogram>,
    upstream_sessions: Family<OfUpstream, Gauge>,
    upstream_states: Family<OfState, Gauge>,
    limits: Family<OfLimit, Counter>,
    /// What is asked for at each built-in call.
    built_in_ok: Counter,
    built_in_seconds: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTransport {
    transport: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStrategy {
    strategy: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCall {
    upstream: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfUpstream {
    upstream: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    upstream: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLimit {
    limit: &'static str,
}

/// Sessions that are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SessionCounts {
    /// On WebSockets.
    pub websocket: usize,
    /// Over HTTP.
    pub http: usize,
    /// Without a connection, until their clients come back.
    pub waiting: usize,
}

/// How an upstream is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamState {
    /// Its name, if it is configured; none for all that tenants have added together.
    pub name: Option<String>,
    /// A word for its state, one of few.
    pub state: &'static str,
    /// Sessions with it that are open.
    pub sessions: usize,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        registry.register_with_unit(
            "process_start_time",
            "When the server was started, since 1970",
            Unit::Seconds,
            started,
        );
        let ours = registry.sub_registry_with_prefix("sessile");
        let build = Family::<Vec<(&'static str, &'static str)>, Gauge>::default();
        build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION"))]).set(1);
        ours.register("build_info", "Which version this is", build);
        let sessions = Family::default();
        ours.register("sessions", "Sessions that are open", Family::clone(&sessions));
        let sign_ins = Family::default();
        ours.register("sign_ins", "Proofs of who somebody is that were checked", Family::clone(&sign_ins));
        let calls = Family::<OfCall, Counter>::default();
        ours.register("calls", "Calls of tools that are over", calls.clone());
        let seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        ours.register_with_unit("call_duration", "What calls of tools took", Unit::Seconds, Family::clone(&seconds));
        let upstream_sessions = Family::default();
        ours.register("upstream_sessions", "Sessions with upstreams that are open", Family::clone(&upstream_sessions));
        let upstream_states = Family::default();
        ours.register("upstream_state", "1 for the state that an upstream is in", Family::clone(&upstream_states));
        let limits = Family::default();
        ours.register("limits_hit", "What was refused or ended, by the setting that says so", Family::clone(&limits));
        let built_in_ok = counter(&calls, &OfCall { upstream: BUILT_IN.into(), outcome: OK });
        let built_in_seconds = seconds.get_or_create_owned(&OfUpstream { upstream: BUILT_IN.into() });
        Self(Arc::new(Inner {
            registry,
            sessions,
            sign_ins,
            calls,
            seconds,
            upstream_sessions,
            upstream_states,
            limits,
            built_in_ok,
            built_in_seconds,
        }))
    }

    /// All of them, as OpenMetrics text. Sessions and upstreams are as they are told to be.
    pub(crate) fn text(&self, sessions: SessionCounts, upstreams: &[UpstreamState]) -> String {
        let inner = &self.0;
        for (transport, count) in
            [("websocket", sessions.websocket), ("http", sessions.http), ("none", sessions.waiting)]
        {
            set(&inner.sessions.get_or_create(&OfTransport { transport }), count);
        }
        // Those that are gone since are not told of any more.
        inner.upstream_sessions.clear();
        inner.upstream_states.clear();
        for UpstreamState { name, state, sessions } in upstreams {
            let upstream = name.clone().unwrap_or_else(|| ADDED.into());
            inner.upstream_sessions.get_or_create(&OfUpstream { upstream: upstream.clone() }).inc_by(signed(*sessions));
            inner.upstream_states.get_or_create(&OfState { upstream, state }).set(1);
        }
        let mut text = String::with_capacity(8192);
        if encode(&mut text, &inner.registry).is_err() {
            tracing::error!("the metrics could not be written");
        }
        text
    }

    /// Counts a proof that was checked: `ok`, or the code of what it was refused with.
    pub(crate) fn signed_in(&self, strategy: &'static str, outcome: Result<(), &'static str>) {
        let outcome = outcome.err().unwrap_or(OK);
        self.0.sign_ins.get_or_create(&OfStrategy { strategy, outcome }).inc();
    }

    /// Counts what a limit kept from happening; it is named as its setting is.
    pub(crate) fn limit_hit(&self, limit: &'static str) {
        self.0.limits.get_or_create(&OfLimit { limit }).inc();
    }

    /// Counts a call of a built-in tool.
    pub(super) fn built_in_called(&self, outcome: &'static str, took: Duration) {
        if outcome == OK {
            self.0.built_in_ok.inc();
        } else {
            self.0.calls.get_or_create(&OfCall { upstream: BUILT_IN.into(), outcome }).inc();
        }
        self.0.built_in_seconds.observe(took.as_secs_f64());
    }

    /// Counts a call of an upstream's tool, by the name that it was configured with.
    pub(super) fn upstream_called(&self, configured: Option<&str>, outcome: &'static str, took: Duration) {
        let upstream = configured.unwrap_or(ADDED).to_owned();
        self.0.calls.get_or_create(&OfCall { upstream: upstream.clone(), outcome }).inc();
        self.0.seconds.get_or_create(&OfUpstream { upstream }).observe(took.as_secs_f64());
    }
}

fn counter(family: &Family<OfCall, Counter>, labels: &OfCall) -> Counter {
    family.get_or_create_owned(labels)
}

fn set(gauge: &Gauge, count: usize) {
    gauge.set(signed(count));
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_as_prometheus_reads_them() {
        let metrics = Metrics::new();
        metrics.built_in_called(OK, Duration::from_micros(20));
        metrics.built_in_called("not_found", Duration::from_micros(20));
        metrics.upstream_called(Some("files"), "timed_out", Duration::from_secs(2));
        metrics.upstream_called(None, OK, Duration::from_secs(2));
        metrics.signed_in("password", Err("invalid_credentials"));
        metrics.limit_hit("limits.max_sessions");
        let files = UpstreamState { name: Some("files".into()), state: "open", sessions: 3 };
        let added = |sessions| UpstreamState { name: None, state: "idle", sessions };
        let text = metrics.text(SessionCounts { websocket: 2, http: 1, waiting: 0 }, &[files, added(1), added(4)]);
        for line in [
            "sessile_sessions{transport=\"websocket\"} 2",
            "sessile_sessions{transport=\"http\"} 1",
            "sessile_calls_total{upstream=\"builtin\",outcome=\"ok\"} 1",
            "sessile_calls_total{upstream=\"builtin\",outcome=\"not_found\"} 1",
            "sessile_calls_total{upstream=\"files\",outcome=\"timed_out\"} 1",
            "sessile_calls_total{upstream=\"added\",outcome=\"ok\"} 1",
            "sessile_call_duration_seconds_bucket{le=\"0.0001\",upstream=\"builtin\"} 2",
            "sessile_call_duration_seconds_count{upstream=\"files\"} 1",
            "sessile_sign_ins_total{strategy=\"password\",outcome=\"invalid_credentials\"} 1",
            "sessile_limits_hit_total{limit=\"limits.max_sessions\"} 1",
            "sessile_upstream_sessions{upstream=\"files\"} 3",
            "sessile_upstream_sessions{upstream=\"added\"} 5",
            "sessile_upstream_state{upstream=\"files\",state=\"open\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        assert!(text.contains("process_start_time_seconds 1"), "{text}");
        // Another server's are its own.
        assert!(!Metrics::new().text(SessionCounts::default(), &[]).contains("files"));
    }
}
