//! Connections on which the wrong thing happens for too long, or nothing.

use crate::support::{TestServer, reports, soon};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::protocol::Message;

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn nobody_stays_long_without_a_sign_in() {
    let server = TestServer::with(|options| {
        options.sessions.unauthenticated = SHORT;
        options.sessions.ping_interval = SHORT / 8;
    })
    .await;
    let mut stranger = server.connect().await;
    let mut ann = server.sign_up("ann").await;
    stranger.tool("auth_whoami", json!({})).await;
    assert_eq!(stranger.closed().await, (4001, "not-signed-in".to_owned()));
    // Signed out again, she has that time once more, however long she was signed in.
    let signed_in = Instant::now();
    ann.tool("auth_sign_out", json!({})).await;
    assert_eq!(ann.closed().await, (4001, "not-signed-in".to_owned()));
    assert!(signed_in.elapsed() >= SHORT, "{:?}", signed_in.elapsed());
    server.stop().await;
}

/// A server that pings often.
async fn impatient() -> TestServer {
    TestServer::with(|options| {
        options.sessions.ping_interval = SHORT;
        options.sessions.idle_timeout = SHORT * 4;
    })
    .await
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_given_up() {
    let server = impatient().await;
    let mut client = server.connect().await;
    // Below the WebSocket nobody answers: a ping of no bytes comes, then the close.
    let mut bytes = Vec::new();
    soon("the close", client.stream().read_to_end(&mut bytes)).await.expect("the server closes in order");
    let reason = b"idle";
    let close = [&[0x88, 6, 0x0f, 0xa2], &reason[..]].concat();
    assert_eq!(bytes, [&[0x89, 0x00], &close[..]].concat());
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_answers_pings_may_be_silent() {
    let server = impatient().await;
    let mut client = server.sign_up("ann").await;
    // As many as it takes to be silent for longer than is good for who does not answer.
    for _ in 0..6 {
        client.pinged().await;
    }
    client.tool("auth_whoami", json!({})).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_with_4003() {
    let server = TestServer::with(|options| {
        options.sessions.write_timeout = SHORT;
        options.sessions.idle_timeout = Duration::from_secs(600);
    })
    .await;
    let mut client = server.sign_up("ann").await;
    let list = r#"{"jsonrpc":"2.0","method":"tools/list","id":"#;
    // Far more answers than the sockets' buffers hold.
    for id in 0..3000 {
        let frame = Message::text(format!("{list}{id}}}"));
        // It stops reading, too: then it is not read from either, and will soon be blocked.
        if tokio::time::timeout(SHORT, client.send_frame(frame)).await.is_err() {
            break;
        }
    }
    tokio::time::sleep(SHORT * 4).await;
    assert_eq!(client.closed_unheard().await, (4003, "slow-reader".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn a_call_that_says_too_much_at_once_ends_its_own_session() {
    let server = TestServer::with_tools(vec![reports()], |options| options.sessions.max_queued_bytes = 4096).await;
    let mut client = server.sign_up("ann").await;
    let params =
        |times| json!({ "name": "test_report", "arguments": { "times": times }, "_meta": { "progressToken": 1 } });
    client.result("tools/call", params(10)).await;
    client.send("tools/call", params(1000)).await;
    assert_eq!(client.closed().await, (4003, "slow-reader".to_owned()));
    server.stop().await;
}
