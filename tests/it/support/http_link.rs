//! A client's messages as HTTP requests: what MCP's Streamable HTTP asks of a client, in either era.

use super::soon;
use futures_util::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sessile::wire::{Era, LATEST_LEGACY, MODERN};
use std::net::SocketAddr;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const STREAM: &str = "text/event-stream";

/// One client's requests, and what came in answer to them.
pub(crate) struct HttpLink {
    http: Client,
    url: String,
    era: Era,
    token: Option<String>,
    session: Option<String>,
    came: mpsc::UnboundedReceiver<String>,
    coming: mpsc::UnboundedSender<String>,
    /// Requests under way, and the stream of what comes unasked.
    under_way: JoinSet<()>,
}

impl HttpLink {
    /// In the legacy era, performs the handshake and opens the stream for what comes unasked.
    pub(super) async fn open(address: SocketAddr, era: Era, token: Option<&str>) -> Self {
        let (coming, came) = mpsc::unbounded_channel();
        let mut link = Self {
            http: Client::builder().no_proxy().build().expect("a client"),
            url: format!("http://{address}/mcp"),
            era,
            token: token.map(str::to_owned),
            session: None,
            came,
            coming,
            under_way: JoinSet::new(),
        };
        if era == Era::Legacy {
            link.initialize().await;
        }
        link
    }

    /// Sends a message; what is answered comes out of [`HttpLink::next`].
    pub(super) fn send(&mut self, text: &str) {
        let request = self.post(text);
        let coming = self.coming.clone();
        self.under_way.spawn(async move {
            let response = request.send().await.expect("the server answers");
            deliver(response, &coming).await;
        });
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Option<String> {
        loop {
            tokio::select! {
                biased;
                message = self.came.recv() => return message,
                // Those that are done are forgotten, and a panic in one is the test's.
                Some(done) = self.under_way.join_next() => done.expect("a request is answered as it should be"),
            }
        }
    }

    /// Ends the session, if there is one, and drops whatever is under way.
    pub(super) async fn close(&mut self) {
        self.under_way.abort_all();
        if self.session.is_some() {
            let ended = soon("the end of the session", self.request(Method::DELETE).send()).await;
            assert!(ended.expect("the server answers").status().is_success());
        }
        self.came.close();
    }

    async fn initialize(&mut self) {
        let client = json!({ "name": "it", "version": "1" });
        let params = json!({ "protocolVersion": LATEST_LEGACY, "capabilities": {}, "clientInfo": client });
        let text = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string();
        let response = soon("the handshake", self.post(&text).send()).await.expect("the server answers");
        let session = response.headers().get("mcp-session-id").map(|id| id.to_str().expect("it is text").to_owned());
        assert!(session.is_some(), "the handshake gave no session: {response:?}");
        self.session = session;
        let text = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let response = soon("the notification", self.post(text).send()).await.expect("the server answers");
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        let stream = self.request(Method::GET).header(ACCEPT, STREAM);
        let stream = soon("the stream", stream.send()).await.expect("the server answers");
        assert_eq!(stream.status(), StatusCode::OK);
        let coming = self.coming.clone();
        self.under_way.spawn(async move { deliver(stream, &coming).await });
    }

    fn post(&self, text: &str) -> RequestBuilder {
        let mut request = self.request(Method::POST);
        request =
            request.header(CONTENT_TYPE, "application/json").header(ACCEPT, format!("application/json, {STREAM}"));
        if self.era == Era::Modern
            && let Ok(message) = serde_json::from_str::<Value>(text)
        {
            let method = message["method"].as_str().unwrap_or_default();
            request = request.header("Mcp-Method", method);
            let named = match method {
                "tools/call" | "prompts/get" => message["params"]["name"].as_str(),
                "resources/read" => message["params"]["uri"].as_str(),
                _ => None,
            };
            if let Some(name) = named {
                request = request.header("Mcp-Name", name);
            }
        }
        request.body(text.to_owned())
    }

    fn request(&self, method: Method) -> RequestBuilder {
        let version = if self.era == Era::Modern { MODERN } else { LATEST_LEGACY };
        let mut request = self.http.request(method, &self.url).header("MCP-Protocol-Version", version);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(session) = &self.session {
            request = request.header("Mcp-Session-Id", session);
        }
        request
    }
}

/// Takes the messages out of a response as they come.
async fn deliver(response: Response, coming: &mpsc::UnboundedSender<String>) {
    let streams =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(STREAM.as_bytes()));
    if response.status() == StatusCode::ACCEPTED {
        return;
    }
    if !streams {
        let (status, text) = (response.status(), response.text().await.expect("a body"));
        assert!(text.starts_with(['{', '[']) && text.contains("jsonrpc"), "{status}: {text}");
        let _ = coming.send(text);
        return;
    }
    let (mut chunks, mut read) = (response.bytes_stream(), String::new());
    // A stream that breaks off has no more to say; whether it may is not for this client to judge.
    while let Some(Ok(chunk)) = chunks.next().await {
        read.push_str(std::str::from_utf8(&chunk).expect("events are text"));
        while let Some((event, rest)) = read.split_once("\n\n") {
            let data: Vec<_> =
                event.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim_start).collect();
            if data.iter().any(|line| !line.is_empty()) {
                let _ = coming.send(data.join("\n"));
            }
            read = rest.to_owned();
        }
    }
}
