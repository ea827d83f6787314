//! Sign in once, then work without a token: a Rust client to start from.
//!
//! ```text
//! sessile serve                                                      # in one terminal
//! cargo run --example sign_in_once -- ws://127.0.0.1:7400/mcp        # in another
//! ```
//!
//! Ann and Eve work at two companies and use the same server. Each signs up once, by calling a
//! tool, and from then on her *connection* says who she is: no later call carries a token, a user
//! or a tenant. Ann hears of a change that she makes on a second connection; Eve sees none of it.
//!
//! Read [`tell`] for the story, [`Client`] for what a program needs to speak MCP to Sessile, and
//! [`WebSocket`] for the one piece that rmcp leaves to its users, a transport over WebSocket. If
//! the server does anything else than the story says, the program says what and fails.

use std::{error::Error, io::BufRead, process::ExitCode, sync::Arc, time::Duration};

use clap::{Parser, ValueEnum};
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, RoleClient,
    model::{
        CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, Implementation, ProtocolVersion,
        ResourceUpdatedNotificationParam, ServerNotification, SubscribeRequestParams, SubscriptionFilter,
    },
    service::{NotificationContext, RunningService, RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::{Mutex, mpsc},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, ClientRequestBuilder, Message},
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Signs two companies up on a Sessile server and shows that neither sees the other.
#[derive(Parser)]
struct Options {
    /// The server's address; `sessile serve` prints it when it is ready.
    url: String,
    /// Which of MCP's two lifecycles to speak.
    #[arg(long, value_enum, default_value = "legacy")]
    lifecycle: Lifecycle,
    /// Wait for Enter before the last look, while everyone is still signed in.
    #[arg(long)]
    pause: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Lifecycle {
    /// MCP up to 2025-11-25: an `initialize` handshake, then notifications come unasked.
    Legacy,
    /// MCP 2026-07-28: no handshake, and notifications come on a `subscriptions/listen` stream.
    Modern,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match tell(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Not as expected: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn tell(options: &Options) -> Result<()> {
    // E-mail addresses are unique on a server, so each run of this example invents its own.
    let run = uuid::Uuid::now_v7().simple().to_string();
    let password = format!("a long one, {run}");
    let ann_email = format!("ann-{run}@harbour.example");
    let eve_email = format!("eve-{run}@pine.example");

    println!("Ann connects. Nobody knows her yet:");
    let mut ann = Client::connect(options).await?;
    ann.expect_refusal("crm_contact_list", json!({}), "not_signed_in").await?;

    println!("\nShe signs up, which also signs her connection in:");
    let sign_up = json!({ "email": ann_email, "password": password, "tenant_name": "Harbour" });
    let identity = ann.call("auth_sign_up", sign_up).await?;
    println!("  her role at Harbour: {}", identity["role"]);
    ann.hear(News::ToolsChanged).await?;
    expect_no_token_argument(&ann).await?;

    println!("\nFrom here on her calls say what to do, and never who she is:");
    let mona = ann.call("crm_contact_create", json!({ "name": "Mona Lund" })).await?;
    let mona_id = mona["id"].as_str().ok_or("a contact without an id")?;
    let mona_uri = format!("crm://contacts/{mona_id}");
    println!("  created {} as {mona_uri}", mona["name"]);
    ann.watch(&mona_uri).await?;

    println!("\nOn a second connection Ann signs in, again once, and changes the contact:");
    let mut desk = Client::connect(options).await?;
    let sign_in = json!({ "email": ann_email, "password": password });
    desk.call("auth_sign_in", sign_in).await?;
    desk.hear(News::ToolsChanged).await?;
    // The version says which state of the contact she is changing. Had somebody been faster, the
    // answer would be `conflict`, and nothing would be overwritten.
    let change = json!({ "id": mona_id, "version": mona["version"], "job_title": "Skipper" });
    desk.call("crm_contact_update", change).await?;
    println!("  and the first connection hears of it:");
    ann.hear(News::Updated(mona_uri)).await?;

    println!("\nEve signs up for another company:");
    let mut eve = Client::connect(options).await?;
    let sign_up = json!({ "email": eve_email, "password": password, "tenant_name": "Pine" });
    eve.call("auth_sign_up", sign_up).await?;
    eve.hear(News::ToolsChanged).await?;

    if options.pause {
        println!("\nEveryone is signed in. Press Enter to go on.");
        tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new())).await??;
    }

    println!("\nThe same call, three connections, two companies:");
    ann.expect_contacts("Ann", &["Mona Lund"]).await?;
    desk.expect_contacts("Ann's second", &["Mona Lund"]).await?;
    eve.expect_contacts("Eve", &[]).await?;
    println!("  and to Eve, Mona's id is an id that does not exist:");
    eve.expect_refusal("crm_contact_get", json!({ "id": mona_id }), "not_found").await?;

    println!("\nAnn signs out. Her connection stays open and is a stranger's again:");
    ann.call("auth_sign_out", json!({})).await?;
    ann.hear(News::ToolsChanged).await?;
    ann.expect_refusal("crm_contact_list", json!({}), "not_signed_in").await?;

    for client in [ann, desk, eve] {
        client.mcp.cancel().await?;
    }
    println!("\nAll as expected.");
    Ok(())
}

/// An argument for a token or a tenant would be one that a model could forget, or be talked into.
async fn expect_no_token_argument(client: &Client) -> Result<()> {
    let tools = client.mcp.list_all_tools().await?;
    for tool in &tools {
        let arguments = tool.input_schema.get("properties");
        let forbidden = ["token", "tenant", "tenant_id"]
            .into_iter()
            .find(|name| arguments.is_some_and(|all| all.get(name).is_some()));
        expect(forbidden.is_none(), || format!("{} takes a {forbidden:?}", tool.name))?;
    }
    expect(tools.iter().any(|tool| tool.name == "crm_contact_list"), || {
        "the tools do not include the contacts'".into()
    })?;
    println!("  {} tools, none with a token or tenant argument", tools.len());
    Ok(())
}

/// What a server may tell unasked, in either lifecycle.
#[derive(Debug, PartialEq)]
enum News {
    ToolsChanged,
    Updated(String),
}

/// One connection to Sessile: calls go out, news come in.
struct Client {
    mcp: RunningService<RoleClient, Ears>,
    lifecycle: Lifecycle,
    news: mpsc::UnboundedReceiver<News>,
}

impl Client {
    async fn connect(options: &Options) -> Result<Self> {
        let (heard, news) = mpsc::unbounded_channel();
        let lifecycle = match options.lifecycle {
            Lifecycle::Legacy => ClientLifecycleMode::Initialize,
            Lifecycle::Modern => {
                ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
            }
        };
        let mcp = Ears(heard).serve_with_lifecycle(WebSocket::connect(&options.url).await?, lifecycle).await?;
        let client = Self { mcp, lifecycle: options.lifecycle, news };
        // A modern server says only what was asked for, so ask before there is anything to miss.
        if let Lifecycle::Modern = client.lifecycle {
            let filter = SubscriptionFilter::builder().tools_list_changed();
            client.listen(filter.build()).await?;
        }
        Ok(client)
    }

