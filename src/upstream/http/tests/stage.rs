//! An upstream that does as a test says, and a link to it.

use super::super::open;
use crate::tenancy::Role;
use crate::upstream::outbound::{Destinations, Outbound, read};
use crate::upstream::outward::Outward;
use crate::upstream::test_server::{Body, TestServer, events, reply, status};
use crate::upstream::{
    Allowed, Definition, EraChoice, Failure, Inbox, Isolation, Link, Outgoing, Purpose, Reach, Template, Tenants,
    UpstreamLimits,
};
use crate::wire::LATEST_LEGACY;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Response};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use url::Url;

pub(super) const JSON: (&str, &str) = ("content-type", "application/json");

pub(super) const STREAM: (&str, &str) = ("content-type", "text/event-stream");

/// What came out of a link.
#[derive(Debug, PartialEq)]
pub(super) enum Came {
    Message(String, Option<i64>),
    Failed(i64, Failure),
    Ended(Failure),
}

#[derive(Debug)]
struct Recorder(UnboundedSender<Came>);

impl Inbox for Recorder {
    fn message(&self, text: &str, of: Option<i64>) {
        let _ = self.0.send(Came::Message(text.to_owned(), of));
    }

    fn failed(&self, id: i64, failure: Failure) {
        let _ = self.0.send(Came::Failed(id, failure));
    }

    fn ended(&self, failure: Failure) {
        let _ = self.0.send(Came::Ended(failure));
    }
}

/// A request as the upstream saw it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

/// An upstream that does as it is told, and a link to it.
pub(super) struct Stage {
    pub(super) link: Box<dyn Link>,
    pub(super) came: UnboundedReceiver<Came>,
    pub(super) seen: UnboundedReceiver<Seen>,
    pub(super) tasks: TaskTracker,
    _server: TestServer,
}

impl Stage {
    pub(super) async fn new(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Self {
        let (sender, seen) = unbounded_channel();
        let answer = Arc::new(answer);
        let server = TestServer::start(move |request| {
            let (sender, answer) = (sender.clone(), Arc::clone(&answer));
            async move {
                let (parts, body) = request.into_parts();
                let body = read(body, 1 << 20).await.expect("a body");
                let text = String::from_utf8(body.into()).expect("text");
                let request = Seen { method: parts.method.to_string(), headers: parts.headers, text };
                let response = answer(&request);
                let _ = sender.send(request);
                response
            }
        })
        .await;
        let (link, came, tasks) = link_to(&server.url("/mcp"));
        Self { link, came, seen, tasks, _server: server }
    }

    /// One whose session is open.
    pub(super) async fn in_session(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> Self {
        let mut stage = Self::new(move |seen| match seen {
            Seen { text, .. } if text.contains("initialize\"") => {
                reply(200, &[JSON, ("mcp-session-id", "the-session")], result(0))
            }
            Seen { text, .. } if text.contains("notifications/initialized") => status(202),
            other => answer(other),
        })
        .await;
        stage.request(0, "initialize");
        assert_eq!(stage.came().await, Came::Message(result(0), Some(0)));
        stage.link.agreed(LATEST_LEGACY);
        assert_eq!(stage.seen().await.header("mcp-session-id"), None);
        stage
    }

    pub(super) fn request(&self, id: i64, method: &str) {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#);
        let purpose = Purpose::Request { id, method: method.to_owned(), name: None, repeated: Vec::new() };
        self.link.send(Outgoing { text, purpose });
    }

    pub(super) fn notify(&self, method: &str) {
        let text = format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#);
        self.link.send(Outgoing { text, purpose: Purpose::Notification { method: method.to_owned() } });
    }

    pub(super) async fn came(&mut self) -> Came {
        soon(self.came.recv()).await.expect("the link is there")
    }

    pub(super) async fn seen(&mut self) -> Seen {
        soon(self.seen.recv()).await.expect("the server is there")
    }
}

pub(super) const LIMIT: usize = 100_000;

/// Streams that the upstream holds open.
#[derive(Clone, Default)]
pub(super) struct Held(Arc<Mutex<Vec<UnboundedSender<io::Result<String>>>>>);

impl Held {
    pub(super) fn stream(&self, text: &str) -> Response<Body> {
        let (sender, response) = events();
        sender.send(Ok(text.to_owned())).expect("it is read");
        self.0.lock().push(sender);
        response
    }

    /// Breaks the connections off.
    pub(super) fn cut(&self) {
        self.0.lock().drain(..).for_each(|sender| sender.send(Err(io::Error::other("cut"))).expect("it is open"));
    }

    /// Ends the streams.
    pub(super) fn close(&self) {
        self.0.lock().clear();
    }
}

/// A link, what comes out of it, and its tasks.
pub(super) fn link_to(url: &Url) -> (Box<dyn Link>, UnboundedReceiver<Came>, TaskTracker) {
    let (sender, came) = unbounded_channel();
    let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer secret".parse().expect("a value"))]);
    let outward = Outward::fixed(definition(url), headers, Vec::new());
    let tasks = TaskTracker::new();
    let link = open(outward, &Outbound::new(Destinations::Any), Arc::new(Recorder(sender)), &tasks);
    (link.expect("a link"), came, tasks)
}

pub(super) fn result(id: i64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)
}

pub(super) async fn finished(tasks: &TaskTracker) {
    tasks.close();
    soon(tasks.wait()).await;
    tasks.reopen();
}

pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), future).await.expect("it happens in time")
}

fn definition(url: &Url) -> Definition {
    Definition {
        name: "test".to_owned(),
        prefix: String::new(),
        reach: Reach::Http { url: Template::parse(url.as_str()).expect("a template"), headers: BTreeMap::new() },
        tenants: Tenants::All,
        role: Role::Viewer,
        tools: Allowed::default(),
        isolation: Isolation::Session,
        era: EraChoice::Auto,
        limits: UpstreamLimits { max_message_bytes: LIMIT, ..UpstreamLimits::default() },
        identity: None,
        authorization: None,
        added: false,
    }
}
