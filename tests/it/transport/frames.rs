//! Frames that end a connection, each with the close code that says why.

use crate::support::{Client, TestServer};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::protocol::Message;

/// Sends bytes below the WebSocket.
async fn send_bytes(client: &mut Client, bytes: &[u8]) {
    client.stream().write_all(bytes).await.expect("the connection is open");
}

async fn expect_close(mut client: Client, code: u16, reason: &str) {
    assert_eq!(client.closed().await, (code, reason.to_owned()));
    assert!(client.heard().is_empty());
}

#[tokio::test]
async fn a_binary_frame_closes_with_1003() {
    let server = TestServer::start().await;
    for text in ["{}", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, ""] {
        let mut client = server.connect().await;
        client.send_frame(Message::binary(text.as_bytes().to_vec())).await;
        expect_close(client, 1003, "binary-frame").await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_message_above_the_limit_closes_with_1009_and_one_at_it_is_served() {
    const MOST: usize = 4096;
    let server = TestServer::with(|options| options.sessions.max_frame_bytes = MOST).await;
    let ping = |bytes: usize| {
        let frame = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"x":"{}"}}}}"#, "x".repeat(bytes));
        let over = frame.len() - bytes;
        (frame, over)
    };
    let (_, envelope) = ping(0);
    let mut client = server.connect().await;
    let (fits, _) = ping(MOST - envelope);
    assert_eq!(fits.len(), MOST);
    client.send_text(&fits).await;
    assert_eq!(client.next().await["result"], json!({}));

    let (too_long, _) = ping(MOST - envelope + 1);
    client.send_unannounced(&too_long).await;
    expect_close(client, 1009, "message-too-big").await;

    // In fragments, each of which would fit: 0x01 begins a text, 0x00 goes on with it.
    let mut client = server.connect().await;
    for first in [0x01, 0x00] {
        let mut frame = vec![first, 0x80 | 126, 0x0c, 0x00, 0, 0, 0, 0];
        frame.resize(frame.len() + 0x0c00, b' ');
        send_bytes(&mut client, &frame).await;
    }
    expect_close(client, 1009, "message-too-big").await;
    server.stop().await;
}

#[tokio::test]
async fn text_that_is_not_utf_8_closes_with_1007() {
    let server = TestServer::start().await;
    for payload in [[0xff, 0xfe], [0xc3, 0x28], [0xed, 0xa0]] {
        let mut client = server.connect().await;
        send_bytes(&mut client, &[&[0x81, 0x82, 0, 0, 0, 0], &payload[..]].concat()).await;
        expect_close(client, 1007, "invalid-utf8").await;
    }
}

#[tokio::test]
async fn frames_that_break_the_protocol_close_with_1002() {
    let server = TestServer::start().await;
    let cases: [(&str, &[u8]); 5] = [
        ("unmasked", &[0x81, 0x02, b'{', b'}']),
        ("a reserved bit", &[0xc1, 0x80, 0, 0, 0, 0]),
        ("a reserved opcode", &[0x83, 0x80, 0, 0, 0, 0]),
        ("a continuation of nothing", &[0x80, 0x80, 0, 0, 0, 0]),
        ("a ping in fragments", &[0x09, 0x80, 0, 0, 0, 0]),
    ];
    for (what, bytes) in cases {
        let mut client = server.connect().await;
        send_bytes(&mut client, bytes).await;
        assert_eq!(client.closed().await, (1002, "protocol-error".to_owned()), "{what}");
    }
}

#[tokio::test]
async fn a_message_in_fragments_is_one_message() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    client.send_in_fragments(r#"{"jsonrpc":"2.0","id":"x","method":"ping"}"#, 20).await;
    assert_eq!(client.next_text().await, r#"{"jsonrpc":"2.0","id":"x","result":{}}"#);
}

#[tokio::test]
async fn a_close_is_answered_and_a_lost_connection_is_forgotten() {
    let server = TestServer::start().await;
    server.sign_up("ann").await.close().await;
    drop(server.sign_in("ann").await);
    // Bytes that follow a close are not looked at.
    let mut client = server.sign_in("ann").await;
    send_bytes(&mut client, &[0x88, 0x80, 0, 0, 0, 0, 0x81, 0x02, b'{', b'}']).await;
    drop(client);
    server.stop().await;
}
