//! The listener: accepts connections, routes HTTP, upgrades to WebSocket, drains.

mod auth_api;
mod builder;
mod cors;
mod credential;
mod forwarded;
mod http;
mod listener;
mod metrics;
mod openapi;
mod origin;
mod room;
mod status;
mod tls;
mod upstreams;
mod well_known;

pub use builder::Builder;

use crate::error::Result;
use crate::mcp::{ACCOUNT_INSTRUCTIONS, Dispatcher, INSTRUCTIONS, Registry};
use crate::session::{Announcer, SessionLimits, SessionManager};
use crate::store::{Store, StoreOptions};
use crate::tenancy::{MasterKeySource, Quotas};
use crate::tools::Crm;
use crate::transport::http::{Attendance, Endpoint};
use crate::upstream::{Definition, OwnUpstreams, Upstreams};
use crate::{auth, tools};
use origin::Gate;
use room::Room;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tls::Tls;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use forwarded::TrustedProxies;
pub use listener::Listener;
pub(crate) use origin::{allowed_host, public_url};
pub use tls::TlsOptions;
pub use upstreams::UpstreamTables;

/// What a server is made of.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The database.
    pub store: StoreOptions,
    /// Access and refresh tokens.
    pub tokens: TokenSettings,
    /// Issuers whose tokens are accepted as well.
    pub oidc: Vec<auth::OidcOptions>,
    /// The cost of passwords.
    pub password: auth::PasswordOptions,
    /// How failed sign-ins are slowed down.
    pub throttle: auth::ThrottleOptions,
    /// How much a tenant may have.
    pub quotas: Quotas,
    /// Where the key is that seals credentials.
    pub master_key: MasterKeySource,
    /// What tenants may add themselves.
    pub own_upstreams: OwnUpstreams,
    /// The bounds of sessions.
    pub sessions: SessionLimits,
    /// How long a request may take to arrive on a new connection.
    pub handshake: Duration,
    /// How long calls in flight may take to finish when the server shuts down.
    pub drain: Duration,
    /// Web origins that may connect, besides the server's own.
    pub allowed_origins: Vec<String>,
    /// The URL at which clients reach the server, such as `https://crm.example.com`; without a path.
    pub public_url: Option<String>,
    /// Host names that the server answers to, besides its own address and the public URL's.
    pub allowed_hosts: Vec<String>,
    /// The proxies that are believed when they say which address a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// The certificate, where connections are encrypted.
    pub tls: Option<TlsOptions>,
    /// Whether [`Server::new`] serves the built-in CRM: its tools, resources and prompts.
    pub crm: bool,
    /// MCP servers behind this one, at the start.
    pub upstreams: Vec<Definition>,
    /// Where metrics can be read, and nothing else.
    pub metrics: Option<SocketAddr>,
}

/// Access and refresh tokens, as they are set.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Their issuer; the server's public URL unless set.
    pub issuer: Option<String>,
    /// Their audience; the issuer's `/mcp` unless set.
    pub audience: Option<String>,
    /// How long an access token is good.
    pub access: Duration,
    /// How long a refresh token is good.
    pub refresh: Duration,
    /// How old a signing key gets.
    pub rotate: Duration,
}

/// A server that is ready to serve.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    dispatcher: Arc<Dispatcher>,
    store: Store,
    tasks: TaskTracker,
    gateway: Arc<Upstreams>,
    closing: CancellationToken,
    tls: Option<Arc<Tls>>,
    gate: Gate,
    tables: UpstreamTables,
    metrics: Option<metrics::Listener>,
}

impl ServerOptions {
    /// Where clients reach the server, without a slash at the end.
    pub(crate) fn public_url(&self) -> &str {
        self.public_url.as_deref().unwrap_or("http://127.0.0.1:7400").trim_end_matches('/')
    }

    fn token_options(&self) -> auth::TokenOptions {
        let TokenSettings { issuer, audience, access, refresh, rotate } = self.tokens.clone();
        let issuer = issuer.unwrap_or_else(|| self.public_url().to_owned());
        let audience = audience.unwrap_or_else(|| format!("{issuer}/mcp"));
        auth::TokenOptions { issuer, audience, access, refresh, rotate }
    }
}

impl Server {
    /// Opens the database and puts the parts together, with the built-in tools.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) when an option can't be used.
    pub fn new(options: ServerOptions) -> Result<Self> {
        let tools = if options.crm { tools::all() } else { tools::accounts() };
        Self::with_tools(options, tools)
    }

    /// The same with other tools beside the CRM's resources and prompts.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) when an option can't be used or two tools share a name.
    pub fn with_tools(options: ServerOptions, tools: Vec<tools::Tool>) -> Result<Self> {
        let crm = options.crm;
        let builder = Self::builder(options).tools(tools);
        if !crm {
            return builder.instructions(ACCOUNT_INSTRUCTIONS).build();
        }
        builder.resources(Crm).prompts(Crm).completions(Crm).instructions(INSTRUCTIONS).build()
    }

