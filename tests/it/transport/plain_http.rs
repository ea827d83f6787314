//! What is served without an upgrade: health, and hints for whoever took a wrong turn.

use crate::support::http::{request, request_on};
use crate::support::{TestServer, soon};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

const METHODS: &str = "GET, POST, DELETE, OPTIONS";

#[tokio::test]
async fn plain_requests_are_answered_with_what_to_do() {
    let server = TestServer::start().await;
    for (line, status, body, header) in [
        ("GET /healthz", 200, "ok", None),
        ("HEAD /healthz", 200, "", None),
        ("GET /readyz", 200, "ok", None),
        ("HEAD /readyz", 200, "", None),
        ("GET /healthz?verbose", 200, "ok", None),
        ("POST /healthz", 405, "GET", Some(("allow", "GET, HEAD"))),
        ("GET /mcp", 405, "WebSocket", Some(("allow", METHODS))),
        ("HEAD /mcp", 405, "", Some(("allow", METHODS))),
        ("DELETE /mcp", 405, "Streamable HTTP", Some(("allow", METHODS))),
        ("PUT /mcp", 405, "Streamable HTTP", Some(("allow", METHODS))),
        ("OPTIONS /mcp", 204, "", Some(("allow", METHODS))),
        ("POST /mcp", 400, "Parse error", Some(("content-type", "application/json"))),
        ("GET /", 404, "/mcp", None),
        ("GET /mcp/", 404, "/mcp", None),
        ("GET /../healthz", 404, "/mcp", None),
    ] {
        let response = request(server.address(), line, &[("Connection", "close")]).await;
        assert_eq!(response.status, status, "{line}");
        assert!(response.body.contains(body), "{line}: {}", response.body);
        if let Some((name, value)) = header {
            assert_eq!(response.header(name), Some(value), "{line}");
        }
    }
}

#[tokio::test]
async fn one_connection_can_ask_twice_and_then_upgrade() {
    let server = TestServer::start().await;
    let first = request(server.address(), "GET /healthz", &[]).await;
    let second = request_on(first.stream, "GET /readyz", &[]).await;
    let key = [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
    let headers = [&[("Connection", "Upgrade"), ("Upgrade", "websocket")], &key[..]].concat();
    let third = request_on(second.stream, "GET /mcp", &headers).await;
    assert_eq!(third.status, 101);
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_is_closed() {
    let server = TestServer::with(|options| options.handshake = Duration::from_millis(100)).await;
    let mut silent = TcpStream::connect(server.address()).await.expect("the server listens");
    let read = soon("the end of a silent connection", silent.read(&mut [0; 256])).await;
    assert_eq!(read.unwrap_or_default(), 0);
    server.stop().await;
}
