//! The real server, in this process, on a free port and over a database in a directory of its own.

use super::admin::{Outcome, admin};
use super::ways::Voucher;
use super::{Client, Credential, HttpClient, PATIENCE, Way, soon};
use serde_json::{Value as Json, json};
use sessile::auth::PasswordOptions;
use sessile::config::Config;
use sessile::mcp::Dispatcher;
use sessile::server::{Server, ServerOptions, UpstreamTables};
use sessile::session::{RateOptions, SessionManager};
use sessile::store::{Event, Store, Value, Write};
use sessile::tenancy::{MasterKeySource, Principal, SessionId};
use sessile::tools::{self, Tool};
use sessile::wire::Era;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
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
    upstreams: UpstreamTables,
    /// How people come in.
    way: Way,
    voucher: Option<Arc<Voucher>>,
    shutdown: Option<oneshot::Sender<()>>,
    running: JoinHandle<sessile::error::Result<()>>,
    /// Gone with the server, and the database with it.
    directory: TempDir,
}

impl TestServer {
    /// A server with the built-in tools and passwords that cost next to nothing.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, into which people come in some way.
    pub(crate) async fn over(way: Way, change: impl FnOnce(&mut ServerOptions)) -> Self {
        let voucher = match way {
            Way::Bearer(_, Credential::External) => Some(Arc::new(Voucher::start().await)),
            _ => None,
        };
        let with_issuer = |options: &mut ServerOptions| {
            options.oidc.extend(voucher.as_ref().map(|voucher| voucher.options()));
            change(options);
        };
        Self { way, ..Self::with(with_issuer).await }.vouched_for_by(voucher)
    }

    /// The same with other options.
    pub(crate) async fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        Self::with_tools(Vec::new(), change).await
    }

    /// The same with tools besides the built-in ones.
    pub(crate) async fn with_tools(more: Vec<Tool>, change: impl FnOnce(&mut ServerOptions)) -> Self {
        let tools = tools::all().into_iter().chain(more).collect();
        Self::made(change, |options| Server::with_tools(options, tools)).await
    }

    /// One with tools besides the built-in ones that listens here.
    pub(crate) async fn on(listener: TcpListener, more: Vec<Tool>) -> Self {
        let tools = tools::all().into_iter().chain(more).collect();
        Self::made_on(listener, |_| {}, |options| Server::with_tools(options, tools)).await
    }

    /// Any other server.
    pub(crate) async fn made(
        change: impl FnOnce(&mut ServerOptions),
        make: impl FnOnce(ServerOptions) -> sessile::error::Result<Server>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        Self::made_on(listener, change, make).await
    }

    async fn made_on(
        listener: TcpListener,
        change: impl FnOnce(&mut ServerOptions),
        make: impl FnOnce(ServerOptions) -> sessile::error::Result<Server>,
    ) -> Self {
        let directory = tempfile::tempdir().expect("there is room for a database");
        let mut options = options(directory.path());
        change(&mut options);
        let server = make(options).expect("the options are good ones");
        let manager = Arc::clone(server.dispatcher().manager());
        let (dispatcher, store) = (Arc::clone(server.dispatcher()), server.store().clone());
        let upstreams = server.upstreams().clone();
        let address = listener.local_addr().expect("a listener has an address");
        let (shutdown, told) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let told = async {
                // Gone without a word says the same.
                let _ = told.await;
            };
            server.run(listener, told).await
        });
        Self {
            address,
            manager,
            dispatcher,
            store,
            upstreams,
            way: Way::SignIn,
            voucher: None,
            shutdown: Some(shutdown),
            running,
            directory,
        }
    }

    fn vouched_for_by(mut self, voucher: Option<Arc<Voucher>>) -> Self {
        self.voucher = voucher;
        self
    }

    /// How people come in.
    pub(crate) fn way(&self) -> Way {
        self.way
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file of its database.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("sessile.db")
    }

    /// What `sessile admin` does with its database.
    pub(crate) async fn admin(&self, arguments: &[&str]) -> Outcome {
        admin(&self.database(), arguments).await
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
        Client::connect_by(self.way, self.address, era, None).await.vouched_for(self.voucher.clone())
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

    /// The same by a client that says what it can be asked for.
    pub(crate) async fn sign_up_able(&self, name: &str, capabilities: serde_json::Value) -> Client {
        let mut client = self.connect().await;
        client.initialize_with("2025-11-25", capabilities).await;
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

    /// The upstreams that are configured.
    pub(crate) fn upstreams(&self) -> &UpstreamTables {
        &self.upstreams
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
        guest.join(name, &invited["code"]).await;
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
        assert_eq!(self.manager.counts(), [0; 6], "something is left of a connection");
    }
}

/// The master key of every test server.
pub(crate) const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A master key as if from the environment.
pub(crate) fn master_key(key: &str) -> MasterKeySource {
    MasterKeySource { given: Some(key.to_owned().into()), file: None }
}

/// What every test starts from.
pub(crate) fn options(directory: &Path) -> ServerOptions {
    let mut options = Config::default().server;
    options.store.url = format!("sqlite:{}", directory.join("sessile.db").display());
    options.password = PasswordOptions { memory_kib: 8, iterations: 1, ..options.password };
    options.drain = PATIENCE;
    options.master_key = master_key(MASTER_KEY);
    // Tests are faster than any client should be.
    options.sessions.rates = RateOptions { principal_per_second: 0, tenant_per_second: 0, address_per_second: 0 };
    options
}
