//! An HTTP client that speaks raw MCP, with the interface of [`super::Client`], and takes as little on trust: every
//! message that comes is checked against the schema of its revision, every response has to be one that is due, and
//! its status has to be one that its body allows.

use super::ledger::Ledger;
use super::{PASSWORD, Refusal, email, soon, tool_schemas};
use serde_json::{Value, json};
use sessile::wire::{Era, MODERN};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A client of the HTTP side.
pub(crate) struct HttpClient {
    address: SocketAddr,
    era: Era,
    last_id: u64,
    ledger: Ledger,
    /// The legacy session, once `initialize` has opened it.
    pub(crate) session: Option<String>,
    version: Option<String>,
    /// What is shown with each request.
    pub(crate) token: Option<String>,
    /// A connection that is kept alive.
    idle: Option<BufReader<TcpStream>>,
    /// Requests that have no answer yet, each on a connection of its own.
    open: HashMap<String, Exchange>,
    /// What came before a response and nobody has looked at.
    heard: VecDeque<Value>,
}

/// A response, as far as it has come.
pub(crate) struct Exchange {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    reader: BufReader<TcpStream>,
    /// Events that were not looked at.
    chunk: Vec<u8>,
    ended: bool,
    /// The id of the last event.
    pub(crate) last_event: Option<String>,
}

impl HttpClient {
    /// A client that has said nothing yet.
    pub(crate) fn new(address: SocketAddr, era: Era) -> Self {
        Self {
            address,
            era,
            last_id: 0,
            ledger: Ledger::new(era),
            session: None,
            version: None,
            token: None,
            idle: None,
            open: HashMap::new(),
            heard: VecDeque::new(),
        }
    }

    /// Performs the legacy handshake, which opens a session.
    pub(crate) async fn initialize(&mut self, version: &str) -> Value {
        self.initialize_with(version, json!({})).await
    }

    /// The same with capabilities of the client.
    pub(crate) async fn initialize_with(&mut self, version: &str, capabilities: Value) -> Value {
        let client = json!({ "name": "it", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
        self.version = None;
        let id = self.send("initialize", params).await;
        let session = self.exchange(&id).header("mcp-session-id").expect("a session").to_owned();
        let response = self.response(&id).await;
        self.session = Some(session);
        let agreed = response["result"]["protocolVersion"].as_str().expect("a version").to_owned();
        self.ledger.agree_on(&agreed);
        self.version = Some(agreed);
        self.notify("notifications/initialized", json!({})).await;
        response["result"].clone()
    }

    /// Signs up as the owner of a new tenant, and shows the token from then on.
    pub(crate) async fn sign_up(&mut self, name: &str) -> Value {
        let tenant = format!("{name}'s");
        let arguments = json!({ "email": email(name), "password": PASSWORD, "tenant_name": tenant });
        let identity = self.tool("auth_sign_up", arguments).await;
        self.use_tokens(&identity);
        identity
    }

    /// Signs in as somebody who has signed up, and shows the token from then on.
    pub(crate) async fn sign_in(&mut self, name: &str) -> Value {
        let identity = self.tool("auth_sign_in", json!({ "email": email(name), "password": PASSWORD })).await;
        self.use_tokens(&identity);
        identity
    }

    /// Shows the access token of a result from now on. A session belongs to who opened it, so it is left.
    pub(crate) fn use_tokens(&mut self, result: &Value) {
        self.token = Some(result["tokens"]["access_token"].as_str().expect("a token").to_owned());
        self.session = None;
    }

    /// Calls a tool that is expected to succeed, and gives its data.
    pub(crate) async fn tool(&mut self, name: &str, arguments: Value) -> Value {
        tool_schemas::check_arguments(name, &arguments);
        let result = self.result("tools/call", json!({ "name": name, "arguments": arguments })).await;
        assert!(result["isError"] != true, "{name} failed: {result}");
        result["structuredContent"].clone()
    }

    /// Calls a tool that is expected to fail, and gives the failure.
    pub(crate) async fn refused(&mut self, name: &str, arguments: Value) -> Refusal {
        let result = self.result("tools/call", json!({ "name": name, "arguments": arguments })).await;
        Refusal::of(&result)
    }

    /// Makes a request that is expected to succeed, and gives its result.
    pub(crate) async fn result(&mut self, method: &str, params: Value) -> Value {
        let response = self.request(method, params).await;
        assert!(response.get("error").is_none(), "{method} failed: {response}");
        response["result"].clone()
    }

    /// Makes a request that is expected to fail, and gives the error.
    pub(crate) async fn error(&mut self, method: &str, params: Value) -> Value {
        let response = self.request(method, params).await;
        assert!(response.get("result").is_none(), "{method} should have failed: {response}");
        response["error"].clone()
    }

    /// Makes a request and gives the response.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.start(method, params).await;
        self.response(&id).await
    }

    /// Sends a request, waits for the head of its response, and gives the id that it was given.
    pub(crate) async fn send(&mut self, method: &str, params: Value) -> Value {
        let id = self.start(method, params).await;
        self.head(&id).await;
        id
    }

    /// Sends a request, and gives the id that it was given.
    pub(crate) async fn start(&mut self, method: &str, params: Value) -> Value {
        let (message, headers) = self.message(method, params);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let text = message.to_string();
        let reader = self.write("POST", &headers, Some(&text)).await;
        self.ledger.expect_answers(&text);
        let id = message["id"].clone();
        self.open.insert(id.to_string(), Exchange::unread(reader));
        id
    }

    /// Sends a tool call, and gives the id that it was given.
    pub(crate) async fn start_call(&mut self, name: &str, arguments: Value) -> Value {
        self.start("tools/call", json!({ "name": name, "arguments": arguments })).await
    }

    /// Sends a notification.
    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string();
        let response = self.post(&[], &message).await;
        assert_eq!((response.status, response.header("content-length")), (202, Some("0")), "{method}");
        self.keep_alive(response).await;
    }

