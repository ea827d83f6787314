//! A client that counts, as section 13 of the binding wants it: it keeps what the server has not acknowledged, knows how
//! much it has got, and comes back.

use crate::support::{PASSWORD, TestServer, email, soon};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::protocol::Message;

/// One client over several connections.
pub(super) struct Counting {
    address: SocketAddr,
    token: Option<String>,
    socket: WebSocketStream<TcpStream>,
    pub(super) session: Value,
    pub(super) credential: Option<String>,
    /// Counted messages that came.
    pub(super) got: u64,
    told: u64,
    /// What was sent and not acknowledged, and how much was sent before.
    kept: VecDeque<String>,
    pub(super) acknowledged: u64,
    /// Whether it acknowledges what comes.
    pub(super) acknowledges: bool,
    last_id: u64,
    heard: VecDeque<Value>,
}

async fn dial(address: SocketAddr, token: Option<&str>) -> WebSocketStream<TcpStream> {
    let uri = format!("ws://{address}/mcp").parse().expect("it is a URI");
    let mut request = ClientRequestBuilder::new(uri).with_sub_protocol("mcp");
    if let Some(token) = token {
        request = request.with_header("Authorization", format!("Bearer {token}"));
    }
    let stream = TcpStream::connect(address).await.expect("the server listens");
    soon("the upgrade", tokio_tungstenite::client_async(request, stream)).await.expect("the server upgrades").0
}

impl Counting {
    /// A client on a connection on which nothing was said yet.
    pub(super) async fn silent(address: SocketAddr, token: Option<&str>) -> Self {
        Self {
            address,
            token: token.map(str::to_owned),
            socket: dial(address, token).await,
            session: Value::Null,
            credential: None,
            got: 0,
            told: 0,
            kept: VecDeque::new(),
            acknowledged: 0,
            acknowledges: true,
            last_id: 0,
            heard: VecDeque::new(),
        }
    }

    /// A client that has asked to resume later.
    pub(super) async fn connect(server: &TestServer) -> Self {
        let mut client = Self::silent(server.address(), None).await;
        let told = client.ask(json!({})).await;
        assert_eq!(told["outcome"], "new", "{told}");
        client.session = told["session"].clone();
        client
    }

    /// The same, signed up as the owner of a tenant.
    pub(super) async fn sign_up(server: &TestServer, name: &str) -> Self {
        let mut client = Self::connect(server).await;
        let arguments = json!({ "email": email(name), "password": PASSWORD, "tenant_name": format!("{name}'s") });
        client.tool("auth_sign_up", arguments).await;
        client.credential().await;
        client
    }

    /// The same, signed in as somebody who has signed up.
    pub(super) async fn sign_in(server: &TestServer, name: &str) -> Self {
        let mut client = Self::connect(server).await;
        client.tool("auth_sign_in", json!({ "email": email(name), "password": PASSWORD })).await;
        client.credential().await;
        client
    }

    /// Sends a request to resume with these parameters, and gives the response.
    pub(super) async fn ask_raw(&mut self, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": "resume", "method": "dev.sessile/resume", "params": params });
        self.put(&request.to_string()).await;
        loop {
            let message = self.frame().await.expect("an answer");
            if message["id"] == "resume" {
                return message;
            }
        }
    }

    /// The same, and gives the result.
    pub(super) async fn ask(&mut self, params: Value) -> Value {
        let response = self.ask_raw(params).await;
        assert!(response.get("error").is_none(), "{response}");
        let result = response["result"].clone();
        if let Some(credential) = result["credential"].as_str() {
            self.credential = Some(credential.to_owned());
        }
        result
    }

    /// Loses the connection without a word.
    pub(super) async fn cut(&mut self) {
        // The socket that is left has no peer any more.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("it listens");
        let role = tokio_tungstenite::tungstenite::protocol::Role::Client;
        self.socket = WebSocketStream::from_raw_socket(stream, role, None).await;
    }

    /// Comes back on a new connection, with what it has, and gives what the server says to that. When the session goes
    /// on, whatever the server has not got is sent again.
    pub(super) async fn come_back(&mut self) -> Value {
        self.socket = dial(self.address, self.token.as_deref()).await;
        let params = json!({ "credential": self.credential, "received": self.got });
        let told = self.ask(params).await;
        if told["outcome"] == "resumed" {
            assert_eq!(told["session"], self.session, "it is the same session");
            self.note_received(told["received"].as_u64().expect("a count"));
            self.told = self.got;
            for text in self.kept.clone() {
                self.put(&text).await;
            }
        } else {
            self.session = told["session"].clone();
            (self.got, self.told, self.acknowledged) = (0, 0, 0);
            self.kept.clear();
        }
        told
    }

    /// The same to a server elsewhere.
    pub(super) async fn come_back_to(&mut self, server: &TestServer) -> Value {
        self.address = server.address();
        self.come_back().await
    }

