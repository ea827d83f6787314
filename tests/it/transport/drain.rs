//! Stopping: what runs is finished, and everybody is told.

use crate::support::http::request;
use crate::support::{Gate, TestServer, soon, until};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[tokio::test]
async fn calls_in_flight_are_finished_and_sockets_close_with_1001() {
    let (gate, tool) = Gate::new();
    let mut server = TestServer::with_tools(vec![tool], |_| {}).await;
    let (mut busy, mut idle) = (server.sign_up("ann").await, server.connect().await);
    let call = busy.send_call("test_wait", json!({})).await;
    gate.entered().await;
    server.begin_to_stop();

    assert_eq!(idle.closed().await, (1001, "draining".to_owned()));
    // Nobody new comes in, while the call goes on.
    until("the listener is gone", || server.manager().is_draining()).await;
    let refused = soon("a refusal", async {
        while TcpStream::connect(server.address()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    refused.await;
    gate.open();
    assert_eq!(busy.response(&call).await["result"]["structuredContent"]["done"], true);
    assert_eq!(busy.closed().await, (1001, "draining".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn a_call_that_does_not_finish_in_time_is_given_up() {
    let (gate, tool) = Gate::new();
    let mut server = TestServer::with_tools(vec![tool], |options| options.drain = Duration::from_millis(100)).await;
    let mut client = server.connect().await;
    client.send_call("test_wait", json!({})).await;
    gate.entered().await;
    server.begin_to_stop();
    assert_eq!(client.closed().await.0, 1001);
    gate.left().await;
    server.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_runs_is_finished() {
    let mut server = TestServer::with(|options| {
        options.password.memory_kib = 4096;
        options.password.iterations = 20;
    })
    .await;
    let mut client = server.connect().await;
    let sign_up = json!({ "email": "ann@example.com", "password": "a long enough one", "tenant_name": "A" });
    let id = client.send_call("auth_sign_up", sign_up).await;
    // Its answer does not come before it is done, and this shows that it has begun.
    let mut other = server.connect().await;
    other.expect_silence().await;
    server.begin_to_stop();
    assert_eq!(client.closed().await.0, 1001);
    let answer = client.heard().into_iter().find(|message| message["id"] == id).expect("it was answered");
    assert_eq!(answer["result"]["structuredContent"]["role"], "owner");
    drop(other);
    server.stop().await;
}

#[tokio::test]
async fn a_server_with_nobody_on_it_stops_at_once_for_idle_http_connections_too() {
    let server = TestServer::start().await;
    let idle = request(server.address(), "GET /readyz", &[]).await;
    server.stop().await;
    drop(idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_connects_while_the_server_stops_is_not_forgotten() {
    let upgrade = "GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    for _ in 0..20 {
        let mut server = TestServer::start().await;
        let address = server.address();
        let mut connections = JoinSet::new();
        for _ in 0..50 {
            connections.spawn(async move {
                let Ok(mut stream) = TcpStream::connect(address).await else { return };
                if stream.write_all(upgrade.as_bytes()).await.is_ok() {
                    soon("the end of a connection", until_end(&mut stream)).await;
                }
            });
        }
        until("somebody is in", || server.manager().counts()[0] > 0).await;
        server.begin_to_stop();
        connections.join_all().await;
        server.stop().await;
    }
}

/// Reads until the connection is closed, in order or not.
async fn until_end(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while stream.read_buf(&mut read).await.is_ok_and(|count| count > 0) && !read.ends_with(b"draining") {}
}