    /// Drops the connection on which a request was made. Its answer may still come, on another one.
    pub(crate) fn hang_up(&mut self, id: &Value) {
        drop(self.open.remove(&id.to_string()));
    }

    /// The status of the response to a request.
    pub(crate) async fn head(&mut self, id: &Value) -> u16 {
        let exchange = self.exchange(id);
        exchange.read_head().await;
        exchange.status
    }

    /// The response to a request under way.
    pub(crate) fn exchange(&mut self, id: &Value) -> &mut Exchange {
        self.open.get_mut(&id.to_string()).expect("it was sent")
    }

    /// The response to a request; what comes before it can be looked at afterwards.
    pub(crate) async fn response(&mut self, id: &Value) -> Value {
        loop {
            let message = self.next_of(id).await;
            let message = message.unwrap_or_else(|| panic!("the response to {id} should have come"));
            if message.get("method").is_none() {
                let exchange = self.open.remove(&id.to_string()).expect("it was sent");
                check_status(self.era, exchange.status, &message);
                self.keep_alive(exchange).await;
                return message;
            }
            self.heard.push_back(message);
        }
    }

    /// The next message of a response, or none at its end.
    pub(crate) async fn next_of(&mut self, id: &Value) -> Option<Value> {
        let exchange = self.exchange(id);
        exchange.read_head().await;
        let text = exchange.next_message().await?;
        Some(self.ledger.check(&text))
    }