    /// Calls a tool that is expected to succeed, and gives its structured result.
    async fn call(&self, tool: &'static str, arguments: Value) -> Result<Value> {
        let result = self.call_raw(tool, arguments).await?;
        match result.structured_content {
            Some(content) if result.is_error != Some(true) => Ok(content),
            _ => Err(format!("{tool} was refused: {:?}", result.content).into()),
        }
    }

    /// Calls a tool that is expected to be refused, and compares the reason: the machine-readable
    /// one, which Sessile puts beside the text that a model reads.
    async fn expect_refusal(&self, tool: &'static str, arguments: Value, code: &str) -> Result<()> {
        let result = self.call_raw(tool, arguments).await?;
        let meta = result.meta.unwrap_or_default();
        let given = meta.0.get("dev.sessile/error").map(|error| &error["code"]);
        expect(given == Some(&json!(code)), || format!("{tool} should be refused as {code}, not {given:?}"))?;
        println!("  {tool} is refused: {code}");
        Ok(())
    }

    async fn call_raw(&self, tool: &'static str, arguments: Value) -> Result<CallToolResult> {
        let Value::Object(arguments) = arguments else {
            return Err("a tool's arguments are an object".into());
        };
        let call = CallToolRequestParams::new(tool).with_arguments(arguments);
        Ok(self.mcp.call_tool(call).await?)
    }

    /// Asks to be told when a resource changes, in the way of this client's lifecycle.
    #[expect(deprecated, reason = "the legacy lifecycle has no other way to subscribe")]
    async fn watch(&self, uri: &str) -> Result<()> {
        match self.lifecycle {
            Lifecycle::Legacy => Ok(self.mcp.subscribe(SubscribeRequestParams::new(uri)).await?),
            Lifecycle::Modern => {
                let filter = SubscriptionFilter::builder().resource_subscription(uri);
                self.listen(filter.build()).await
            }
        }
    }

