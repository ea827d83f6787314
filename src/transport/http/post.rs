//! A message that was posted: served for itself, or within its session.

use super::accepts::{self, Accepts};
use super::body::{self, Body};
use super::call::{Call, CallStream, First};
use super::listen::ListenStream;
use super::message::{Asked, Message};
use super::refusals::{self, refusal, refused};
use super::reply::{self, Replies, accepted};
use super::session::{Active, HttpSession};
use super::stream::{Awaited, LogStream};
use super::{Caller, Endpoint, Refused, SESSION, mirrored};
use crate::mcp::{Running, Step};
use crate::session::{Channel, EndReason, Mailbox, Session};
use crate::wire::{Era, ErrorCode, Frame, LATEST_LEGACY, LEGACY, MODERN, Mirrored, Outcome, WireError};
use http::header::HeaderValue;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;

impl Endpoint {
    /// Reads a message and serves it.
    pub(super) async fn posted(
        &self,
        headers: &HeaderMap,
        body: Incoming,
        caller: Caller,
    ) -> Result<Response<Body>, Refused> {
        let accepts = Accepts::of(headers);
        if !accepts.json && !accepts.stream {
            return Err(refused(StatusCode::NOT_ACCEPTABLE, refusals::NOT_ACCEPTABLE));
        }
        if !accepts::sends_json(headers) {
            return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send JSON, as Content-Type: application/json."));
        }
        let most = self.dispatcher.manager().limits().max_frame_bytes;
        let bytes = body::read(body, most, self.patience).await.map_err(refusals::unread)?;
        let Ok(text) = std::str::from_utf8(&bytes) else {
            let error = WireError::new(ErrorCode::Parse, "Parse error: the body is not UTF-8");
            return Err(refusal(StatusCode::BAD_REQUEST, None, &error));
        };
        let message = Message::read(text);
        let declared = headers.get(mirrored::VERSION).map(|value| value.to_str().unwrap_or_default());
        let opens = message.asked().is_some_and(Asked::opens_session);
        let versioned = message.asked().is_some_and(|asked| asked.version().is_some());
        let era = if versioned || declared == Some(MODERN) && !opens { Era::Modern } else { Era::Legacy };
        let post = Post {
            replies: Replies {
                headers,
                accepts,
                era,
                malformed: malformed(&message, era),
                challenges: self.challenges,
            },
            endpoint: self,
            caller,
            text,
        };
        match era {
            Era::Modern => post.modern(message).await,
            Era::Legacy => post.legacy(message, declared).await,
        }
    }

    /// The answer of a call in a session, or the stream on which it goes on.
    async fn first_of(
        &self,
        running: Running,
        mailbox: Arc<Mailbox>,
        session: &Active,
        replies: &Replies<'_>,
    ) -> Result<Option<Frame>, Response<Body>> {
        let mut call = Call::new(running, mailbox);
        let accepts = replies.accepts;
        let messages = match call.at_once(accepts.stream).await {
            Some(First::Answer(answer)) => return Ok(answer),
            Some(First::Stream(messages)) => Some(messages),
            None => None,
        };
        let mut awaited = Awaited::new(call.held_by(|running| session.hold(running)), &self.tasks);
        let messages = match (messages, awaited.call()) {
            (Some(messages), _) => messages,
            (None, None) => return Ok(None),
            (None, Some(call)) => match call.first(accepts.stream, !accepts.names_stream).await {
                First::Answer(answer) => {
                    awaited.forget();
                    return Ok(answer);
                }
                First::Stream(messages) => messages,
            },
        };
        let stream = session.logs.open();
        let reader = session.logs.attach(stream, None);
        messages.iter().for_each(|message| session.logs.say(stream, message));
        awaited.release(stream);
        let Some(reader) = reader else { return Ok(None) };
        Err(reply::events(LogStream::new(session.enter(), Arc::clone(&self.dispatcher), reader)))
    }

    fn ping_interval(&self) -> Duration {
        self.dispatcher.manager().limits().ping_interval
    }
}

