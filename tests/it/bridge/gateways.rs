//! Gateways that do what Sessile does not, or not on demand: they are written here.

use super::host::{Host, code};
use crate::support::soon;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// A gateway that plays what a test tells it.
struct Gateway(TcpListener);

/// One connection of it.
struct Link(WebSocketStream<TcpStream>);

impl Gateway {
    async fn new() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let url = format!("ws://{}/mcp", listener.local_addr().expect("it has one"));
        (Self(listener), url)
    }

    /// Takes a connection, whose first message has to be the request to resume.
    async fn accept(&self) -> (Link, Value) {
        let (stream, _) = soon("a connection", self.0.accept()).await.expect("somebody comes");
        #[expect(clippy::result_large_err, reason = "the library wants it so")]
        let select = |_: &Request, mut response: Response| {
            response.headers_mut().insert("sec-websocket-protocol", "mcp".parse().expect("a value"));
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, select).await.expect("it upgrades");
        let mut link = Link(socket);
        let ask = link.next().await;
        assert_eq!(ask["method"], "dev.sessile/resume");
        (link, ask)
    }

    /// The same, welcomed like this.
    async fn welcome(&self, result: Value) -> (Link, Value) {
        let (mut link, ask) = self.accept().await;
        link.say(&json!({ "jsonrpc": "2.0", "id": ask["id"], "result": result }).to_string()).await;
        (link, ask)
    }
}

impl Link {
    async fn text(&mut self) -> String {
        loop {
            match soon("a message", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("a message should have come: {other:?}"),
            }
        }
    }

    async fn next(&mut self) -> Value {
        serde_json::from_str(&self.text().await).expect("it is JSON")
    }

    /// The next message that is no control message.
    async fn counted(&mut self) -> Value {
        loop {
            let message = self.next().await;
            if !message["method"].as_str().is_some_and(|method| method.starts_with("dev.sessile/")) {
                return message;
            }
        }
    }

    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("it is read");
    }

    async fn answer(&mut self, request: &Value) {
        self.say(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": {} }).to_string()).await;
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        self.0.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await.expect("it is read");
    }
}

fn new() -> Value {
    json!({ "outcome": "new", "session": "s", "received": 0, "waits_seconds": 120 })
}