    /// The next notification of this method in the response to a request.
    pub(crate) async fn notification(&mut self, id: &Value, method: &str) -> Value {
        loop {
            let message = self.next_of(id).await.unwrap_or_else(|| panic!("{method} should have come"));
            if message["method"] == method {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    /// What came besides responses and nobody has looked at.
    pub(crate) fn heard(&mut self) -> Vec<Value> {
        self.heard.drain(..).collect()
    }

    /// Opens the stream of the session, or goes on behind an event; gives the id by which it is read.
    pub(crate) async fn listen(&mut self, last_event: Option<&str>) -> Value {
        let mut headers = vec![("Accept", "text/event-stream")];
        headers.extend(last_event.map(|last| ("Last-Event-ID", last)));
        let reader = self.write("GET", &headers, None).await;
        self.last_id += 1;
        let id = json!(format!("GET {}", self.last_id));
        self.open.insert(id.to_string(), Exchange::unread(reader));
        self.head(&id).await;
        id
    }

    /// Ends the session, and gives the status.
    pub(crate) async fn delete(&mut self) -> u16 {
        let mut exchange = Exchange::unread(self.write("DELETE", &[], None).await);
        exchange.read_head().await;
        exchange.status
    }

    /// Posts a text, whatever it holds, with these headers besides the usual ones or in place of them; an empty
    /// value leaves one out.
    pub(crate) async fn post(&mut self, headers: &[(&str, &str)], text: &str) -> Exchange {
        let mut exchange = Exchange::unread(self.write("POST", headers, Some(text)).await);
        exchange.read_head().await;
        exchange
    }

    /// A request's message, and the headers that repeat it.
    pub(crate) fn message(&mut self, method: &str, mut params: Value) -> (Value, Vec<(&'static str, String)>) {
        self.last_id += 1;
        let mut headers = Vec::new();
        if self.era == Era::Modern {
            let meta = &mut params["_meta"];
            if meta["io.modelcontextprotocol/protocolVersion"].is_null() {
                meta["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
                meta["io.modelcontextprotocol/clientCapabilities"] = json!({});
            }
            let version = meta["io.modelcontextprotocol/protocolVersion"].as_str().unwrap_or_default();
            headers.push(("MCP-Protocol-Version", version.to_owned()));
            headers.push(("Mcp-Method", method.to_owned()));
            let name = if method == "resources/read" { &params["uri"] } else { &params["name"] };
            headers.extend(name.as_str().map(|name| ("Mcp-Name", name.to_owned())));
        }
        (json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params }), headers)
    }

    async fn write(&mut self, method: &str, headers: &[(&str, &str)], body: Option<&str>) -> BufReader<TcpStream> {
        let mut all: Vec<(&str, String)> = vec![("Host", self.address.to_string())];
        if let Some(body) = body {
            all.push(("Content-Type", "application/json".into()));
            all.push(("Accept", "application/json, text/event-stream".into()));
            all.push(("Content-Length", body.len().to_string()));
        }
        all.extend(self.token.iter().map(|token| ("Authorization", format!("Bearer {token}"))));
        all.extend(self.session.iter().map(|session| ("Mcp-Session-Id", session.clone())));
        all.extend(self.version.iter().map(|version| ("MCP-Protocol-Version", version.clone())));
        all.retain(|(name, _)| headers.iter().all(|(other, _)| !other.eq_ignore_ascii_case(name)));
        let given = headers.iter().filter(|(_, value)| !value.is_empty());
        all.extend(given.map(|(name, value)| (*name, (*value).to_owned())));
        let mut text = format!("{method} /mcp HTTP/1.1\r\n");
        all.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
        text.push_str("\r\n");
        text.push_str(body.unwrap_or_default());
        let mut reader = match self.idle.take() {
            Some(reader) => reader,
            None => BufReader::new(TcpStream::connect(self.address).await.expect("the server listens")),
        };
        reader.get_mut().write_all(text.as_bytes()).await.expect("the connection is open");
        reader
    }

    /// Sees a response end, and keeps its connection for the next request.
    async fn keep_alive(&mut self, mut exchange: Exchange) {
        if let Some(more) = exchange.next_message().await {
            panic!("nothing should follow a response: {more}");
        }
        let stays = exchange.header("connection") != Some("close");
        self.idle = stays.then_some(exchange.reader);
    }
}

impl Exchange {
    fn unread(reader: BufReader<TcpStream>) -> Self {
        Self { status: 0, headers: Vec::new(), reader, chunk: Vec::new(), ended: false, last_event: None }
    }

    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is a stream of events.
    pub(crate) fn is_stream(&self) -> bool {
        self.header("content-type") == Some("text/event-stream")
    }

    async fn read_head(&mut self) {
        if self.status != 0 {
            return;
        }
        let mut lines: Vec<String> = Vec::new();
        loop {
            let mut line = String::new();
            let read = soon("the head of a response", self.reader.read_line(&mut line)).await;
            assert!(read.is_ok_and(|read| read > 0), "the connection was closed instead of an answer: {lines:?}");
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines[0].split(' ').nth(1).and_then(|code| code.parse().ok());
        self.status = status.unwrap_or_else(|| panic!("this is no response: {lines:?}"));
        let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        self.headers = lines.iter().skip(1).filter_map(header).collect();
        if self.is_stream() {
            assert_eq!(self.header("cache-control"), Some("no-store"));
            assert_eq!(self.header("x-accel-buffering"), Some("no"));
        }
    }

    /// The whole body of what is no stream.
    pub(crate) async fn body(&mut self) -> Vec<u8> {
        self.ended = true;
        let length = self.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        soon("a body", self.reader.read_exact(&mut body)).await.expect("the body is as long as it says");
        body
    }

    /// The same as text.
    pub(crate) async fn text(&mut self) -> String {
        String::from_utf8(self.body().await).expect("the body is text")
    }

    /// The next message of the response, or none when there are no more.
    pub(crate) async fn next_message(&mut self) -> Option<String> {
        if !self.is_stream() {
            let body = if self.ended { String::new() } else { self.text().await };
            return (!body.is_empty()).then_some(body);
        }
        loop {
            let event = self.next_event().await?;
            let id = event.lines().find_map(|line| line.strip_prefix("id: "));
            self.last_event = id.map(str::to_owned).or(self.last_event.take());
            let data: String = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            if !data.is_empty() {
                return Some(data);
            }
        }
    }

    /// The next event, as it came.
    pub(crate) async fn next_event(&mut self) -> Option<String> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.chunk, b"\n\n") {
                let rest = self.chunk.split_off(end + 2);
                let event = std::mem::replace(&mut self.chunk, rest);
                return Some(String::from_utf8(event).expect("an event is text"));
            }
            if !soon("an event or the end", self.read_chunk()).await {
                assert!(self.chunk.is_empty(), "the stream ends within an event");
                return None;
            }
        }
    }

    /// Reads one chunk; false at the end, in order or not.
    async fn read_chunk(&mut self) -> bool {
        if self.ended {
            return false;
        }
        let mut size = String::new();
        let read = self.reader.read_line(&mut size).await.unwrap_or(0);
        let length = usize::from_str_radix(size.trim(), 16).ok().filter(|_| read > 0);
        let mut chunk = vec![0; length.unwrap_or(0) + 2];
        let whole = length.is_some() && self.reader.read_exact(&mut chunk).await.is_ok();
        self.ended = !whole || length == Some(0);
        if !self.ended {
            chunk.truncate(chunk.len() - 2);
            self.chunk.extend(chunk);
        }
        !self.ended
    }
}

/// What a status says has to be what the body says.
fn check_status(era: Era, status: u16, response: &Value) {
    let code = response["error"]["code"].as_i64();
    let tool = response.pointer("/result/_meta/dev.sessile~1error/code").and_then(Value::as_str);
    let fits = match (code, tool, era) {
        (None, Some("too_many_attempts" | "rate_limited"), _) => status == 429,
        (Some(_), ..) if response["error"]["data"]["code"] == "rate_limited" => status == 429,
        (None, ..) => status == 200,
        (Some(-32601), _, Era::Modern) => status == 404,
        (Some(-32022..=-32020 | -32700), ..) => status == 400,
        (Some(-32602 | -32600), _, Era::Modern) => status == 200 || status == 400,
        _ => status == 200,
    };
    assert!(fits, "{status} does not fit {response}");
}
