//! `sessile connect`.

use super::target::{Destination, Target};
use super::{runtime_of_one_thread, wrong};
use crate::client::{BridgeOptions, Verbosity, bridge};
use crate::error::{Error, Result};
use clap::{ArgAction, Args};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Be an MCP server on standard input and output that is a gateway elsewhere
///
/// Each line that comes goes to the gateway as a message, over one WebSocket, and each message that it sends becomes a
/// line. When the connection is lost, the session goes on over another one.
///
/// The bridge connects with the API key or the access token in the environment variable SESSILE_TOKEN, or with the key
/// that `sessile login` has kept. Without one, whoever speaks signs in with the tool auth_sign_in.
#[derive(Debug, Args)]
pub(super) struct Connect {
    #[command(flatten)]
    target: Target,

    /// How long a request waits for a connection before it gets an error
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, value_parser = seconds)]
    wait: f64,

    /// How long a request may take in all; 0 for as long as it takes
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0, value_parser = seconds)]
    call_timeout: f64,

    /// After what silence the gateway is asked whether it is still there
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = seconds)]
    ping_after: f64,

    /// Say on standard error only what somebody has to do something about
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Tell of each attempt to connect as well
    #[arg(short, long, action = ArgAction::SetTrue)]
    verbose: bool,
}

impl Connect {
    pub(super) fn run(self) -> Result<()> {
        let target = self.target;
        let Destination { url, token, .. } = target.resolve().map_err(wrong)?;
        let options = BridgeOptions {
            url,
            token,
            // Somebody may have signed in meanwhile.
            other_token: Box::new(move || target.resolve().ok()?.token),
            wait: Duration::from_secs_f64(self.wait),
            call_timeout: (self.call_timeout > 0.0).then(|| Duration::from_secs_f64(self.call_timeout)),
            silence: Duration::from_secs_f64(self.ping_after.max(0.1)),
            verbosity: match (self.quiet, self.verbose) {
                (true, _) => Verbosity::Quiet,
                (false, false) => Verbosity::Normal,
                (false, true) => Verbosity::Verbose,
            },
        };
        runtime_of_one_thread()?.block_on(async {
            let told = told()?;
            bridge(options, told).await;
            Ok(())
        })
    }
}

/// Done when the process is asked to end.
fn told() -> Result<impl Future<Output = ()>> {
    let listen = |kind| signal(kind).map_err(|error| Error::internal("listening for signals", error));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Reads a number of seconds, which may have a fraction.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=1e6).contains(&seconds) => Ok(seconds),
        _ => Err("it is no number of seconds".into()),
    }
}
