//! Real sockets, with a server written here at the other end.

use super::*;
use crate::tenancy::Role as Member;
use crate::upstream::definition::{Allowed, Definition, EraChoice, Isolation, Reach, Tenants, UpstreamLimits};
use crate::upstream::outbound::Destinations;
use crate::upstream::recorder::{Came, Recorder, request as send};
use crate::upstream::template::Template;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request as Upgrade, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

const DEADLINE: Duration = Duration::from_secs(30);

type Server = WebSocketStream<TcpStream>;

/// A listener, and the definition of an upstream that is there.
async fn listen() -> (TcpListener, Definition) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let url = format!("ws://{}/mcp?a=b", listener.local_addr().expect("it has one"));
    let url = Template::parse(&url).expect("it is a template");
    let definition = Definition {
        name: "remote".into(),
        prefix: String::new(),
        reach: Reach::WebSocket { url, headers: BTreeMap::new() },
        tenants: Tenants::All,
        role: Member::Viewer,
        tools: Allowed::default(),
        isolation: Isolation::Session,
        era: EraChoice::Auto,
        limits: UpstreamLimits { max_message_bytes: 100_000, ..UpstreamLimits::default() },
        identity: None,
        authorization: None,
        added: false,
    };
    (listener, definition)
}

async fn connect_to(definition: Definition, inbox: &Arc<Recorder>) -> Result<(Box<dyn Link>, TaskTracker), Failure> {
    let headers = HeaderMap::from_iter([
        (http::header::AUTHORIZATION, HeaderValue::from_static("Bearer hunter22")),
        (http::header::HOST, HeaderValue::from_static("elsewhere")),
    ]);
    let outward = Outward::fixed(definition, headers, Vec::new());
    let tasks = TaskTracker::new();
    let outbound = Outbound::new(Destinations::Any);
    let link = open(outward, &outbound, Arc::clone(inbox) as Arc<dyn Inbox>, &tasks);
    Ok((timeout(DEADLINE, link).await.expect("it does not take for ever")?, tasks))
}

/// A link to a server that takes the first connection and does this with it.
async fn serve<F: Future + Send + 'static>(
    server: impl FnOnce(Server) -> F + Send + 'static,
) -> (Box<dyn Link>, Arc<Recorder>, TaskTracker, JoinHandle<F::Output>)
where
    F::Output: Send,
{
    let (listener, definition) = listen().await;
    let server = tokio::spawn(async move { server(accept(&listener, true, true).await).await });
    let inbox = Recorder::new();
    let (link, tasks) = connect_to(definition, &inbox).await.expect("it connects");
    (link, inbox, tasks, server)
}

/// Takes one connection, which has to offer the subprotocol or not, and selects it or not.
async fn accept(listener: &TcpListener, offers: bool, select: bool) -> Server {
    let (stream, _) = listener.accept().await.expect("somebody comes");
    #[expect(clippy::result_large_err, reason = "the library wants it so")]
    let check = |request: &Upgrade, mut response: Response| {
        let headers = request.headers();
        assert_eq!(request.uri(), "/mcp?a=b");
        assert_eq!(headers["authorization"], "Bearer hunter22");
        assert_ne!(headers["host"], "elsewhere");
        assert_eq!(headers.get("sec-websocket-protocol"), offers.then_some(&HeaderValue::from_static("mcp")));
        if select {
            response.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("mcp"));
        }
        Ok(response)
    };
    accept_hdr_async(stream, check).await.expect("it upgrades")
}

/// Answers each request with its own text.
async fn echo(mut socket: Server) -> Option<CloseFrame> {
    let mut id = 0;
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => {
                id += 1;
                let answer = json!({"jsonrpc": "2.0", "id": id, "result": text.as_str()});
                socket.send(Message::text(answer.to_string())).await.expect("it is read");
            }
            Message::Close(frame) => return frame,
            _ => {}
        }
    }
    None
}

#[tokio::test]
async fn a_request_is_answered_and_the_end_is_told_to_the_upstream() {
    let (link, inbox, tasks, server) = serve(echo).await;
    for id in 1..=100 {
        send(&*link, id, &format!("{{\"number\":{id}}}"));
    }
    for id in 1..=100 {
        assert_eq!(inbox.answer(id).await, Ok(json!(format!("{{\"number\":{id}}}"))));
    }
    drop(link);
    tasks.close();
    timeout(DEADLINE, tasks.wait()).await.expect("nothing of it is left");
    let frame = timeout(DEADLINE, server).await.expect("it ends").expect("it does not panic");
    assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(1000));
    assert!(!inbox.came().iter().any(|came| matches!(came, Came::Ended(_))));
}

