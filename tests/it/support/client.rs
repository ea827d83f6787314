//! A client that speaks raw MCP and takes nothing on trust: every message that comes is checked against
//! the schema of its revision, and every response has to be one that is due.

use super::ledger::Ledger;
use super::link::Link;
use super::ways::{Voucher, Way};
use super::{PASSWORD, soon, tool_schemas};
use serde_json::{Value, json};
use sessile::wire::{Era, MODERN};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

/// A connection to the server.
pub(crate) struct Client {
    link: Link,
    /// How it comes in, and how it does so again as somebody else.
    way: Way,
    voucher: Option<Arc<Voucher>>,
    address: SocketAddr,
    era: Era,
    last_id: u64,
    ledger: Ledger,
    /// What came and nobody has looked at yet.
    heard: VecDeque<Value>,
}

/// A tool's failure.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) text: String,
    pub(crate) retry_after: Option<u64>,
}

impl Client {
    /// A client that has said nothing yet.
    pub(crate) async fn connect(address: SocketAddr, era: Era) -> Self {
        Self::connect_by(Way::SignIn, address, era, None).await
    }

    /// The same with headers of one's own, such as a token's.
    pub(crate) async fn connect_with(address: SocketAddr, era: Era, headers: &[(&str, &str)]) -> Self {
        Self::over(Link::socket(address, headers).await, Way::SignIn, address, era)
    }

    /// A client that comes in some way, with a bearer token or as a stranger.
    pub(crate) async fn connect_by(way: Way, address: SocketAddr, era: Era, token: Option<&str>) -> Self {
        let era = way.era().unwrap_or(era);
        Self::over(way.link(address, era, token).await, way, address, era)
    }

    /// The same client, for whom somebody vouches if need be.
    pub(crate) fn vouched_for(mut self, voucher: Option<Arc<Voucher>>) -> Self {
        self.voucher = voucher;
        self
    }

    fn over(link: Link, way: Way, address: SocketAddr, era: Era) -> Self {
        Self { link, way, voucher: None, address, era, last_id: 0, ledger: Ledger::new(era), heard: VecDeque::new() }
    }

    /// Performs the legacy handshake.
    pub(crate) async fn initialize(&mut self, version: &str) -> Value {
        self.initialize_with(version, json!({})).await
    }

    /// The same with capabilities of the client.
    pub(crate) async fn initialize_with(&mut self, version: &str, capabilities: Value) -> Value {
        let client = json!({ "name": "it", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
        let result = self.result("initialize", params).await;
        self.ledger.agree_on(result["protocolVersion"].as_str().expect("a version"));
        self.send_text(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        result
    }

    /// Signs up as the owner of a new tenant, and forgets the notifications that this brings.
    pub(crate) async fn sign_up(&mut self, name: &str) -> Value {
        if self.way != Way::SignIn {
            let mut setup = Box::pin(Self::connect(self.address, Era::Legacy)).await;
            let identity = Box::pin(setup.sign_up(name)).await;
            self.become_one(setup, name).await;
            return identity;
        }
        let email = email(name);
        let tenant = format!("{name}'s");
        let arguments = json!({ "email": email, "password": PASSWORD, "tenant_name": tenant });
        let identity = self.tool("auth_sign_up", arguments).await;
        self.forget().await;
        identity
    }

    /// Signs in as somebody who has signed up, and forgets the notifications that this brings.
    pub(crate) async fn sign_in(&mut self, name: &str) -> Value {
        if self.way != Way::SignIn {
            let mut setup = Box::pin(Self::connect(self.address, Era::Legacy)).await;
            let identity = Box::pin(setup.sign_in(name)).await;
            self.become_one(setup, name).await;
            return identity;
        }
        let identity = self.tool("auth_sign_in", json!({ "email": email(name), "password": PASSWORD })).await;
        self.forget().await;
        identity
    }

    /// Joins a tenant by an invitation, and works there from now on.
    pub(crate) async fn join(&mut self, name: &str, code: &Value) {
        if self.way == Way::SignIn {
            self.tool("tenant_join", json!({ "code": code })).await;
            return self.forget().await;
        }
        let mut setup = Box::pin(Self::connect(self.address, Era::Legacy)).await;
        Box::pin(setup.sign_in(name)).await;
        Box::pin(setup.join(name, code)).await;
        self.become_one(setup, name).await;
    }

    /// Goes on with a credential of who is signed in on another connection, in the tenant that that one is in.
    async fn become_one(&mut self, setup: Self, name: &str) {
        let token = self.way.credential(setup, self.address, name, self.voucher.as_deref()).await;
        self.link = self.way.link(self.address, self.era, Some(&token)).await;
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
        let id = self.send(method, params).await;
        self.response(&id).await
    }

    /// Sends a request, and gives the id that it was given.
    pub(crate) async fn send(&mut self, method: &str, mut params: Value) -> Value {
        self.last_id += 1;
        if self.era == Era::Modern && params.pointer("/_meta/io.modelcontextprotocol~1protocolVersion").is_none() {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(MODERN);
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let message = json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params });
        self.send_text(&message.to_string()).await;
        json!(self.last_id)
    }

    /// Sends a tool call, and gives the id that it was given.
    pub(crate) async fn send_call(&mut self, name: &str, arguments: Value) -> Value {
        self.send("tools/call", json!({ "name": name, "arguments": arguments })).await
    }

    /// Sends a request on a connection that the server may have closed by now; the answer may come or not.
    pub(crate) async fn send_or_lost(&mut self, method: &str, params: Value) {
        self.last_id += 1;
        let message = json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params }).to_string();
        self.ledger.expect_answers(&message);
        // What the server had to say before it closed can be read, though nothing can be sent.
        let _ = self.link.send(Message::text(message)).await;
    }