#[tokio::test]
async fn messages_pass_as_they_are_and_stay_one_line() {
    let (gateway, url) = Gateway::new().await;
    let mut host = Host::start(&url);
    let odd = r#"{ "id":"\u0061",  "params":{"x":[1.0, -0, 1E400],"ü":"\ud83d\ude00"},"y":null, "method" : "ping","jsonrpc":"2.0"}"#;
    host.write(odd).await;
    let (mut link, _) = gateway.welcome(new()).await;
    assert_eq!(link.text().await, odd);
    link.say("{\"jsonrpc\":\"2.0\",\n  \"id\":\"a\",\r\n\"result\":{\"z\": 1.0,\"n\":\"\\n\"}}").await;
    assert_eq!(host.next_line().await, r#"{"jsonrpc":"2.0",   "id":"a",  "result":{"z": 1.0,"n":"\n"}}"#);
}

#[tokio::test]
async fn a_gateway_that_resumes_nothing_is_called_again_for_what_only_reads() {
    let (gateway, url) = Gateway::new().await;
    let mut host = Host::start(&url);
    let (mut link, ask) = gateway.accept().await;
    link.say(&json!({ "jsonrpc": "2.0", "id": ask["id"], "error": { "code": -32601, "message": "no" } }).to_string())
        .await;
    let listing = host.send("tools/list", json!({})).await;
    let listing = {
        link.counted().await;
        listing
    };
    let tools = json!([{ "name": "look", "annotations": { "readOnlyHint": true } }, { "name": "change" }]);
    link.say(&json!({ "jsonrpc": "2.0", "id": listing, "result": { "tools": tools } }).to_string()).await;
    host.response(&listing).await;
    let look = host.send_call("look", json!({})).await;
    let change = host.send_call("change", json!({})).await;
    let keyed = host.send_call("change", json!({ "idempotency_key": "k" })).await;
    let other = host.send("vendor/change", json!({})).await;
    for _ in 0..4 {
        link.counted().await;
    }
    drop(link);
    let (mut link, ask) = gateway.accept().await;
    link.say(&json!({ "jsonrpc": "2.0", "id": ask["id"], "error": { "code": -32601, "message": "no" } }).to_string())
        .await;
    let changed = host.response(&change).await;
    assert_eq!((&changed["result"]["isError"], code(&changed)), (&json!(true), Some("outcome_unknown")), "{changed}");
    let other = host.response(&other).await;
    assert_eq!((&other["error"]["code"], code(&other)), (&json!(-32603), Some("outcome_unknown")), "{other}");
    for id in [look, keyed] {
        let again = link.counted().await;
        assert_eq!(again["id"], id);
        link.answer(&again).await;
        host.response(&id).await;
    }
}

#[tokio::test]
async fn what_the_gateway_did_not_take_up_before_it_stopped_is_not_unknown() {
    let (gateway, url) = Gateway::new().await;
    let mut host = Host::start(&url);
    let (mut link, _) = gateway.welcome(new()).await;
    let taken = host.send_call("change", json!({})).await;
    let left = host.send_call("change", json!({})).await;
    link.counted().await;
    link.counted().await;
    link.say(r#"{"jsonrpc":"2.0","method":"dev.sessile/received","params":{"count":1}}"#).await;
    link.close(1001, "draining").await;
    let (mut link, _) = gateway.welcome(new()).await;
    assert_eq!(code(&host.response(&taken).await), Some("outcome_unknown"));
    let again = link.counted().await;
    assert_eq!(again["id"], left);
    link.answer(&again).await;
    host.response(&left).await;
}

#[tokio::test]
async fn counts_and_credentials_are_as_the_binding_wants_them() {
    let (gateway, url) = Gateway::new().await;
    let mut host = Host::start(&url);
    let (mut link, ask) = gateway.welcome(new()).await;
    assert_eq!(ask["params"], json!({}));
    let ids = [host.send("ping", json!({})).await, host.send("ping", json!({})).await];
    for _ in 0..2 {
        let request = link.counted().await;
        link.answer(&request).await;
    }
    link.say(
        r#"{"jsonrpc":"2.0","method":"dev.sessile/credential","params":{"credential":"ssr_a_1","expires_at":"x"}}"#,
    )
    .await;
    for id in &ids {
        host.response(id).await;
    }
    assert_eq!(link.next().await["params"]["count"], 2, "it says that it has the credential");
    let (third, fourth) = (host.send("ping", json!({})).await, host.send("vendor/change", json!({})).await);
    link.counted().await;
    link.counted().await;
    drop(link);
    // The session goes on: of four messages, three came.
    let resumed = json!({ "outcome": "resumed", "session": "s", "received": 3, "credential": "ssr_a_2" });
    let (mut link, ask) = gateway.welcome(resumed).await;
    assert_eq!(ask["params"], json!({ "credential": "ssr_a_1", "received": 2 }));
    assert_eq!(link.next().await["params"]["count"], 2, "it has the new one");
    assert_eq!(link.counted().await["id"], fourth, "and sends what did not come");
    link.say(&json!({ "jsonrpc": "2.0", "id": third, "result": {} }).to_string()).await;
    link.say(&json!({ "jsonrpc": "2.0", "id": fourth, "result": {} }).to_string()).await;
    host.response(&third).await;
    host.response(&fourth).await;
    // Just now the gateway can't tell: the credential is as good as before.
    drop(link);
    let (mut link, ask) = gateway.accept().await;
    assert_eq!(ask["params"], json!({ "credential": "ssr_a_2", "received": 4 }));
    link.say(&json!({ "jsonrpc": "2.0", "id": ask["id"], "error": { "code": -32603, "message": "busy" } }).to_string())
        .await;
    let (_link, ask) = gateway.accept().await;
    assert_eq!(ask["params"], json!({ "credential": "ssr_a_2", "received": 4 }));
}

#[tokio::test]
async fn a_message_that_is_too_long_for_the_gateway_is_not_sent_for_ever() {
    let (gateway, url) = Gateway::new().await;
    let mut host = Host::start(&url);
    let (mut link, _) = gateway.welcome(new()).await;
    let long = host.send_call("look", json!({ "text": "x".repeat(1000) })).await;
    let short = host.send("ping", json!({})).await;
    link.counted().await;
    link.counted().await;
    link.close(1009, "message-too-big").await;
    let (mut link, _) = gateway.welcome(new()).await;
    assert_eq!(code(&host.response(&long).await), Some("too_large"));
    let again = link.counted().await;
    assert_eq!(again["id"], short);
    link.answer(&again).await;
    host.response(&short).await;
}

#[tokio::test]
async fn a_silent_connection_is_given_up() {
    let (gateway, url) = Gateway::new().await;
    let mut host = Host::start_with(&url, &["--ping-after", "0.2"], &[]);
    // Nothing is read from it, so no ping is answered.
    let (_silent, _) = gateway.welcome(new()).await;
    let request = host.send("ping", json!({})).await;
    let (mut link, _) = gateway.welcome(new()).await;
    let again = link.counted().await;
    link.answer(&again).await;
    host.response(&request).await;
}

#[tokio::test]
async fn what_the_gateway_asked_is_taken_back_when_its_session_is_gone() {
    let (gateway, url) = Gateway::new().await;
    let mut host = Host::start(&url);
    let (mut link, _) = gateway.welcome(new()).await;
    link.say(r#"{"jsonrpc":"2.0","id":7,"method":"roots/list"}"#).await;
    host.notification("roots/list").await;
    drop(link);
    let (mut link, _) = gateway.welcome(new()).await;
    assert_eq!(host.notification("notifications/cancelled").await["params"]["requestId"], 7);
    host.write(r#"{"jsonrpc":"2.0","id":7,"result":{"roots":[]}}"#).await;
    host.send("ping", json!({})).await;
    assert_eq!(link.counted().await["method"], "ping", "a late answer is not for this session");
}

#[tokio::test]
async fn what_answers_and_is_no_gateway_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let url = format!("ws://{}/mcp", listener.local_addr().expect("it has one"));
    let mut host = Host::start(&url);
    let id = host.send("initialize", json!({})).await;
    let (mut stream, _) = soon("a connection", listener.accept()).await.expect("somebody comes");
    let page = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n<html>no</html>";
    let mut request = [0; 4096];
    tokio::io::AsyncReadExt::read(&mut stream, &mut request).await.expect("it asks");
    tokio::io::AsyncWriteExt::write_all(&mut stream, page.as_bytes()).await.expect("it reads");
    let answer = host.response(&id).await;
    assert!(answer["error"]["message"].as_str().expect("a text").contains("no gateway"), "{answer}");
}
