//! One message to the upstream, and what it answers to that.

use super::answer::{is_about_session, is_answer, is_error};
use super::headers::{self, LAST_EVENT, SESSION, VERSION};
use super::state::{Key, Running, State, Turn};
use crate::upstream::outbound::{Outbound, read};
use crate::upstream::outward::Outward;
use crate::upstream::{Failure, Inbox, Outgoing, Purpose};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use hyper::body::Incoming;
use parking_lot::Mutex;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// How long the upstream may take to accept what has no answer.
const ACCEPTANCE: Duration = Duration::from_secs(30);
/// How long it may take to end a session.
const FAREWELL: Duration = Duration::from_secs(5);
/// What is read of an answer that nobody asked for, so that its connection can be used again.
const UNASKED_BYTES: usize = 64 * 1024;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// The side of a link that its tasks have.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) outward: Outward,
    pub(super) outbound: Outbound,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) tasks: TaskTracker,
    pub(super) limit: usize,
    pub(super) state: Mutex<State>,
}

/// What kind of a body a response has.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Events,
    Other,
}

impl Exchange {
    /// Runs a task until it is done, forgotten, or the link is dropped.
    pub(super) fn run(self: &Arc<Self>, state: &mut State, key: Key, task: impl Future<Output = ()> + Send + 'static) {
        let exchange = Arc::clone(self);
        // It can't be over before it is noted: it takes the lock for that, which is held here. It is large, and boxed it
        // is not copied on the way.
        let running = self.tasks.spawn(Box::pin(async move {
            task.await;
            exchange.state.lock().running.remove(&key);
        }));
        state.running.insert(key, Running { task: running.abort_handle(), answered: false });
    }

    /// Sends a message when its turn has come.
    pub(super) async fn deliver(self: Arc<Self>, message: Outgoing, mut turn: Turn) {
        turn.come().await;
        let Outgoing { text, purpose } = message;
        match &purpose {
            Purpose::Request { id, .. } => {
                if let Err(failure) = self.ask(*id, text, &purpose).await {
                    self.inbox.failed(*id, failure);
                }
            }
            Purpose::Notification { method } => {
                if self.tell(text, &purpose).await && method == "notifications/initialized" {
                    self.start_listening();
                }
            }
            Purpose::Response => {
                self.tell(text, &purpose).await;
            }
        }
        self.tell_end();
    }

    /// Sends a request and passes on what comes of it.
    async fn ask(&self, id: i64, text: String, purpose: &Purpose) -> Result<(), Failure> {
        let headers = self.headers(&text, purpose).await?;
        let in_session = headers.contains_key(SESSION);
        let response = self.send(Method::POST, headers, text.into()).await?;
        if !response.status().is_success() {
            return self.refused(id, in_session, response).await;
        }
        if matches!(purpose, Purpose::Request { method, .. } if method == "initialize")
            && let Some(mut session) = response.headers().get(SESSION).cloned()
        {
            session.set_sensitive(true);
            self.state.lock().session = Some(session);
        }
        match kind(&response) {
            Kind::Events => self.follow(id, response.into_body()).await,
            Kind::Json => {
                let body = read(response.into_body(), self.limit).await?;
                let text = std::str::from_utf8(&body).map_err(|_| Failure::Unreadable("it is no UTF-8".to_owned()))?;
                self.inbox.message(text, Some(id));
                // Whoever reads it may not have found the answer in it.
                let what = || Failure::Unreadable("it is no response to the request".to_owned());
                if is_answer(text, id) { Ok(()) } else { Err(what()) }
            }
            Kind::Other => {
                let what = format!("status {} with neither JSON nor events", response.status().as_u16());
                Err(Failure::Unreadable(what))
            }
        }
    }

    /// Says why a request was refused, if the upstream does not say so itself.
    async fn refused(&self, id: i64, in_session: bool, response: Response<Incoming>) -> Result<(), Failure> {
        let status = response.status();
        let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        // Something may be forbidden whoever asks; where another credential would do, that is said.
        if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN && challenge.is_some() {
            return Err(Failure::Unauthorized(challenge.map(str::to_owned)));
        }
        if in_session && status == StatusCode::NOT_FOUND {
            return Err(self.forgotten(Failure::Forgotten));
        }
        let plain = Failure::Status(status.as_u16());
        if kind(&response) != Kind::Json {
            return Err(plain);
        }
        let Ok(body) = read(response.into_body(), self.limit).await else { return Err(plain) };
        let Ok(text) = std::str::from_utf8(&body) else { return Err(plain) };
        if in_session && status == StatusCode::BAD_REQUEST && is_about_session(text) {
            return Err(self.forgotten(Failure::Forgotten));
        }
        if !is_error(text, id) {
            return Err(plain);
        }
        self.inbox.message(text, Some(id));
        Ok(())
    }

