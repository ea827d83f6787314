//! Single requests.

use super::stage::*;
use crate::upstream::outbound::read;
use crate::upstream::test_server::{TestServer, events, reply, status};
use crate::upstream::{Failure, Outgoing, Purpose};
use crate::wire::MODERN;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use url::Url;

#[tokio::test]
async fn a_request_is_answered_by_json() {
    let mut stage = Stage::new(|_| reply(200, &[("content-type", "application/JSON; charset=utf-8")], result(7))).await;
    stage.request(7, "ping");
    assert_eq!(stage.came().await, Came::Message(result(7), Some(7)));
    let seen = stage.seen().await;
    assert_eq!(seen.text, r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
    assert_eq!((seen.method.as_str(), seen.header("authorization")), ("POST", Some("Bearer secret")));
    assert_eq!(seen.header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!((seen.header("mcp-protocol-version"), seen.header("mcp-session-id")), (None, None));
}

#[tokio::test]
async fn a_stream_brings_messages_in_order_and_then_the_answer() {
    let mut stage = Stage::new(|_| {
        let (sender, response) = events();
        let all = [r#"{"method":"notifications/progress"}"#, r#"{"id":1,"method":"ping"}"#, &result(7)];
        for text in all {
            sender.send(Ok(format!("event: message\ndata: {text}\n\n"))).expect("it is read");
        }
        response
    })
    .await;
    stage.request(7, "tools/call");
    assert_eq!(stage.came().await, Came::Message(r#"{"method":"notifications/progress"}"#.to_owned(), Some(7)));
    assert_eq!(stage.came().await, Came::Message(r#"{"id":1,"method":"ping"}"#.to_owned(), Some(7)));
    assert_eq!(stage.came().await, Came::Message(result(7), Some(7)));
    finished(&stage.tasks).await;
    assert!(stage.came.try_recv().is_err(), "an answered request does not fail");
}

#[tokio::test]
async fn modern_requests_repeat_what_they_say_in_headers() {
    let mut stage = Stage::new(|_| reply(200, &[JSON, ("mcp-session-id", "none")], result(1))).await;
    // The first one says itself in which revision it is: nothing is agreed yet.
    let meta = r#""params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover",{meta}}}"#);
    let purpose = Purpose::Request { id: 1, method: "server/discover".to_owned(), name: None, repeated: Vec::new() };
    stage.link.send(Outgoing { text, purpose });
    let seen = stage.seen().await;
    assert_eq!(seen.header("mcp-protocol-version"), Some(MODERN));
    assert_eq!((seen.header("mcp-method"), seen.header("mcp-name")), (Some("server/discover"), None));
    stage.link.agreed(MODERN);
    let repeated = vec![("Mcp-Param-Region".to_owned(), "K\u{f6}ln".to_owned())];
    let purpose =
        Purpose::Request { id: 2, method: "tools/call".to_owned(), name: Some("look up".to_owned()), repeated };
    stage.link.send(Outgoing { text: r#"{"id":2}"#.to_owned(), purpose });
    let seen = stage.seen().await;
    assert_eq!(seen.header("mcp-protocol-version"), Some(MODERN));
    assert_eq!((seen.header("mcp-method"), seen.header("mcp-name")), (Some("tools/call"), Some("look up")));
    assert_eq!(seen.header("mcp-param-region"), Some("=?base64?S8O2bG4=?="));
    assert_eq!(seen.header("mcp-session-id"), None);
    // What is not said in this era is not sent: a closed stream cancels, and nobody has asked anything.
    stage.notify("notifications/cancelled");
    stage.link.send(Outgoing { text: "{}".to_owned(), purpose: Purpose::Response });
    drop(stage.link);
    finished(&stage.tasks).await;
    assert!(stage.seen.try_recv().is_err());
}

#[tokio::test]
async fn an_error_response_is_passed_on_whatever_its_status() {
    for code in [400, 404, 500] {
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found","data":{"x":1.0}}}"#;
        let mut stage = Stage::new(move |_| reply(code, &[JSON], error)).await;
        stage.request(1, "unknown/method");
        assert_eq!(stage.came().await, Came::Message(error.to_owned(), Some(1)));
    }
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure_that_says_why() {
    let other = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"x"}}"#;
    for (response, expected) in [
        ((500, JSON.1, other), Failure::Status(500)),
        ((404, "text/html", "<html>"), Failure::Status(404)),
        ((400, JSON.1, "garbage"), Failure::Status(400)),
        ((202, "", ""), Failure::Unreadable("status 202 with neither JSON nor events".to_owned())),
        ((200, "text/html", "<html>"), Failure::Unreadable("status 200 with neither JSON nor events".to_owned())),
        ((401, "", ""), Failure::Unauthorized(Some("Bearer realm=\"x\"".to_owned()))),
        ((403, JSON.1, other), Failure::Unauthorized(Some("Bearer realm=\"x\"".to_owned()))),
    ] {
        let (code, kind, body) = response;
        let headers = [("content-type", kind), ("www-authenticate", "Bearer realm=\"x\"")];
        let mut stage = Stage::new(move |_| reply(code, &headers, body)).await;
        stage.request(1, "ping");
        assert_eq!(stage.came().await, Came::Failed(1, expected), "{code} {kind}");
    }
}

#[tokio::test]
async fn garbage_is_passed_on_and_is_no_answer() {
    for (kind, body) in [(JSON.1, "garbage"), ("text/event-stream", "data: garbage\n\n")] {
        let mut stage = Stage::new(move |_| reply(200, &[("content-type", kind)], body)).await;
        stage.request(1, "ping");
        assert_eq!(stage.came().await, Came::Message("garbage".to_owned(), Some(1)));
        assert!(matches!(stage.came().await, Came::Failed(1, Failure::Unreadable(_) | Failure::Ended(_))));
    }
    let mut stage = Stage::new(|_| reply(200, &[JSON], &b"\"\xff\""[..])).await;
    stage.request(1, "ping");
    assert!(matches!(stage.came().await, Came::Failed(1, Failure::Unreadable(_))));
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    for (kind, before) in [(JSON.1, ""), ("text/event-stream", "data: ")] {
        let body = format!("{before}{}\n\n", "x".repeat(LIMIT + 100));
        let mut stage = Stage::new(move |_| reply(200, &[("content-type", kind)], body.clone())).await;
        stage.request(1, "ping");
        assert_eq!(stage.came().await, Came::Failed(1, Failure::TooLarge(LIMIT)));
    }
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_refused() {
    let mut stage = Stage::new(|_| reply(307, &[("location", "http://other.example/mcp")], "")).await;
    stage.request(1, "ping");
    let came = stage.came().await;
    assert!(matches!(&came, Came::Failed(1, Failure::Unreadable(why)) if why.contains("other.example")), "{came:?}");
}

#[tokio::test]
async fn what_is_forgotten_is_closed_and_says_nothing_more() {
    for streaming in [false, true] {
        let (closed, mut was_closed) = unbounded_channel::<()>();
        let (begun, mut has_begun) = unbounded_channel::<()>();
        let server = TestServer::start(move |_| {
            // Dropped when the connection closes, with the answer that never comes or the stream that is open.
            let (closed, begun) = (Notice(closed.clone()), begun.clone());
            async move {
                let _ = begun.send(());
                if streaming {
                    let (sender, response) = events();
                    tokio::spawn(async move {
                        sender.closed().await;
                        drop(closed);
                    });
                    return response;
                }
                let _closed = closed;
                std::future::pending().await
            }
        })
        .await;
        let (link, mut came, tasks) = link_to(&server.url("/"));
        link.agreed(MODERN);
        let purpose = Purpose::Request { id: 1, method: "tools/call".to_owned(), name: None, repeated: Vec::new() };
        link.send(Outgoing { text: r#"{"id":1}"#.to_owned(), purpose });
        soon(has_begun.recv()).await.expect("it is asked");
        link.forget(1);
        soon(was_closed.recv()).await.expect("the connection is closed");
        finished(&tasks).await;
        assert!(came.try_recv().is_err(), "streaming: {streaming}");
    }
}

#[tokio::test]
async fn connections_are_used_again_after_each_kind_of_answer() {
    let connections = Arc::new(Mutex::new(std::collections::BTreeSet::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url: Url = format!("http://{}/", listener.local_addr().expect("an address")).parse().expect("a URL");
    let counted = Arc::clone(&connections);
    let server = tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.expect("a connection");
            counted.lock().insert(peer);
            let service = hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                let text = read(request.into_body(), 1000).await.expect("a body");
                let text = String::from_utf8(text.into()).expect("text");
                let id: i64 = text.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0);
                Ok::<_, std::convert::Infallible>(match id {
                    0 => status(202),
                    id if id % 2 == 0 => reply(200, &[JSON], result(id)),
                    id => {
                        let (sender, response) = events();
                        sender.send(Ok(format!("data: {}\n\n", result(id)))).expect("it is read");
                        response
                    }
                })
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    let (link, mut came, tasks) = link_to(&url);
    for id in 1..10 {
        let purpose = Purpose::Request { id, method: "ping".to_owned(), name: None, repeated: Vec::new() };
        link.send(Outgoing { text: format!(r#"{{"id":{id}}}"#), purpose });
        assert_eq!(soon(came.recv()).await, Some(Came::Message(result(id), Some(id))));
        finished(&tasks).await;
    }
    assert_eq!(connections.lock().len(), 1);
    server.abort();
}

/// Tells when it is dropped.
struct Notice(UnboundedSender<()>);

impl Drop for Notice {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}
