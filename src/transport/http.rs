//! Streamable HTTP, in both eras: from a request to the dispatcher, and from what it gives to a response.
//!
//! A modern request stands for itself. A legacy one may belong to a session, which `initialize` opened. It
//! knows what a client sent and whom that proved; it does not know how, and no tenant. Most calls are answered
//! in the connection's own task, in one piece.

mod accepts;
mod body;
mod call;
mod listen;
mod log;
mod message;
mod mirrored;
mod post;
mod refusals;
mod reply;
mod session;
mod sessions;
mod sse;
mod stream;

pub(crate) use body::Body;

use crate::mcp::Dispatcher;
use crate::session::EndReason;
use crate::tenancy::Principal;
use accepts::Accepts;
use http::header::HeaderName;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use refusals::refused;
use reply::accepted;
use session::HttpSession;
use sessions::{Bell, Sessions};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use stream::LogStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The header that names a legacy session.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// A response that says why a request is not served.
type Refused = Box<Response<Body>>;

/// Serves MCP in HTTP requests.
pub(crate) struct Endpoint {
    dispatcher: Arc<Dispatcher>,
    sessions: Sessions,
    tasks: TaskTracker,
    /// How long the body of a request may take.
    patience: Duration,
    /// Whether there is somebody to sign in with: then a call that needs a sign-in and has none gets 401.
    challenges: bool,
}

/// Who makes a request.
pub(crate) struct Caller {
    /// Whom the request proved.
    pub(crate) principal: Option<Principal>,
    /// From where.
    pub(crate) peer: IpAddr,
}

/// What has to be done for an endpoint beside its requests.
pub(crate) struct Attendance(mpsc::UnboundedReceiver<Arc<Bell>>);

impl Endpoint {
    /// An endpoint, and what has to be done for it beside its requests.
    pub(crate) fn new(
        dispatcher: Arc<Dispatcher>,
        tasks: TaskTracker,
        patience: Duration,
        challenges: bool,
    ) -> (Arc<Self>, Attendance) {
        let (sessions, line) = Sessions::new(Arc::clone(&dispatcher));
        (Arc::new(Self { dispatcher, sessions, tasks, patience, challenges }), Attendance(line))
    }

    /// Attends to sessions until the server stops, and then to the calls that still run in them.
    pub(crate) async fn attend(self: Arc<Self>, attendance: Attendance, closing: CancellationToken, drain: Duration) {
        self.sessions.attend(attendance.0, closing, drain).await;
    }

    /// Serves a message.
    pub(crate) async fn post(&self, headers: &HeaderMap, body: Incoming, caller: Caller) -> Response<Body> {
        self.posted(headers, body, caller).await.unwrap_or_else(|refused| *refused)
    }

    /// Opens the stream of what a session has to say, or goes on with one that was cut.
    pub(crate) fn get(&self, headers: &HeaderMap, caller: &Caller) -> Response<Body> {
        self.stream(headers, caller).unwrap_or_else(|refused| *refused)
    }

    /// Ends a session.
    pub(crate) fn delete(&self, headers: &HeaderMap, caller: &Caller) -> Response<Body> {
        let session = match self.session(headers, caller) {
            Ok(Some(session)) => session,
            Ok(None) => {
                return *refused(StatusCode::METHOD_NOT_ALLOWED, "DELETE ends a session: name it in Mcp-Session-Id.");
            }
            Err(refused) => return *refused,
        };
        self.sessions.remove(&session, EndReason::ClientClosed);
        let mut response = accepted();
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    }

    fn stream(&self, headers: &HeaderMap, caller: &Caller) -> Result<Response<Body>, Refused> {
        let Some(session) = self.session(headers, caller)? else {
            return Err(refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "GET reads what a session says: name it in Mcp-Session-Id.",
            ));
        };
        if !Accepts::of(headers).stream {
            return Err(refused(StatusCode::NOT_ACCEPTABLE, "GET gives a stream: accept text/event-stream."));
        }
        let reader = match headers.get(LAST_EVENT) {
            None => session.logs.attach(log::UNASKED, None),
            Some(last) => {
                let last = last.to_str().ok().and_then(sse::EventId::parse);
                let last = last.ok_or_else(|| {
                    refused(StatusCode::BAD_REQUEST, "Last-Event-ID is no id of an event. Send one as it came.")
                })?;
                session.logs.attach(last.stream, Some(last.place))
            }
        };
        let reader = reader.ok_or_else(|| {
            refused(StatusCode::GONE, "What followed this event is not kept any more. Make the request again.")
        })?;
        Ok(reply::events(LogStream::new(session.enter(), Arc::clone(&self.dispatcher), reader)))
    }

    /// The session that a request names, if it names one.
    fn session(&self, headers: &HeaderMap, caller: &Caller) -> Result<Option<Arc<HttpSession>>, Refused> {
        let Some(id) = headers.get(SESSION) else { return Ok(None) };
        let found = id.to_str().ok().and_then(|id| self.sessions.find(id, caller.principal.as_ref()));
        found.map(Some).ok_or_else(|| {
            refused(StatusCode::NOT_FOUND, "There is no such session, or it has ended. Open a new one with initialize.")
        })
    }
}
