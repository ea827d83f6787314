//! Load over loopback: what a call costs beside a bare WebSocket echo, what one costs on its way to an
//! upstream, and what an idle session weighs.
//!
//! ```text
//! cargo bench --bench load                    # about ten minutes
//! cargo bench --bench load -- --quick         # about half a minute, for a smoke test
//! cargo bench --bench load -- --only whoami --no-memory
//! ```
//!
//! The yardstick is an echo server on tokio-tungstenite: the least that a WebSocket server built on it
//! can cost. It gets the same request bytes, on the same core, in turns with Sessile, so that a noisy
//! machine disturbs both alike; what is reported of several pairs of rounds is the pair with the median
//! ratio. Both servers are pinned to one core and the generator to another. The loop is closed: a
//! request is sent when a response has made room for it.

#[cfg(target_os = "linux")]
#[path = "load/mod.rs"]
mod load;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    load::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("The load benchmark pins cores and reads /proc, so it runs on Linux only.");
}
