//! What is too large, too slow, or too many.

use crate::support::{PASSWORD, TestServer, email, reports, soon, until};
use flate2::read::GzDecoder;
use serde_json::json;
use sessile::wire::Era;
use std::io::Read;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn a_body_has_so_many_bytes() {
    let server = TestServer::with(|options| options.sessions.max_frame_bytes = 4096).await;
    let mut client = server.http(Era::Legacy);
    let (head, tail) = (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":""#, r#""}}"#);
    let fill = "x".repeat(4096 - head.len() - tail.len());
    assert_eq!(client.post(&[], &format!("{head}{fill}{tail}")).await.status, 200);
    let mut refused = client.post(&[], &format!("{head}{fill}x{tail}")).await;
    assert_eq!(refused.status, 413);
    assert!(refused.text().await.contains("max_frame_bytes"));
    // Of one that does not say how long it is, no more is read either.
    let mut stream = TcpStream::connect(server.address()).await.expect("the server listens");
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(4096));
    let start =
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(format!("{start}{chunk}{chunk}").as_bytes()).await.expect("it is open");
    let mut answer = [0; 12];
    soon("an answer", stream.read_exact(&mut answer)).await.expect("it answers");
    assert_eq!(&answer, b"HTTP/1.1 413");
    server.stop().await;
}

#[tokio::test]
async fn a_body_has_so_long_to_arrive() {
    let server = TestServer::with(|options| options.handshake = SHORT).await;
    let mut stream = TcpStream::connect(server.address()).await.expect("the server listens");
    let start =
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{";
    stream.write_all(start.as_bytes()).await.expect("it is open");
    let mut answer = [0; 12];
    soon("an answer", stream.read_exact(&mut answer)).await.expect("it answers");
    assert_eq!(&answer, b"HTTP/1.1 408");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_stream_is_cut_off() {
    let server = TestServer::with_tools(vec![reports()], |options| options.sessions.write_timeout = SHORT).await;
    let mut client = server.http_sign_up(Era::Modern, "ann").await;
    // Far more lists than the sockets' buffers hold, asked for at once and left unread.
    let (message, headers) = client.message("tools/list", json!({}));
    let body = message.to_string();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address()).await.expect("the server listens");
    let cut = async { while stream.write_all(head.as_bytes()).await.is_ok() {} };
    soon("the end of the connection", cut).await;
    server.stop().await;
}

#[tokio::test]
async fn who_opens_a_session_for_every_call_ends_their_own_oldest() {
    let server = TestServer::with(|options| {
        options.sessions.max_sessions_per_user = 4;
        options.sessions.max_sessions_per_address = 8;
    })
    .await;
    let mut ann = server.http_sign_up(Era::Legacy, "ann").await;
    let mut opened = Vec::new();
    for _ in 0..5 {
        ann.session = None;
        ann.initialize("2025-11-25").await;
        opened.extend(ann.session.clone());
    }
    let mut found = Vec::new();
    for session in &opened {
        ann.session = Some(session.clone());
        found.push(ann.post(&[], r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await.status);
    }
    assert_eq!(found, [404, 404, 404, 200, 200]);
    // Those that are in use stay, and a newcomer waits.
    let streams = [opened[3].clone(), opened[4].clone()];
    for session in &streams {
        ann.session = Some(session.clone());
        ann.listen(None).await;
    }
    ann.session = None;
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } } });
    let refused = ann.post(&[], &hello.to_string()).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("30")));
    // Nobody's are counted by address, and leave room for who stays connected.
    for _ in 0..20 {
        server.http(Era::Legacy).initialize("2025-11-25").await;
    }
    assert_eq!(server.manager().counts()[0], 2 + 4);
    let mut stayer = server.connect().await;
    stayer.tool("auth_sign_in", json!({ "email": email("ann"), "password": PASSWORD })).await;
    drop((ann, stayer));
    server.stop().await;
}

#[tokio::test]
async fn sessions_end_when_nobody_uses_them_and_when_they_are_old() {
    let server = TestServer::with(|options| options.sessions.http_idle = SHORT).await;
    let (mut idle, mut reader) = (server.http(Era::Legacy), server.http(Era::Legacy));
    idle.initialize("2025-11-25").await;
    reader.initialize("2025-11-25").await;
    let stream = reader.listen(None).await;
    until("the idle one is gone", || server.manager().counts()[0] == 1).await;
    assert_eq!(idle.post(&[], r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await.status, 404);
    reader.result("ping", json!({})).await;
    reader.hang_up(&stream);
    until("both are gone", || server.manager().counts()[0] == 0).await;
    server.stop().await;

    let server = TestServer::with(|options| options.sessions.http_lifetime = SHORT).await;
    let mut client = server.http(Era::Legacy);
    client.initialize("2025-11-25").await;
    let stream = client.listen(None).await;
    assert_eq!(client.next_of(&stream).await, None);
    until("it is gone", || server.manager().counts()[0] == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn quiet_streams_say_that_they_are_there() {
    let server = TestServer::with(|options| options.sessions.ping_interval = SHORT / 10).await;
    let mut client = server.http(Era::Legacy);
    client.initialize("2025-11-25").await;
    let stream = client.listen(None).await;
    let mut modern = server.http(Era::Modern);
    let listening = modern.send("subscriptions/listen", json!({ "notifications": {} })).await;
    for exchange in [client.exchange(&stream), modern.exchange(&listening)] {
        exchange.next_event().await.expect("the beginning");
        for _ in 0..3 {
            assert_eq!(exchange.next_event().await.as_deref(), Some(":\n\n"));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_takes_that() {
    let server = TestServer::start().await;
    let mut client = server.http(Era::Legacy);
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let mut plain = client.post(&[], list).await;
    assert_eq!(plain.header("content-encoding"), None);
    let plain = plain.text().await;
    let mut squeezed = client.post(&[("Accept-Encoding", "br, gzip;q=0.5")], list).await;
    assert_eq!(squeezed.header("content-encoding"), Some("gzip"));
    assert_eq!(squeezed.header("vary"), Some("accept-encoding"));
    let bytes = squeezed.body().await;
    assert!(bytes.len() < plain.len() / 2);
    let mut text = String::new();
    GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("it is gzip");
    assert_eq!(text, plain);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(client.post(&[("Accept-Encoding", "gzip")], ping).await.header("content-encoding"), None);
    assert_eq!(client.post(&[("Accept-Encoding", "gzip;q=0")], list).await.header("content-encoding"), None);
    server.stop().await;
}