#[tokio::test]
async fn a_server_need_not_know_the_subprotocol() {
    let (listener, definition) = listen().await;
    tokio::spawn(async move {
        drop(accept(&listener, true, false).await);
        echo(accept(&listener, false, false).await).await
    });
    let inbox = Recorder::new();
    let (link, _tasks) = connect_to(definition, &inbox).await.expect("it connects");
    send(&*link, 1, "{}");
    assert_eq!(inbox.answer(1).await, Ok(json!("{}")));
}

#[tokio::test]
async fn a_refusal_is_named() {
    for (answer, failure) in [
        ("401 Unauthorized\r\nWWW-Authenticate: Bearer x=\"y\"", Failure::Unauthorized(Some("Bearer x=\"y\"".into()))),
        ("404 Not Found", Failure::Status(404)),
        ("200 OK", Failure::Status(200)),
    ] {
        let (listener, definition) = listen().await;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody comes");
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut request).await.expect("it asks");
            }
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("it listens");
        });
        assert_eq!(connect_to(definition, &Recorder::new()).await.err(), Some(failure));
    }
    let (listener, definition) = listen().await;
    drop(listener);
    let failure = connect_to(definition, &Recorder::new()).await.err();
    assert!(matches!(failure, Some(Failure::Unreachable(_))), "{failure:?}");
}

#[tokio::test]
async fn how_the_upstream_ends_it_is_named() {
    let close = |code: u16, reason: &'static str| CloseFrame { code: code.into(), reason: reason.into() };
    for (message, why) in [
        (Message::Close(None), "it closed the connection"),
        (Message::Close(Some(close(1001, ""))), "it closed the connection with code 1001"),
        (Message::Close(Some(close(4000, "\u{1b}bye"))), r"it closed the connection with code 4000 \u{1b}bye"),
        (Message::binary(vec![1]), "it sent a binary frame"),
        (Message::text("x".repeat(100_001)), "it sent more than 100000 bytes, which is the limit"),
    ] {
        let (link, inbox, tasks, _server) = serve(move |mut socket| async move {
            socket.send(message).await.expect("it is read");
            while let Some(Ok(_)) = socket.next().await {}
        })
        .await;
        assert_eq!(inbox.ended().await, Failure::Ended(why.into()));
        send(&*link, 1, "{}");
        let failed = inbox.until(|came| {
            came.iter().find_map(|came| match came {
                Came::Failed(1, failure) => Some(failure.clone()),
                _ => None,
            })
        });
        let failed = failed.await;
        assert!(failed.nothing_was_done() && failed.to_string().contains(why), "{failed}");
        tasks.close();
        timeout(DEADLINE, tasks.wait()).await.expect("nothing of it is left");
    }
    let (_link, inbox, ..) = serve(|socket| async move { drop(socket) }).await;
    let ended = inbox.ended().await;
    assert!(matches!(&ended, Failure::Ended(why) if why.contains("WebSocket") || why.contains("lost")), "{ended:?}");
}

#[tokio::test]
async fn pings_are_answered() {
    let (_link, _inbox, _tasks, server) = serve(|mut socket| async move {
        socket.send(Message::Ping("are you there".into())).await.expect("it is read");
        socket.next().await.expect("something comes").expect("it is a message")
    })
    .await;
    let answer = timeout(DEADLINE, server).await.expect("it is answered").expect("it does not panic");
    assert_eq!(answer, Message::Pong("are you there".into()));
}

#[tokio::test]
async fn silence_is_noticed() {
    let (here, there) = tokio::io::duplex(1000);
    let socket = WebSocketStream::from_raw_socket(here, Role::Client, None).await;
    let inbox = Recorder::new();
    let outbox = Arc::new(Outbox::default());
    let moment = Duration::from_millis(20);
    let pump = Pump::new(socket, outbox, Arc::clone(&inbox) as Arc<dyn Inbox>, 1000, moment);
    timeout(DEADLINE, pump.run()).await.expect("it ends");
    assert_eq!(inbox.came(), [Came::Ended(Failure::Ended("it does not answer pings".into()))]);
    drop(there);
}

#[tokio::test]
async fn nobody_waits_for_an_upstream_that_does_not_read() {
    let (link, inbox, tasks, server) = serve(|mut socket| async move {
        socket.send(Message::text("{}")).await.expect("it is read");
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    inbox.until(|came| came.first().cloned()).await;
    // More than all buffers of both ends hold.
    let text = "x".repeat(100_000);
    for id in 1..=200 {
        send(&*link, id, &text);
        tokio::task::yield_now().await;
    }
    let came = inbox.came();
    let failed = came.iter().find_map(|came| match came {
        Came::Failed(_, failure) => Some(failure.clone()),
        _ => None,
    });
    assert!(failed.is_some_and(|failure| failure.nothing_was_done()), "{came:?}");
    drop(link);
    tasks.close();
    timeout(DEADLINE, tasks.wait()).await.expect("it is not waited for at the end either");
    server.abort();
}