    /// Sends a counted message.
    pub(super) async fn send_text(&mut self, text: &str) {
        self.kept.push_back(text.to_owned());
        self.put(text).await;
    }

    /// Sends a request, and gives its id.
    pub(super) async fn send(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let request = json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params });
        self.send_text(&request.to_string()).await;
        json!(self.last_id)
    }

    /// Calls a tool, and gives the request's id.
    pub(super) async fn send_call(&mut self, name: &str, arguments: Value) -> Value {
        self.send("tools/call", json!({ "name": name, "arguments": arguments })).await
    }

    /// Makes a request and gives the response.
    pub(super) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params).await;
        self.response(&id).await
    }

    /// Calls a tool that is expected to succeed, and gives its data.
    pub(super) async fn tool(&mut self, name: &str, arguments: Value) -> Value {
        let id = self.send_call(name, arguments).await;
        let response = self.response(&id).await;
        assert!(response["result"]["isError"] != true && response.get("error").is_none(), "{name}: {response}");
        response["result"]["structuredContent"].clone()
    }

    /// Who is signed in.
    pub(super) async fn email(&mut self) -> Value {
        self.tool("auth_whoami", json!({})).await["user"]["email"].clone()
    }

    /// The response to a request.
    pub(super) async fn response(&mut self, id: &Value) -> Value {
        self.find(|message| message.get("method").is_none() && message["id"] == *id).await
    }

    /// The next message that fits.
    pub(super) async fn find(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.heard.iter().position(&fits) {
            return self.heard.remove(at).expect("it is there");
        }
        loop {
            let message = self.next().await.expect("the connection is open");
            if fits(&message) {
                return message;
            }
            self.heard.push_back(message);
        }
    }

    /// Waits for the next credential; none when there is none from then on.
    pub(super) async fn credential(&mut self) -> Option<String> {
        loop {
            let message = self.frame().await.expect("a credential");
            if message["method"] == "dev.sessile/credential" {
                self.told = self.got;
                self.put_control("received", json!({ "count": self.got })).await;
                return self.credential.clone();
            }
            if !is_control(&message) {
                self.heard.push_back(message);
            }
        }
    }

    /// The next counted message that was not looked at yet, none when the connection is lost.
    pub(super) async fn next(&mut self) -> Option<Value> {
        loop {
            let message = self.frame().await?;
            if !is_control(&message) {
                return Some(message);
            }
        }
    }

    /// All counted messages that nobody has looked at.
    pub(super) fn heard(&mut self) -> Vec<Value> {
        self.heard.drain(..).collect()
    }

    /// Waits for the server to close, and gives the code and the reason.
    pub(super) async fn closed(&mut self) -> (u16, String) {
        loop {
            match soon("the close", self.socket.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    while let Some(Ok(_)) = self.socket.next().await {}
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(Message::Text(text))) => drop(self.note(&text)),
                Some(Ok(_)) => {}
                other => panic!("the server should have closed with a code: {other:?}"),
            }
        }
    }

    /// Closes with a word.
    pub(super) async fn close(mut self) {
        let _ = self.socket.close(None).await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// Sends a control notification.
    pub(super) async fn put_control(&mut self, name: &str, params: Value) {
        let text = json!({ "jsonrpc": "2.0", "method": format!("dev.sessile/{name}"), "params": params });
        self.put(&text.to_string()).await;
    }

    /// Sends a message that is not counted, or that nobody will come back for.
    pub(super) async fn put(&mut self, text: &str) {
        // A connection that was lost is found out about by whoever reads.
        let _ = self.socket.send(Message::text(text)).await;
    }

    /// The next message of any kind, none when the connection is lost.
    pub(super) async fn frame(&mut self) -> Option<Value> {
        loop {
            match soon("a message", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => {
                    let message = self.note(&text);
                    if self.acknowledges && self.got - self.told >= 32 {
                        self.told = self.got;
                        self.put_control("received", json!({ "count": self.got })).await;
                    }
                    return Some(message);
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    fn note(&mut self, text: &str) -> Value {
        let message: Value = serde_json::from_str(text).expect("it is JSON");
        if !is_control(&message) {
            self.got += 1;
        } else if message["method"] == "dev.sessile/received" {
            self.note_received(message["params"]["count"].as_u64().expect("a count"));
        } else if message["method"] == "dev.sessile/credential" {
            self.credential = message["params"]["credential"].as_str().map(str::to_owned);
        }
        message
    }

    fn note_received(&mut self, count: u64) {
        assert!(count >= self.acknowledged, "acknowledged is acknowledged");
        for _ in self.acknowledged..count {
            self.kept.pop_front().expect("the server has got what was sent, and no more");
        }
        self.acknowledged = count;
    }
}

fn is_control(message: &Value) -> bool {
    message["id"] == "resume" || message["method"].as_str().is_some_and(|method| method.starts_with("dev.sessile/"))
}
