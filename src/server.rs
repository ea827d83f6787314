//! The listener: accepts connections, routes HTTP, upgrades to WebSocket, drains.

mod http;
mod room;

use crate::error::{Error, Result};
use crate::mcp::{Dispatcher, Registry};
use crate::session::{SessionLimits, SessionManager};
use crate::store::{Store, StoreOptions};
use crate::tenancy::{Authority, Quotas};
use crate::{auth, tools};
use room::Room;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a server is made of.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The database.
    pub store: StoreOptions,
    /// The cost of passwords.
    pub password: auth::PasswordOptions,
    /// How failed sign-ins are slowed down.
    pub throttle: auth::ThrottleOptions,
    /// How much a tenant may have.
    pub quotas: Quotas,
    /// The bounds of sessions.
    pub sessions: SessionLimits,
    /// How long a request may take to arrive on a new connection.
    pub handshake: Duration,
    /// How long calls in flight may take to finish when the server shuts down.
    pub drain: Duration,
    /// Web origins that may connect, besides the server's own.
    pub allowed_origins: Vec<String>,
}

/// A server that is ready to serve.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    dispatcher: Arc<Dispatcher>,
    store: Store,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl Server {
    /// Opens the database and puts the parts together, with the built-in tools.
    ///
    /// # Errors
    /// [`Error::Config`] when an option can't be used.
    pub fn new(options: ServerOptions) -> Result<Self> {
        Self::with_tools(options, tools::all())
    }

    /// The same with other tools.
    ///
    /// # Errors
    /// [`Error::Config`] when an option can't be used or two tools share a name.
    pub fn with_tools(options: ServerOptions, tools: Vec<tools::Tool>) -> Result<Self> {
        let store = Store::open_exclusively(&options.store)?;
        let authority = Authority::new(store.clone(), options.quotas);
        let passwords = auth::PasswordStrategy::new(authority.clone(), options.password, options.throttle)?;
        let manager = Arc::new(SessionManager::new(options.sessions.clone(), authority, passwords));
        let dispatcher = Dispatcher::new(manager, Registry::new(tools)?);
        Ok(Self { options, dispatcher, store, tasks: TaskTracker::new(), closing: CancellationToken::new() })
    }

    /// What serves the messages.
    #[must_use]
    pub fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
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
    /// [`Error::Internal`] when the listener can't say where it listens.
    pub async fn run(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<()> {
        let address = listener.local_addr().map_err(|e| Error::internal("listening", e))?;
        let router = Arc::new(http::Router::new(&self, address));
        let sessions = &self.options.sessions;
        let room = Room::new(sessions.max_sessions, sessions.max_sessions_per_address);
        let mut shutdown = pin!(shutdown);
        loop {
            let permit = tokio::select! {
                permit = room.wait() => permit,
                () = &mut shutdown => break,
            };
            let Some(permit) = permit else { break };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, peer)) => match room.take(permit, peer.ip()) {
                    Some(place) => drop(self.tasks.spawn(http::serve(Arc::clone(&router), stream, peer, place))),
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
        drop(listener);
        self.drain().await;
        Ok(())
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

fn prepare(stream: &TcpStream, peer: SocketAddr) {
    // Answers are small and people wait for them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "could not set TCP_NODELAY");
    }
}
