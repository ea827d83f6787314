//! The real server, in this process, on a free port and over a database in a directory of its own.

use super::{Client, HttpClient, PATIENCE, soon};
use serde_json::{Value as Json, json};
use sessile::auth::PasswordOptions;
use sessile::config::Config;
use sessile::mcp::Dispatcher;
use sessile::server::{Server, ServerOptions};
use sessile::session::SessionManager;
use sessile::store::{Event, Store, Value, Write};
use sessile::tenancy::{Principal, SessionId};
use sessile::tools::{self, Tool};
use sessile::wire::Era;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running server. Dropped, it is told to stop; [`TestServer::stop`] also waits for it.
pub(crate) struct TestServer {
    address: SocketAddr,
    manager: Arc<SessionManager>,
    dispatcher: Arc<Dispatcher>,
    store: Store,
    shutdown: Option<oneshot::Sender<()>>,
    running: JoinHandle<sessile::error::Result<()>>,
    /// Gone with the server, and the database with it.
    _directory: TempDir,
}

impl TestServer {
    /// A server with the built-in tools and passwords that cost next to nothing.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with other options.
    pub(crate) async fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        Self::with_tools(Vec::new(), change).await
    }

    /// The same with tools besides the built-in ones.
    pub(crate) async fn with_tools(more: Vec<Tool>, change: impl FnOnce(&mut ServerOptions)) -> Self {
        let directory = tempfile::tempdir().expect("there is room for a database");
        let mut options = options(directory.path());
        change(&mut options);
        let tools = tools::all().into_iter().chain(more).collect();
        let server = Server::with_tools(options, tools).expect("the options are good ones");
        let manager = Arc::clone(server.dispatcher().manager());
        let (dispatcher, store) = (Arc::clone(server.dispatcher()), server.store().clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (shutdown, told) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let told = async {
                // Gone without a word says the same.
                let _ = told.await;
            };
            server.run(listener, told).await
        });
        Self { address, manager, dispatcher, store, shutdown: Some(shutdown), running, _directory: directory }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn manager(&self) -> &Arc<SessionManager> {
        &self.manager
    }

    /// A client that has said nothing yet, and speaks the legacy era.
    pub(crate) async fn connect(&self) -> Client {
        self.connect_in(Era::Legacy).await
    }

    /// A client that has said nothing yet.
    pub(crate) async fn connect_in(&self, era: Era) -> Client {
        Client::connect(self.address, era).await
    }

    /// A client of the HTTP side that has said nothing yet.
    pub(crate) fn http(&self, era: Era) -> HttpClient {
        HttpClient::new(self.address, era)
    }

    /// The same of somebody who has just signed up.
    pub(crate) async fn http_sign_up(&self, era: Era, name: &str) -> HttpClient {
        let mut client = self.http(era);
        client.sign_up(name).await;
        client
    }

    /// A client that has just signed up as the owner of a new tenant, both called after `name`.
    pub(crate) async fn sign_up(&self, name: &str) -> Client {
        self.sign_up_in(Era::Legacy, name).await
    }

    /// The same in either era.
    pub(crate) async fn sign_up_in(&self, era: Era, name: &str) -> Client {
        let mut client = self.connect_in(era).await;
        client.sign_up(name).await;
        client
    }

    /// One more client that is signed in as somebody who has signed up.
    pub(crate) async fn sign_in(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.sign_in(name).await;
        client
    }

    /// A client that shows a token when it connects.
    pub(crate) async fn connect_by(&self, token: &str) -> Client {
        let bearer = format!("Bearer {token}");
        Client::connect_with(self.address, Era::Legacy, &[("Authorization", &bearer)]).await
    }

    /// Who is signed in on a client's connection.
    pub(crate) async fn principal(&self, client: &mut Client) -> Principal {
        let whoami = client.tool("auth_whoami", json!({})).await;
        let id = whoami["session_id"].as_str().and_then(SessionId::parse).expect("an id");
        self.manager.signed_in(id).expect("somebody is signed in").1
    }

    /// Access and refresh tokens of whoever is signed in on a client's connection.
    pub(crate) async fn tokens(&self, client: &mut Client) -> Json {
        let principal = self.principal(client).await;
        let tokens = self.manager.strategies().tokens.issue(&principal).await.expect("they are issued");
        serde_json::to_value(tokens).expect("tokens can be written")
    }

    /// What serves the messages.
    pub(crate) fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
    }

    /// The database.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Runs a statement as whoever runs the server would, and tells of the user whom it concerns.
    pub(crate) async fn administer(&self, sql: &'static str, id: &Json, user: &Json) {
        let uuid = |id: &Json| id.as_str().expect("an id").parse().expect("a UUID");
        let write = Write::new().run(sql, vec![Value::from(uuid(id))]).tell(Event::User { user: uuid(user) });
        self.store.write(write).await.expect("the statement runs");
    }

    /// A client of somebody who has just signed up and joined the host's tenant, in which it works.
    pub(crate) async fn join(&self, host: &mut Client, name: &str, role: &str) -> Client {
        let invited = host.tool("tenant_invite", json!({ "role": role })).await;
        let mut guest = self.sign_up(name).await;
        guest.tool("tenant_join", json!({ "code": invited["code"] })).await;
        guest.forget().await;
        guest
    }

    /// Tells the server to stop and does not wait for it.
    pub(crate) fn begin_to_stop(&mut self) {
        drop(self.shutdown.take());
    }

    /// Stops the server, and looks whether all that belonged to its connections is gone.
    pub(crate) async fn stop(mut self) {
        self.begin_to_stop();
        soon("the server to stop", &mut self.running).await.expect("it does not panic").expect("it stops cleanly");
        assert_eq!(self.manager.counts(), [0; 5], "something is left of a connection");
    }
}

/// What every test starts from.
fn options(directory: &Path) -> ServerOptions {
    let mut options = Config::default().server;
    options.store.url = format!("sqlite:{}", directory.join("sessile.db").display());
    options.password = PasswordOptions { memory_kib: 8, iterations: 1, ..options.password };
    options.drain = PATIENCE;
    options
}