    /// Sends a notification.
    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        self.send_text(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()).await;
    }

    /// Answers a request of the server's.
    pub(crate) async fn answer(&mut self, request: &Value, result: Value) {
        let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
        self.send_text(&answer.to_string()).await;
    }

    /// Cancels a request, whose answer is not due any more.
    pub(crate) async fn cancel(&mut self, id: &Value) {
        self.notify("notifications/cancelled", json!({ "requestId": id })).await;
        self.ledger.forget(id);
    }

    /// Sends a text frame, whatever it holds.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.ledger.expect_answers(text);
        self.send_frame(Message::text(text)).await;
    }

    /// Sends a text frame whose requests, if there are any, must not be answered.
    pub(crate) async fn send_unannounced(&mut self, text: &str) {
        self.send_frame(Message::text(text)).await;
    }

    /// Sends several text frames so that they arrive together.
    pub(crate) async fn send_together(&mut self, texts: &[String]) {
        for text in texts {
            self.ledger.expect_answers(text);
            self.link.feed(Message::text(text)).await.expect("the socket is open");
        }
        self.link.flush().await.expect("the socket is open");
    }

    /// Sends a short text in two frames.
    pub(crate) async fn send_in_fragments(&mut self, text: &str, at: usize) {
        self.ledger.expect_answers(text);
        let (first, second) = text.as_bytes().split_at(at);
        // 0x01 begins a text, 0x80 ends whatever was begun; both are masked with zeros.
        for (opcode, part) in [(0x01, first), (0x80, second)] {
            let length = u8::try_from(part.len()).expect("it is short");
            let frame = [&[opcode, 0x80 | length, 0, 0, 0, 0], part].concat();
            self.stream().write_all(&frame).await.expect("the connection is open");
        }
    }

    /// Sends a frame of any kind.
    pub(crate) async fn send_frame(&mut self, frame: Message) {
        self.link.send(frame).await.expect("the socket is open");
    }

    /// The next message, in the order in which they came.
    pub(crate) async fn next(&mut self) -> Value {
        match self.heard.pop_front() {
            Some(message) => message,
            None => self.receive().await,
        }
    }

    /// The next message, or none when the connection is lost.
    pub(crate) async fn next_or_lost(&mut self) -> Option<Value> {
        while self.heard.is_empty() {
            match soon("a message or the end", self.link.next()).await {
                Some(Ok(Message::Text(text))) => self.take(&text),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
        self.heard.pop_front()
    }

    /// The next message that was not heard yet, as it came, letter by letter.
    pub(crate) async fn next_text(&mut self) -> String {
        match soon("a message", self.link.next()).await {
            Some(Ok(Message::Text(text))) => {
                self.ledger.check(&text);
                text.to_string()
            }
            other => panic!("a message should have come: {other:?}"),
        }
    }

    /// The response to a request.
    pub(crate) async fn response(&mut self, id: &Value) -> Value {
        self.find(|message| message.get("method").is_none() && message.get("id") == Some(id)).await
    }

    /// The next notification or request of this method.
    pub(crate) async fn notification(&mut self, method: &str) -> Value {
        self.find(|message| message["method"] == method).await
    }

    /// All that the server had to say until now: a round trip shows that there is no more.
    pub(crate) async fn all_heard(&mut self) -> Vec<Value> {
        let method = if self.era == Era::Legacy { "ping" } else { "server/discover" };
        self.result(method, json!({})).await;
        self.heard.drain(..).collect()
    }

    /// Forgets all that the server had to say until now.
    pub(crate) async fn forget(&mut self) {
        drop(self.all_heard().await);
    }

    /// Checks that the server has nothing to say.
    pub(crate) async fn expect_silence(&mut self) {
        assert_eq!(self.all_heard().await, Vec::<Value>::new(), "nothing should have come");
    }

    /// Waits for the server to close, and gives the code and the reason. What comes before it can
    /// still be looked at.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match soon("the close", self.link.next()).await {
                Some(Ok(Message::Text(text))) => self.take(&text),
                Some(Ok(Message::Close(Some(frame)))) => return self.closed_with(&frame).await,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("the server should have closed with a code: {other:?}"),
            }
        }
    }

    /// As [`Client::closed`], for a client that has given up on all that comes before it.
    pub(crate) async fn closed_unheard(&mut self) -> (u16, String) {
        loop {
            match soon("the close", self.link.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => return self.closed_with(&frame).await,
                Some(Ok(_)) => {}
                other => panic!("the server should have closed with a code: {other:?}"),
            }
        }
    }

    /// Waits for a ping; it is answered behind the scenes.
    pub(crate) async fn pinged(&mut self) {
        match soon("a ping", self.link.next()).await {
            Some(Ok(Message::Ping(_))) => {}
            other => panic!("a ping should have come: {other:?}"),
        }
    }

    /// What came before the close and nobody has looked at.
    pub(crate) fn heard(&mut self) -> Vec<Value> {
        self.heard.drain(..).collect()
    }

    /// Closes, and waits for the server to do the same.
    pub(crate) async fn close(mut self) {
        match self.link.close().await {
            Ok(()) | Err(WsError::ConnectionClosed) => {}
            Err(error) => panic!("the socket does not close: {error}"),
        }
        soon("the close", async { while let Some(Ok(_)) = self.link.next().await {} }).await;
    }

    /// The TCP stream below, for bytes that no WebSocket client would send.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.link.stream()
    }

    async fn closed_with(&mut self, frame: &CloseFrame) -> (u16, String) {
        // Reading on sends the close frame that the server waits for.
        soon("the end of the connection", async { while let Some(Ok(_)) = self.link.next().await {} }).await;
        (frame.code.into(), frame.reason.to_string())
    }

    async fn find(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(position) = self.heard.iter().position(&is_it) {
            return self.heard.remove(position).expect("it is there");
        }
        loop {
            let message = self.receive().await;
            if is_it(&message) {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    /// The next message that was not heard yet, which then is the only one or the last.
    async fn receive(&mut self) -> Value {
        let before = self.heard.len();
        loop {
            match soon("a message", self.link.next()).await {
                Some(Ok(Message::Text(text))) => self.take(&text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("a message should have come: {other:?}"),
            }
            if self.heard.len() > before {
                return self.heard.remove(before).expect("it has just come");
            }
        }
    }

    /// Checks a frame and keeps it, a batch as one.
    fn take(&mut self, frame: &str) {
        let checked = self.ledger.check(frame);
        self.heard.push_back(checked);
    }
}

impl Refusal {
    /// The failure in the result of a tool call.
    pub(crate) fn of(result: &Value) -> Self {
        assert_eq!(result["isError"], true, "it should have failed: {result}");
        let detail = &result["_meta"]["dev.sessile/error"];
        Self {
            code: detail["code"].as_str().expect("a failure has a code").to_owned(),
            text: result["content"][0]["text"].as_str().expect("a failure has a text").to_owned(),
            retry_after: detail["retry_after_seconds"].as_u64(),
        }
    }
}

/// The address of somebody with this name.
pub(crate) fn email(name: &str) -> String {
    format!("{name}@example.com")
}
