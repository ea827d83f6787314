//! Sessions, and what has an order.

use super::stage::*;
use crate::upstream::outbound::read;
use crate::upstream::test_server::{TestServer, events, reply, status};
use crate::upstream::{Failure, Outgoing, Purpose};
use crate::wire::{LATEST_LEGACY, MODERN};
use parking_lot::Mutex;
use std::sync::Arc;

#[tokio::test]
async fn a_session_is_carried_on_and_ended() {
    let mut stage = Stage::in_session(|seen| match seen.method.as_str() {
        "POST" => reply(200, &[JSON], result(1)),
        _ => status(405),
    })
    .await;
    stage.notify("notifications/initialized");
    stage.request(1, "tools/list");
    assert_eq!(stage.came().await, Came::Message(result(1), Some(1)));
    drop(stage.link);
    let mut methods = Vec::new();
    for _ in 0..4 {
        let seen = soon(stage.seen.recv()).await.expect("a request");
        assert_eq!(seen.header("mcp-session-id"), Some("the-session"), "{}", seen.method);
        assert_eq!(seen.header("mcp-protocol-version"), Some(LATEST_LEGACY), "{}", seen.method);
        assert_eq!((seen.header("mcp-method"), seen.header("authorization")), (None, Some("Bearer secret")));
        methods.push(seen.method);
    }
    methods.sort();
    assert_eq!(methods, ["DELETE", "GET", "POST", "POST"]);
    finished(&stage.tasks).await;
}

#[tokio::test]
async fn a_forgotten_session_says_so_in_either_way() {
    let words = r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}"#;
    for (status, body) in
        [(404, ""), (404, r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"x"}}"#), (400, words)]
    {
        let mut stage = Stage::in_session(move |_| reply(status, &[JSON], body)).await;
        stage.request(1, "tools/list");
        assert_eq!(stage.came().await, Came::Failed(1, Failure::Forgotten));
        assert!(matches!(stage.came().await, Came::Ended(_)));
        stage.seen().await;
        // Nothing is sent any more, not even that the session is over.
        stage.request(2, "tools/list");
        assert_eq!(stage.came().await, Came::Failed(2, Failure::Forgotten));
        drop(stage.link);
        finished(&stage.tasks).await;
        assert!(stage.seen.try_recv().is_err());
    }
}