    /// Finds the mistakes in options that can be found without the database, which another process may still serve.
    ///
    /// # Errors
    /// As for [`Server::new`].
    pub fn check(options: &ServerOptions) -> Result<()> {
        Gate::new(options)?;
        options.tls.clone().map(Tls::load).transpose()?;
        let tools = if options.crm { tools::all() } else { tools::accounts() };
        UpstreamTables::new(options.upstreams.clone(), &Registry::new(tools)?)?;
        options.master_key.load().map(drop)
    }

    /// A server that has nothing yet.
    pub fn builder(options: ServerOptions) -> Builder {
        Builder::new(options)
    }

    /// What tells clients of changes.
    #[must_use]
    pub fn announcer(&self) -> Announcer {
        Announcer::new(Arc::clone(self.dispatcher.manager()))
    }

    /// What serves the messages.
    #[must_use]
    pub fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
    }

    /// Where metrics can be read once it runs.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.address()
    }

    /// Whether connections are encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// The upstreams that are configured, to be replaced while it runs.
    #[must_use]
    pub fn upstreams(&self) -> &UpstreamTables {
        &self.tables
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Serves until `shutdown` is done, and then drains: no new connection, calls in flight
    /// finish, sockets close.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the listener can't say where it listens.
    pub async fn run(mut self, listener: impl Into<Listener>, shutdown: impl Future<Output = ()>) -> Result<()> {
        let listener = listener.into();
        let address = listener.address()?;
        let (endpoint, attendance) = self.endpoint();
        let attend = Arc::clone(&endpoint).attend(attendance, self.closing.clone(), self.options.drain);
        self.tasks.spawn(attend);
        let router = Arc::new(http::Router::new(&self, endpoint, address));
        let sessions = &self.options.sessions;
        let room = Room::new(sessions.max_sessions, sessions.max_sessions_per_address);
        if let Some(metrics) = self.metrics.take() {
            self.tasks.spawn(metrics.serve(&self)?);
        }
        if let Some(tls) = &self.tls {
            self.tasks.spawn(Arc::clone(tls).keep_fresh(self.closing.clone().cancelled_owned()));
        }
        self.tasks.spawn(Arc::clone(&self.gateway).tend(self.closing.clone()));
        self.tasks.spawn(upstreams::follow(Arc::clone(&self.gateway), &self.tables, self.closing.clone()));
        self.tasks.spawn(tend(Arc::clone(self.dispatcher.manager()), self.closing.clone()));
        listener.take();
        self.accept(&listener, &router, &room, shutdown).await;
        if let (Some(latecomers), listener) = listener.pass_on() {
            tracing::info!("passing the address on");
            let latecomers = tokio::time::sleep(latecomers);
            match listener {
                Some(listener) => self.accept(&listener, &router, &room, latecomers).await,
                None => latecomers.await,
            }
        }
        self.drain().await;
        Ok(())
    }

    /// Serves connections that come until this is done.
    async fn accept(
        &self,
        listener: &Listener,
        router: &Arc<http::Router>,
        room: &Room,
        until: impl Future<Output = ()>,
    ) {
        let mut until = pin!(until);
        loop {
            let permit = tokio::select! {
                permit = room.wait() => permit,
                () = &mut until => return,
            };
            let Some(permit) = permit else { return };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut until => return,
            };
            match accepted {
                Ok((stream, peer)) => match room.take(permit, self.counted(peer)) {
                    Some(place) => drop(self.tasks.spawn(http::serve(Arc::clone(router), stream, peer, place))),
                    None => {
                        tracing::warn!(peer = %peer.ip(), "closed a connection: there are too many from its address")
                    }
                },
                Err(error) => {
                    // Out of descriptors, most likely: some come free as connections end.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// What serves MCP in HTTP requests.
    fn endpoint(&self) -> (Arc<Endpoint>, Attendance) {
        Endpoint::new(
            Arc::clone(&self.dispatcher),
            self.tasks.clone(),
            self.options.handshake,
            !self.options.oidc.is_empty(),
        )
    }

    /// The address to count a connection by: who comes through a trusted proxy is counted when the
    /// request says who that is.
    fn counted(&self, peer: SocketAddr) -> Option<IpAddr> {
        Some(peer.ip()).filter(|address| !self.options.trusted_proxies.contains(*address))
    }

    async fn drain(&self) {
        let manager = self.dispatcher.manager();
        tracing::info!(sessions = manager.counts()[0], "draining");
        manager.drain();
        self.closing.cancel();
        self.tasks.close();
        // The sessions bound their own ends; this bounds whatever else there is.
        let bound = self.options.drain + self.options.handshake.min(Duration::from_secs(5));
        if tokio::time::timeout(bound, self.tasks.wait()).await.is_err() {
            tracing::warn!(connections = self.tasks.len(), "gave up waiting for connections to close");
        }
    }
}

/// Looks after what the strategies keep, until the server closes.
async fn tend(manager: Arc<SessionManager>, closing: CancellationToken) {
    loop {
        manager.strategies().tend().await;
        tokio::select! {
            () = tokio::time::sleep(auth::LOOK_EVERY) => {}
            () = closing.cancelled() => return,
        }
    }
}

fn prepare(stream: &TcpStream, peer: SocketAddr) {
    // Answers are small and people wait for them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "could not set TCP_NODELAY");
    }
}
