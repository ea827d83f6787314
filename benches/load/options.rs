//! The command line, and what `--quick` makes shorter.

use std::net::SocketAddr;
use std::time::Duration;

/// Measure Sessile over loopback, against a bare WebSocket echo, an HTTP server on rmcp and an upstream of its own.
#[derive(Debug, clap::Parser)]
pub(crate) struct Options {
    /// Short rounds and few sessions: a smoke test whose figures are not worth quoting.
    #[arg(long)]
    pub(crate) quick: bool,

    /// Measure only the calls whose tool name contains this text.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) only: String,

    /// Leave out the calls over WebSocket.
    #[arg(long)]
    pub(crate) only_http: bool,

    /// Measure only calls on their way to an upstream.
    #[arg(long)]
    pub(crate) only_proxy: bool,

    /// Measure only calls through `sessile connect`.
    #[arg(long)]
    pub(crate) only_bridge: bool,

    /// Leave out the memory of idle sessions.
    #[arg(long)]
    pub(crate) no_memory: bool,

    /// Be the echo server; this is how the benchmark starts its own yardstick.
    #[arg(long, hide = true)]
    pub(crate) echo_server: bool,

    /// Be the HTTP part's yardstick.
    #[arg(long, hide = true)]
    pub(crate) rmcp_server: bool,

    /// Be an upstream on standard input and output.
    #[arg(long, hide = true)]
    pub(crate) upstream_stdio: bool,

    /// Be an upstream over HTTP.
    #[arg(long, hide = true)]
    pub(crate) upstream_http: bool,

    /// Carry bytes between connections and the upstream there.
    #[arg(long, hide = true, value_name = "ADDRESS")]
    pub(crate) relay_to: Option<SocketAddr>,

    /// Pass HTTP requests on to the upstream there.
    #[arg(long, hide = true, value_name = "ADDRESS")]
    pub(crate) forward_to: Option<SocketAddr>,

    /// Carry bytes between a connection and an upstream on standard input and output.
    #[arg(long, hide = true)]
    pub(crate) relay_to_child: bool,

    /// Cargo passes this to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// How often the two servers take turns in a cell; odd, so that there is a median.
    pub(crate) const ROUNDS: usize = 5;

    /// Connections that call at the same time.
    pub(crate) const CONNECTIONS: u32 = 50;

    /// How long one server is measured before the other has its turn.
    pub(crate) fn round(&self) -> Duration {
        Duration::from_millis(if self.quick { 300 } else { 2_000 })
    }

    /// The same where more is measured side by side.
    pub(crate) fn short_round(&self) -> Duration {
        self.round() / 2
    }

    /// How long each server is driven before its first round of a cell, uncounted.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_millis(if self.quick { 100 } else { 500 })
    }

    /// Idle sessions whose memory is measured.
    pub(crate) fn sessions(&self) -> u32 {
        if self.quick { 500 } else { 5_000 }
    }
}