    /// Opens a modern notification stream, and lets what arrives on it go the way of legacy news,
    /// so that the rest of the program need not know which lifecycle this is.
    async fn listen(&self, filter: SubscriptionFilter) -> Result<()> {
        let mut stream = self.mcp.listen(filter).await?;
        let heard = self.mcp.service().0.clone();
        tokio::spawn(async move {
            while let Ok(Some(notification)) = stream.next().await {
                let news = match notification {
                    ServerNotification::ToolListChangedNotification(_) => News::ToolsChanged,
                    ServerNotification::ResourceUpdatedNotification(update) => News::Updated(update.params.uri),
                    _ => continue,
                };
                if heard.send(news).is_err() {
                    break;
                }
            }
        });
        Ok(())
    }

    /// Waits for the next piece of news, which has to be this one.
    async fn hear(&mut self, expected: News) -> Result<()> {
        let heard = timeout(Duration::from_secs(10), self.news.recv())
            .await
            .map_err(|_| format!("heard nothing, expected {expected:?}"))?;
        expect(heard.as_ref() == Some(&expected), || format!("heard {heard:?}, expected {expected:?}"))?;
        println!("  heard: {expected:?}");
        Ok(())
    }

    async fn expect_contacts(&self, who: &str, expected: &[&str]) -> Result<()> {
        let listed = self.call("crm_contact_list", json!({})).await?;
        let items = listed["items"].as_array().ok_or("a list without items")?;
        let names: Vec<&Value> = items.iter().map(|contact| &contact["name"]).collect();
        expect(names == expected, || format!("{who} should see {expected:?}, not {names:?}"))?;
        println!("  {who} sees {expected:?}");
        Ok(())
    }
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

/// What rmcp asks of a client: to say who it is, and to take legacy notifications as they come.
struct Ears(mpsc::UnboundedSender<News>);

impl ClientHandler for Ears {
    fn get_info(&self) -> ClientConfig {
        let this = Implementation::new("sign_in_once", env!("CARGO_PKG_VERSION"));
        // Only `initialize` reads the version: a modern client names its own on every request.
        ClientConfig::new(ClientCapabilities::default(), this)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    // A send fails only when the client that would have listened is gone: nobody is left to tell.

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        let _ = self.0.send(News::ToolsChanged);
    }

    async fn on_resource_updated(&self, update: ResourceUpdatedNotificationParam, _: NotificationContext<RoleClient>) {
        let _ = self.0.send(News::Updated(update.uri));
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// MCP over WebSocket for rmcp: one JSON-RPC message a text frame.
///
/// rmcp also takes a plain `(Sink, Stream)` pair. A transport of one's own is as short and, on
/// closing, sends the Close frame that tells the server to end the session at once.
///
/// For a `wss://` address, enable a TLS feature of tokio-tungstenite; nothing else changes here.
struct WebSocket {
    /// Shared, because rmcp may start the next send while one is still waiting for the socket.
    outgoing: Arc<Mutex<SplitSink<Socket, Message>>>,
    incoming: SplitStream<Socket>,
}

impl WebSocket {
    async fn connect(url: &str) -> Result<Self> {
        let request = ClientRequestBuilder::new(url.parse()?).with_sub_protocol("mcp");
        let (socket, _response) = connect_async(request).await?;
        let (outgoing, incoming) = socket.split();
        Ok(Self { outgoing: Arc::new(Mutex::new(outgoing)), incoming })
    }
}

impl Transport<RoleClient> for WebSocket {
    type Error = tungstenite::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = std::result::Result<(), Self::Error>> + Send + 'static {
        let outgoing = Arc::clone(&self.outgoing);
        async move {
            let json = serde_json::to_string(&message).map_err(|error| tungstenite::Error::Io(error.into()))?;
            outgoing.lock().await.send(Message::text(json)).await
        }
    }

    /// Pings need no care here: tungstenite answers them while the socket is read.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let Message::Text(json) = self.incoming.next().await?.ok()? else {
                continue;
            };
            match serde_json::from_str(&json) {
                Ok(message) => return Some(message),
                Err(error) => eprintln!("passed over a message that is not MCP: {error}"),
            }
        }
    }

    async fn close(&mut self) -> std::result::Result<(), Self::Error> {
        self.outgoing.lock().await.close().await
    }
}
