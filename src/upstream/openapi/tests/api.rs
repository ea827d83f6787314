//! A real API, a description of it, and a peer that calls it through a link.

use super::super::*;
use crate::upstream::definition::{Definition, Reach};
use crate::upstream::outbound::Destinations;
use crate::upstream::template::Template;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What uses about all that a description can have.
const PETS: &str = include_str!("pets.yaml");

/// What came from the link.
#[derive(Debug)]
pub(super) enum Event {
    Message(Value),
    Failed(i64, Failure),
}

#[derive(Debug)]
struct Events(UnboundedSender<Event>);

impl Inbox for Events {
    fn message(&self, text: &str, of: Option<i64>) {
        assert!(!text.contains('\n'), "a message is one line: {text}");
        let message: Value = serde_json::from_str(text).expect("it is JSON");
        assert_eq!(message["id"].as_i64(), of);
        let _ = self.0.send(Event::Message(message));
    }

    fn failed(&self, id: i64, failure: Failure) {
        let _ = self.0.send(Event::Failed(id, failure));
    }

    fn ended(&self, _: Failure) {}
}

pub(super) struct Peer {
    pub(super) link: Box<dyn Link>,
    pub(super) events: UnboundedReceiver<Event>,
    pub(super) tasks: TaskTracker,
    next: i64,
}

impl Peer {
    pub(super) async fn open(definition: Definition, headers: HeaderMap) -> Result<Self, Failure> {
        let (sender, events) = unbounded_channel();
        let tasks = TaskTracker::new();
        let outward = Outward::fixed(definition, headers, Vec::new());
        let link = open(outward, &Outbound::new(Destinations::Any), Arc::new(Events(sender)), &tasks).await?;
        Ok(Self { link, events, tasks, next: 0 })
    }

    pub(super) fn send(&mut self, method: &str, params: Value) -> i64 {
        self.next += 1;
        let text = json!({ "jsonrpc": "2.0", "id": self.next, "method": method, "params": params }).to_string();
        let purpose = Purpose::Request { id: self.next, method: method.into(), name: None, repeated: Vec::new() };
        self.link.send(Outgoing { text, purpose });
        self.next
    }

    pub(super) async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(Duration::from_secs(20), self.events.recv()).await;
        event.expect("it comes soon").expect("the link is there")
    }

    pub(super) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.send(method, params);
        match self.next().await {
            Event::Message(message) => message,
            failed @ Event::Failed(..) => panic!("{failed:?}"),
        }
    }

    pub(super) async fn call(&mut self, name: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": name, "arguments": arguments })).await["result"].clone()
    }

    /// What the API was asked, as it tells.
    pub(super) async fn told(&mut self, name: &str, arguments: Value) -> Value {
        let result = self.call(name, arguments).await;
        assert_eq!(result.get("isError"), None, "{result}");
        serde_json::from_str(result["content"][0]["text"].as_str().expect("a text")).expect("it is JSON")
    }

    pub(super) async fn tools(&mut self) -> HashMap<String, Value> {
        let listed = self.ask("tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().expect("a list").iter();
        tools.map(|tool| (tool["name"].as_str().expect("a name").to_owned(), tool.clone())).collect()
    }
}

/// An API that answers with what it was asked, or as the path says.
pub(super) async fn api() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    let url = format!("http://{}/v1", listener.local_addr().expect("a listener has an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(async |request| Ok::<_, Infallible>(answer(request).await));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

async fn answer(request: http::Request<hyper::body::Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("it arrives").to_bytes();
    let (status, kind, text): (u16, &str, Bytes) = match parts.uri.path() {
        "/v1/reports/picture" => (200, "image/png", Bytes::from_static(b"\x89PNG")),
        "/v1/reports/archive" => (200, "application/zip", Bytes::from_static(b"PK")),
        "/v1/reports/text" => (200, "text/plain; charset=utf-8", "some text".into()),
        "/v1/reports/nothing" => (204, "", Bytes::new()),
        "/v1/reports/missing" => (404, "application/json", r#"{"error":"there is no such report"}"#.into()),
        "/v1/reports/long" => (500, "text/plain", "x".repeat(100_000).into()),
        "/v1/reports/number" => (200, "application/json", "[1.0, 12345678901234567890123]".into()),
        "/v1/reports/never" => std::future::pending().await,
        "/v1/owners/odd" => (200, "application/json", "[]".into()),
        path if path.starts_with("/v1/owners/") => {
            (200, "application/json", "{\n  \"name\": \"a \\\"b\\\\\",\n  \"size\": 1.50\n}".into())
        }
        "/v1/pets.yaml" => (200, "application/yaml", PETS.into()),
        "/v1/locked" => (401, "", Bytes::new()),
        _ => {
            let headers: serde_json::Map<_, _> = parts
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
                .collect();
            let body = String::from_utf8_lossy(&body);
            let uri = parts.uri.to_string();
            let told = json!({ "method": parts.method.as_str(), "uri": uri, "headers": headers, "body": body });
            (200, "application/json", told.to_string().into())
        }
    };
    let mut response = Response::new(Full::new(text));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    if !kind.is_empty() {
        response.headers_mut().insert("content-type", HeaderValue::from_str(kind).expect("a header"));
    }
    if status == 401 {
        response.headers_mut().insert("www-authenticate", HeaderValue::from_static("Bearer scope=\"pets\""));
    }
    response
}

pub(super) fn definition(document: &str, base_url: Option<&str>) -> Definition {
    let text = |text: &str| Template::parse(text).expect("it is one");
    let reach = Reach::OpenApi {
        document: document.into(),
        base_url: base_url.map(text),
        headers: [("X-Key".to_owned(), text("hidden"))].into(),
        query: [("api_key".to_owned(), text("se cret"))].into(),
        tags: Default::default(),
    };
    Definition::new("pets", reach)
}

/// The API described by a file.
pub(super) async fn pets(change: impl FnOnce(&mut Definition)) -> Peer {
    let directory = tempfile::tempdir().expect("there is room for a file");
    let file = directory.path().join("pets.yaml");
    std::fs::write(&file, PETS).expect("it can be written");
    let mut definition = definition(&file.display().to_string(), Some(&api().await));
    change(&mut definition);
    let headers = HeaderMap::from_iter([("x-key".parse().expect("a name"), HeaderValue::from_static("hidden"))]);
    Peer::open(definition, headers).await.expect("its description is good")
}