    /// Sends what has no answer; whether it was accepted.
    async fn tell(&self, text: String, purpose: &Purpose) -> bool {
        let told = timeout(ACCEPTANCE, async {
            let headers = self.headers(&text, purpose).await?;
            let in_session = headers.contains_key(SESSION);
            let response = self.send(Method::POST, headers, text.into()).await?;
            let status = response.status();
            if in_session && status == StatusCode::NOT_FOUND {
                return Err(self.forgotten(Failure::Forgotten));
            }
            if kind(&response) != Kind::Events {
                let _ = read(response.into_body(), UNASKED_BYTES).await;
            }
            if status.is_success() { Ok(()) } else { Err(Failure::Status(status.as_u16())) }
        });
        let failure = match told.await {
            Ok(Ok(())) => return true,
            Ok(Err(failure)) => failure,
            Err(_) => Failure::TimedOut(ACCEPTANCE.as_secs()),
        };
        let (upstream, unit) = (&self.outward.definition().name, self.outward.unit());
        debug!(upstream, unit, %failure, "a message was not accepted");
        false
    }

    /// Tells the upstream that its session is not needed any more.
    pub(super) async fn end_session(&self) {
        let _ = timeout(FAREWELL, async {
            let headers = self.session_headers().await?;
            self.send(Method::DELETE, headers, Bytes::new()).await
        })
        .await;
    }

    /// Asks for a stream: what goes on after an event, or else what concerns no request.
    pub(super) async fn get(&self, last: Option<&HeaderValue>) -> Result<Response<Incoming>, Failure> {
        let mut headers = self.session_headers().await?;
        headers.insert(ACCEPT, EVENTS);
        if let Some(last) = last {
            headers.insert(LAST_EVENT, last.clone());
        }
        self.send(Method::GET, headers, Bytes::new()).await
    }

    /// Whether a response that refuses something says that the session is not known.
    pub(super) async fn is_forgotten(&self, response: Response<Incoming>) -> bool {
        let in_session = self.state.lock().session.is_some();
        match response.status() {
            StatusCode::NOT_FOUND => in_session,
            StatusCode::BAD_REQUEST if in_session && kind(&response) == Kind::Json => {
                let body = read(response.into_body(), UNASKED_BYTES).await.unwrap_or_default();
                std::str::from_utf8(&body).is_ok_and(is_about_session)
            }
            _ => false,
        }
    }

    /// Notes that the upstream does not know the session any more; the failure is given back.
    pub(super) fn forgotten(&self, failure: Failure) -> Failure {
        self.state.lock().over = true;
        failure
    }

    /// Tells that the session is over, once it is. Whichever request has met with that has failed by then.
    pub(super) fn tell_end(&self) {
        {
            let state = &mut *self.state.lock();
            if !state.over || std::mem::replace(&mut state.told, true) {
                return;
            }
        }
        // Other requests may have been begun, so this says nothing of them.
        self.inbox.ended(Failure::Ended("it has forgotten the session".to_owned()));
    }

    async fn send(&self, method: Method, headers: HeaderMap, body: Bytes) -> Result<Response<Incoming>, Failure> {
        let url = self.outward.url().await?;
        self.outbound.request(method, &url, headers, body).await
    }

    /// The headers of a message.
    async fn headers(&self, text: &str, purpose: &Purpose) -> Result<HeaderMap, Failure> {
        if self.state.lock().over {
            return Err(Failure::Forgotten);
        }
        let handshake = matches!(purpose, Purpose::Request { method, .. } if method == "initialize");
        let mut headers = if handshake { self.outward.headers().await? } else { self.session_headers().await? };
        headers.insert(ACCEPT, BOTH);
        headers.insert(CONTENT_TYPE, JSON);
        // Before anything is agreed, a modern message says itself that it is one.
        if !handshake && !headers.contains_key(VERSION) {
            let said = headers::version_of(text).and_then(|version| HeaderValue::try_from(version).ok());
            headers.extend(said.map(|version| (VERSION, version)));
        }
        let version = headers.get(VERSION).and_then(|version| version.to_str().ok());
        if version.is_some_and(headers::is_modern) {
            headers::repeat(purpose, &mut headers);
        }
        Ok(headers)
    }

    /// The headers that all requests have once the handshake is over.
    async fn session_headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = self.outward.headers().await?;
        for own in [VERSION, SESSION] {
            headers.remove(own);
        }
        let state = self.state.lock();
        if let Some(version) = state.version.as_deref().and_then(|version| HeaderValue::try_from(version).ok()) {
            headers.insert(VERSION, version);
        }
        if let Some(session) = state.session.clone().filter(|_| !state.is_modern()) {
            headers.insert(SESSION, session);
        }
        Ok(headers)
    }
}

/// What a response says it is.
pub(super) fn kind(response: &Response<Incoming>) -> Kind {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("text/event-stream") {
        Kind::Events
    } else if essence.eq_ignore_ascii_case("application/json") {
        Kind::Json
    } else {
        Kind::Other
    }
}
