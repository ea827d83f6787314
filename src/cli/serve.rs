//! `sessile serve`.

use super::log;
use crate::config::{Config, Reload};
use crate::demo;
use crate::error::{Error, Result};
use crate::observe::Traces;
use crate::server::{Listener, Server};
use crate::store::Store;
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often to look whether the configuration's file has changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Settings come from the flags, else from SESSILE_… variables, else from the file.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port to listen on [default: 127.0.0.1:7400] [env: SESSILE_LISTEN]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,

    /// The database, as sqlite:PATH [default: sqlite:sessile.db] [env: SESSILE_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,

    /// Take the place of a process that serves the database: share its port, and wait so long for it to end
    /// [default: 0, which does not wait] [env: SESSILE_TAKE_OVER_SECONDS]
    #[arg(long, value_name = "SECONDS")]
    take_over_seconds: Option<String>,

    /// The TLS certificate and its chain, as PEM; read again when it changes [env: SESSILE_TLS_CERT]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,

    /// The certificate's private key, as PEM [env: SESSILE_TLS_KEY]
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,

    /// The configuration file [default: sessile.toml, if there is one] [env: SESSILE_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// How log lines look, on standard error: text or json [default: text] [env: SESSILE_LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,

    /// Fill an empty database with a tenant of believable data, and print how to sign in to it
    #[arg(long)]
    demo: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<()> {
        let environment = |name: &str| std::env::var(name).ok();
        let flags: Vec<_> = [
            ("listen", &self.listen),
            ("database_url", &self.database_url),
            ("take_over_seconds", &self.take_over_seconds),
            ("tls.cert", &self.tls_cert),
            ("tls.key", &self.tls_key),
            ("log_format", &self.log_format),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.clone()?)))
        .collect();
        let file = self.config.clone().or_else(|| environment("SESSILE_CONFIG").map(PathBuf::from));
        let config = Config::load(file.as_deref(), &flags, environment)?;
        runtime()?.block_on(async {
            let traces = config.otlp_endpoint.as_deref().map(Traces::to).transpose()?;
            log::to_stderr(config.log_format, traces.as_ref());
            allow_open_files(config.server.sessions.max_sessions);
            let (mut shutdown, reload_asked) = (pin!(shutdown_signal()?), hang_up_signal()?);
            let (server, listener) = tokio::select! {
                prepared = prepare(&config) => prepared?,
                () = shutdown.as_mut() => return Ok(()),
            };
            let reload = Reload::new(config, file.as_deref(), flags, environment, server.upstreams().clone());
            let served = serve(server, listener, (reload, reload_asked), shutdown, self.demo).await;
            if let Some(traces) = traces {
                traces.finish().await;
            }
            served
        })
    }
}

/// Has the system let us open as many files as there may be sessions, which is often more than its
/// default, as far as it may.
fn allow_open_files(sessions: usize) {
    // Besides its sessions' sockets, the server has the database's files, the listener and some more.
    let wanted = sessions as u64 + 256;
    match rlimit::increase_nofile_limit(wanted) {
        Ok(allowed) if allowed < wanted => {
            tracing::warn!(
                allowed,
                wanted,
                "the system allows fewer open files than there may be sessions; see `ulimit -n`"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "could not raise the limit of open files"),
    }
}

/// A runtime with as many threads as there are cores; on one core, one without the cost of handing
/// tasks around.
fn runtime() -> Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = if cores == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.enable_all().build().map_err(|e| Error::internal("starting the runtime", e))
}

/// The server, and what it is to listen with.
///
/// What can be wrong is found before another process is waited for: who stops that one can rely on this one.
async fn prepare(config: &Config) -> Result<(Server, Listener)> {
    let (takes_over, database) = (!config.take_over.is_zero(), &config.server.store);
    if takes_over {
        Server::check(&config.server)?;
    }
    let listener = match Listener::inherited()? {
        Some(listener) => listener,
        None if takes_over => Listener::shared(&config.listen, Store::is_served(database)?).await?,
        None => Listener::alone(&config.listen).await?,
    };
    let address = listener.address()?;
    if takes_over {
        Store::until_free(database, config.take_over).await?;
    }
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let mut options = config.server.clone();
    if options.public_url.is_none() {
        options.tokens.issuer.get_or_insert_with(|| format!("{scheme}://{address}"));
    }
    Ok((Server::new(options)?, listener))
}

async fn serve(
    server: Server,
    listener: Listener,
    (reload, mut asked): (Reload, Signal),
    shutdown: Pin<&mut impl Future<Output = ()>>,
    demo: bool,
) -> Result<()> {
    let address = listener.address()?;
    let scheme = if server.is_encrypted() { "wss" } else { "ws" };
    let demo = if demo { Some(demo::prepare(server.dispatcher().manager()).await?) } else { None };
    let url = format!("{scheme}://{address}/mcp");
    if let Some(metrics) = server.metrics_address() {
        tracing::info!(url = format!("http://{metrics}/metrics"), "metrics can be read");
    }
    announce(&format!("sessile listening on {url}"));
    if let Some(demo) = demo {
        announce(&demo.text(&url));
    }
    let reloading = reload.run(LOOK_EVERY, async || {
        asked.recv().await;
    });
    tokio::select! {
        ended = server.run(listener, shutdown) => ended,
        () = reloading => Ok(()),
    }
}

/// Says it on standard output, for people and for scripts that wait for it.
fn announce(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever started us may not listen; that is no reason to stop.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// What is asked to read the configuration again.
fn hang_up_signal() -> Result<Signal> {
    signal(SignalKind::hangup()).map_err(|e| Error::internal("listening for signals", e))
}

/// Done when the process is asked to stop.
fn shutdown_signal() -> Result<impl Future<Output = ()>> {
    let listen = |kind| signal(kind).map_err(|e| Error::internal("listening for signals", e));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