#[tokio::test]
async fn what_concerns_no_request_comes_on_a_stream_of_its_own_that_is_kept_open() {
    let held = Held::default();
    let holding = held.clone();
    let mut stage = Stage::in_session(move |seen| {
        let text = match (seen.method.as_str(), seen.header("last-event-id")) {
            ("GET", None) => "retry: 0\nid: a\ndata: {\"method\":\"one\"}\n\n",
            ("GET", Some("a")) => "data: {\"method\":\"two\"}\n\n",
            _ => return status(405),
        };
        holding.stream(text)
    })
    .await;
    stage.notify("notifications/initialized");
    assert_eq!(stage.came().await, Came::Message(r#"{"method":"one"}"#.to_owned(), None));
    held.cut();
    assert_eq!(stage.came().await, Came::Message(r#"{"method":"two"}"#.to_owned(), None));
    drop(stage.link);
    finished(&stage.tasks).await;
}

#[tokio::test]
async fn a_session_that_is_forgotten_between_requests_is_noticed() {
    let words = r#"{"error":{"code":-32000,"message":"no session"}}"#;
    for (status, body) in [(404, ""), (400, words)] {
        let mut stage = Stage::in_session(move |_| reply(status, &[JSON], body)).await;
        stage.notify("notifications/initialized");
        assert!(matches!(stage.came().await, Came::Ended(Failure::Ended(why)) if why.contains("forgotten")));
    }
}

#[tokio::test]
async fn requests_do_not_overtake_the_end_of_the_handshake() {
    let (open_gate, gate) = tokio::sync::watch::channel(false);
    let order = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&order);
    let server = TestServer::start(move |request| {
        let (mut gate, noted) = (gate.clone(), Arc::clone(&noted));
        async move {
            let text = read(request.into_body(), 1000).await.expect("a body");
            let text = String::from_utf8(text.into()).expect("text");
            if text.contains("initialized") {
                gate.wait_for(|open| *open).await.expect("it opens");
            }
            if text.is_empty() {
                return status(405);
            }
            noted.lock().push(text.clone());
            if text.contains("\"id\":1") { reply(200, &[JSON], result(1)) } else { status(202) }
        }
    })
    .await;
    let (link, mut came, _tasks) = link_to(&server.url("/"));
    let notification = |method: &str| Outgoing {
        text: format!(r#"{{"method":"{method}"}}"#),
        purpose: Purpose::Notification { method: method.to_owned() },
    };
    link.send(notification("notifications/initialized"));
    for step in 0..5 {
        link.send(notification(&format!("notifications/{step}")));
    }
    let purpose = Purpose::Request { id: 1, method: "ping".to_owned(), name: None, repeated: Vec::new() };
    link.send(Outgoing { text: r#"{"id":1}"#.to_owned(), purpose });
    link.send(Outgoing { text: r#"{"result":1}"#.to_owned(), purpose: Purpose::Response });
    tokio::task::yield_now().await;
    assert!(order.lock().is_empty());
    open_gate.send(true).expect("it waits");
    assert_eq!(soon(came.recv()).await, Some(Came::Message(result(1), Some(1))));
    while order.lock().len() < 8 {
        tokio::task::yield_now().await;
    }
    let order = order.lock();
    let place =
        |what: &str| order.iter().position(|text| text.contains(what)).unwrap_or_else(|| panic!("{what}: {order:?}"));
    assert_eq!(place("initialized"), 0);
    let notifications: Vec<_> = (0..5).map(|step| place(&format!("notifications/{step}"))).collect();
    assert!(notifications.is_sorted(), "{order:?}");
    assert_eq!(place("result"), 7, "an answer does not overtake the notifications before it: {order:?}");
}

#[tokio::test]
async fn a_stream_that_is_cut_goes_on_where_it_was() {
    for abrupt in [false, true] {
        let held = Held::default();
        let holding = held.clone();
        let mut stage = Stage::in_session(move |seen| match (seen.method.as_str(), seen.header("last-event-id")) {
            ("POST", _) => holding.stream("id: p\ndata:\n\nretry: 10\n\ndata: {\"method\":\"one\"}\n\n"),
            // One that is polled may have nothing to say yet.
            ("GET", Some("p")) => reply(200, &[STREAM], "id: q\ndata:\n\n"),
            ("GET", Some("q")) => reply(200, &[STREAM], format!("data: {}\n\n", result(1))),
            _ => status(405),
        })
        .await;
        stage.request(1, "tools/call");
        assert_eq!(stage.came().await, Came::Message(r#"{"method":"one"}"#.to_owned(), Some(1)));
        if abrupt {
            held.cut()
        } else {
            held.close()
        }
        assert_eq!(stage.came().await, Came::Message(result(1), Some(1)));
    }
}

#[tokio::test]
async fn a_stream_that_can_not_go_on_has_no_answer() {
    // Without ids, with ids that lead to nothing, and in the modern era, where there is no going on.
    for (version, text) in
        [(LATEST_LEGACY, ": x\n\n"), (LATEST_LEGACY, "retry: 0\nid: p\ndata:\n\n"), (MODERN, "id: p\ndata:\n\n")]
    {
        let mut stage = Stage::new(move |seen| {
            let (sender, response) = events();
            sender.send(Ok(text.to_owned())).expect("it is read");
            if seen.method == "POST" { response } else { status(405) }
        })
        .await;
        stage.link.agreed(version);
        stage.request(1, "tools/call");
        let came = stage.came().await;
        assert!(matches!(came, Came::Failed(1, Failure::Ended(_))), "{came:?}");
    }
}