/// Whether a message lacks what its kind has to carry, so that the request itself is a bad one.
fn malformed(message: &Message<'_>, era: Era) -> bool {
    match message {
        Message::Request(asked) => {
            let modern = era == Era::Modern || matches!(&*asked.method, "server/discover" | "subscriptions/listen");
            modern && asked.lacks_metadata()
        }
        Message::Batch | Message::Unreadable => true,
        Message::Notification | Message::Response => false,
    }
}

/// A message that was posted.
struct Post<'a> {
    replies: Replies<'a>,
    endpoint: &'a Endpoint,
    caller: Caller,
    text: &'a str,
}

impl Post<'_> {
    /// Serves a request that stands for itself.
    async fn modern(self, message: Message<'_>) -> Result<Response<Body>, Refused> {
        let endpoint = self.endpoint;
        let session = Session::detached(self.caller.peer);
        match message {
            // Closing a stream is what cancels here; there is nothing else to be notified of.
            Message::Notification => return Ok(accepted()),
            Message::Response => {
                return Err(refused(
                    StatusCode::BAD_REQUEST,
                    "The server sends no requests in this revision, so there is nothing to respond to. What it asks for goes into the request itself, made again with inputResponses.",
                ));
            }
            Message::Request(asked) => {
                if asked.version().is_some() {
                    let beyond = self.repeated_beyond(&asked, &session).await;
                    mirrored::check(self.replies.headers, &asked, endpoint.dispatcher.registry(), beyond.as_deref())
                        .map_err(|why| refusals::mismatch(&asked.id, why))?;
                } else {
                    let error = WireError::invalid_params(refusals::NO_METADATA);
                    return Err(refusal(StatusCode::BAD_REQUEST, Some(&asked.id), &error));
                }
                if &*asked.method == "subscriptions/listen" {
                    return self.listen().await;
                }
            }
            Message::Batch | Message::Unreadable => {}
        }
        self.alone(session).await
    }

    /// The arguments that headers repeat of an upstream's tool.
    async fn repeated_beyond(&self, asked: &Asked<'_>, session: &Arc<Session>) -> Option<Vec<Mirrored>> {
        let name = asked.name().filter(|_| &*asked.method == "tools/call")?;
        let channel = Channel::request(Arc::clone(session), self.caller.principal.clone(), Arc::default());
        self.endpoint.dispatcher.mirrored_beyond(&channel, name).await
    }

    async fn legacy(self, message: Message<'_>, declared: Option<&str>) -> Result<Response<Body>, Refused> {
        if let Some(version) = declared.filter(|version| !LEGACY.contains(version) && *version != MODERN) {
            return Err(refusals::unsupported(message.asked().map(|asked| &asked.id), version));
        }
        if let Some(session) = self.endpoint.session(self.replies.headers, &self.caller)? {
            return self.within(session.enter(), None).await;
        }
        match message {
            Message::Request(asked) if asked.opens_session() => {
                let opened = self.endpoint.sessions.open(self.caller.principal.as_ref(), self.caller.peer);
                let session = opened.map_err(|refusal| refusals::no_room(Some(&asked.id), refusal))?;
                self.within(session.enter(), Some(&session)).await
            }
            Message::Request(asked) if &*asked.method == "resources/subscribe" => {
                let error = WireError::new(ErrorCode::InvalidRequest, refusals::NEEDS_SESSION);
                Err(refusal(StatusCode::BAD_REQUEST, Some(&asked.id), &error))
            }
            // Without a header, a client is taken for one of the revision that had none.
            Message::Batch | Message::Unreadable => self.alone_in(declared.unwrap_or("2025-03-26")).await,
            _ => self.alone_in(declared.unwrap_or_default()).await,
        }
    }

    /// Serves a legacy message that belongs to no session, as of this version if it matters.
    async fn alone_in(self, version: &str) -> Result<Response<Body>, Refused> {
        let session = Session::detached(self.caller.peer);
        if let Some(known) = LEGACY.into_iter().find(|known| *known == version && *known != LATEST_LEGACY) {
            session.with_client(|client| client.version = known);
        }
        self.alone(session).await
    }

    /// Serves a message that belongs to no session but one of its own.
    async fn alone(self, session: Arc<Session>) -> Result<Response<Body>, Refused> {
        let Self { replies, endpoint, caller, text } = self;
        let mailbox = Arc::<Mailbox>::default();
        let channel = Channel::request(session, caller.principal, Arc::clone(&mailbox));
        let running = match endpoint.dispatcher.receive(&channel, text) {
            Step::Nothing | Step::Cancel(_) => return Ok(accepted()),
            Step::Answer(frame) => return Ok(replies.with(frame)),
            Step::Run(running) => running,
        };
        let mut call = Call::new(running, mailbox);
        let accepts = replies.accepts;
        Ok(match call.first(accepts.stream, !accepts.names_stream).await {
            First::Answer(answer) => answer.map_or_else(accepted, |frame| replies.with(frame)),
            First::Stream(messages) => reply::events(CallStream::new(call, messages, endpoint.ping_interval())),
        })
    }

    /// Serves a message of a session; when that has just been opened, and it comes to nothing, so does the session.
    async fn within(self, session: Active, opened: Option<&Arc<HttpSession>>) -> Result<Response<Body>, Refused> {
        let Self { replies, endpoint, caller, text } = self;
        let mailbox = Arc::<Mailbox>::default();
        let channel = Channel::request(Arc::clone(&session.open), caller.principal, Arc::clone(&mailbox));
        let channel = channel.heard(replies.accepts.stream);
        let answer = match endpoint.dispatcher.receive(&channel, text) {
            Step::Nothing => None,
            Step::Cancel(id) => {
                session.cancel(&id);
                None
            }
            Step::Answer(frame) => Some(frame),
            Step::Run(running) => match endpoint.first_of(running, mailbox, &session, &replies).await {
                Ok(answer) => answer,
                Err(stream) => return Ok(stream),
            },
        };
        let good = matches!(&answer, Some(Frame { outcome: Outcome::Result, .. }));
        let mut response = answer.map_or_else(accepted, |frame| replies.with(frame));
        match (opened, HeaderValue::try_from(session.key.text())) {
            (Some(_), Ok(id)) if good => drop(response.headers_mut().insert(SESSION, id)),
            (Some(session), _) => endpoint.sessions.remove(session, EndReason::Internal),
            (None, _) => {}
        }
        Ok(response)
    }

    /// Opens a subscription.
    async fn listen(self) -> Result<Response<Body>, Refused> {
        let Self { replies, endpoint, caller, text } = self;
        if !replies.accepts.stream {
            return Err(refused(StatusCode::NOT_ACCEPTABLE, "A subscription is a stream: accept text/event-stream."));
        }
        let manager = endpoint.dispatcher.manager();
        let open = manager.open_per_request(caller.peer).map_err(|refusal| refusals::no_room(None, refusal))?;
        if let Some(principal) = &caller.principal
            && let Err(error) = manager.sign_in(&open, principal.clone())
        {
            let error = WireError::new(ErrorCode::Internal, error.to_string());
            return Err(refusal(StatusCode::TOO_MANY_REQUESTS, None, &error));
        }
        let channel = Channel::request(Arc::clone(&open), caller.principal, Arc::default());
        let frame = match endpoint.dispatcher.receive(&channel, text) {
            Step::Nothing | Step::Cancel(_) => None,
            Step::Answer(frame) => Some(frame),
            Step::Run(running) => running.await,
        };
        Ok(match frame {
            None => accepted(),
            Some(frame) if frame.outcome != Outcome::Result => replies.with(frame),
            Some(acknowledged) => {
                tracing::info!(session = %open.id(), peer = %open.peer(), "subscription opened");
                let dispatcher = Arc::clone(&endpoint.dispatcher);
                reply::events(ListenStream::new(open, dispatcher, acknowledged.text))
            }
        })
    }
}
