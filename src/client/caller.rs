//! Requests over one connection, for whoever wants answers rather than bytes: the shell, single calls, the doctor.
//!
//! A task owns the socket. A [`Caller`] hands it requests and waits for their answers; what comes unasked is an [`Event`].

use super::dial::Socket;
use crate::wire::{Passing, notification, request};
use futures_util::{SinkExt as _, StreamExt as _};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Events that wait to be looked at. A caller that looks at none loses what comes then, and no answer.
const EVENTS: usize = 1024;
/// Requests that wait to be written.
const COMMANDS: usize = 64;

/// How long closing may take: the other side may have gone.
const CLOSING: Duration = Duration::from_secs(2);

/// One end of a connection with a gateway. It closes when this is dropped.
#[derive(Debug)]
pub(crate) struct Caller {
    commands: mpsc::Sender<Command>,
    next: i64,
}

/// What came unasked.
#[derive(Debug)]
pub(crate) enum Event {
    /// A notification.
    Notification {
        /// Its method.
        method: String,
        /// Its parameters, as JSON; `{}` where there are none.
        params: String,
    },
    /// Something that the gateway asks; [`Caller::respond`] answers it.
    Request {
        /// Its id, as JSON.
        id: String,
        /// Its method.
        method: String,
        /// Its parameters, as JSON.
        params: String,
    },
    /// The connection has ended, and nothing follows.
    Closed(Closed),
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closed {
    /// The close code; 1006 when there was no close frame.
    pub(crate) code: u16,
    /// The name of the reason, or what broke.
    pub(crate) reason: String,
}

/// A request on its way: what to cancel it with, and where its answer arrives.
#[derive(Debug)]
pub(crate) struct Reply {
    id: i64,
    answer: oneshot::Receiver<Result<String, CallError>>,
}

/// Why a request has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// The gateway answered with an error: the JSON of it.
    #[error("{}", message(.0))]
    Error(String),
    /// The connection ended first. Whether the request was carried out is not known.
    #[error("the connection ended ({}) before the answer came", .0.reason)]
    Closed(Closed),
    /// It took longer than the caller wanted to wait. Whether the request was carried out is not known.
    #[error("there was no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
}

/// What the message of a JSON-RPC error says.
fn message(error: &str) -> String {
    let read = serde_json::from_str::<serde_json::Value>(error).ok();
    let text = read.as_ref().and_then(|error| error["message"].as_str());
    text.unwrap_or("the gateway answered with an error that can't be read").to_owned()
}

#[derive(Debug)]
enum Command {
    Request { id: i64, text: String, answer: oneshot::Sender<Result<String, CallError>> },
    Send(String),
    Close,
}

impl Caller {
    /// Speaks on a connection; must be called within a runtime. Events arrive at the receiver.
    pub(crate) fn new(socket: Socket) -> (Self, mpsc::Receiver<Event>) {
        let (commands, taken) = mpsc::channel(COMMANDS);
        let (events, heard) = mpsc::channel(EVENTS);
        tokio::spawn(Link { socket, pending: HashMap::new(), events }.run(taken));
        (Self { commands, next: 0 }, heard)
    }

    /// Sends a request with these parameters, a JSON object. Its answer is waited for with [`Reply::wait`].
    pub(crate) async fn send(&mut self, method: &str, params: &str) -> Reply {
        self.next += 1;
        let id = self.next;
        let (answer, heard) = oneshot::channel();
        let text = request(id, method, params);
        // When the task has gone, so has the other end of `answer`.
        let _ = self.commands.send(Command::Request { id, text, answer }).await;
        Reply { id, answer: heard }
    }

    /// Sends a request and waits for its result, as JSON.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn call(&mut self, method: &str, params: &str, within: Duration) -> Result<String, CallError> {
        self.send(method, params).await.wait(within).await
    }

    /// Sends a notification with these parameters, a JSON object.
    pub(crate) async fn notify(&mut self, method: &str, params: &str) {
        let _ = self.commands.send(Command::Send(notification(method, params))).await;
    }

    /// Takes a request back. It gets no answer then.
    pub(crate) async fn cancel(&mut self, reply: &Reply) {
        self.notify("notifications/cancelled", &format!(r#"{{"requestId":{}}}"#, reply.id)).await;
    }

    /// Answers what the gateway asked: `member` is `"result":…` or `"error":…`.
    pub(crate) async fn respond(&mut self, id: &str, member: &str) {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},{member}}}"#);
        let _ = self.commands.send(Command::Send(text)).await;
    }

    /// Closes the connection in an orderly way, if that can be done soon.
    pub(crate) async fn close(&mut self) {
        let _ = self.commands.send(Command::Close).await;
        let _ = tokio::time::timeout(CLOSING, self.commands.closed()).await;
    }
}

impl Reply {
    /// Waits for the result, as JSON.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn wait(&mut self, within: Duration) -> Result<String, CallError> {
        match tokio::time::timeout(within, &mut self.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(CallError::Closed(lost("it is closed"))),
            Err(_) => Err(CallError::TimedOut(within)),
        }
    }
}

/// The task's side.
struct Link {
    socket: Socket,
    pending: HashMap<i64, oneshot::Sender<Result<String, CallError>>>,
    events: mpsc::Sender<Event>,
}

impl Link {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let closed = loop {
            tokio::select! {
                message = self.socket.next() => match message {
                    Some(Ok(Message::Text(text))) => self.take(&text),
                    Some(Ok(Message::Close(frame))) => break frame.map_or_else(
                        || lost("it was closed"),
                        |frame| Closed { code: frame.code.into(), reason: frame.reason.to_string() },
                    ),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break lost(&error.to_string()),
                    None => break lost("the connection was lost"),
                },
                command = commands.recv() => match command {
                    Some(Command::Request { id, text, answer }) => {
                        self.pending.insert(id, answer);
                        if let Err(error) = self.socket.send(Message::Text(text.into())).await {
                            break lost(&error.to_string());
                        }
                    }
                    Some(Command::Send(text)) => {
                        if let Err(error) = self.socket.send(Message::Text(text.into())).await {
                            break lost(&error.to_string());
                        }
                    }
                    Some(Command::Close) | None => break Closed { code: CloseCode::Normal.into(), reason: "client-closed".into() },
                },
            }
        };
        // Within bounds: the other side may have gone.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.socket.close(None)).await;
        for (_, answer) in self.pending.drain() {
            let _ = answer.send(Err(CallError::Closed(closed.clone())));
        }
        let _ = self.events.send(Event::Closed(closed)).await;
    }

    fn take(&mut self, text: &str) {
        // What can't be read answers nothing and tells nothing.
        let Ok(passing) = Passing::read(text) else { return };
        if let Some(response) = passing.response {
            let id = passing.id.and_then(|id| id.as_number());
            if let Some(answer) = id.and_then(|id| self.pending.remove(&id)) {
                let payload = text[response.payload].to_owned();
                let _ = answer.send(if response.is_error { Err(CallError::Error(payload)) } else { Ok(payload) });
            }
            return;
        }
        let Some(method) = passing.method else { return };
        let (method, params) = (method.to_string(), passing.params.unwrap_or("{}").to_owned());
        let event = match passing.id {
            Some(id) => Event::Request { id: id.as_json().into_owned(), method, params },
            None => Event::Notification { method, params },
        };
        let _ = self.events.try_send(event);
    }
}

/// An end without a close frame.
fn lost(why: &str) -> Closed {
    Closed { code: 1006, reason: why.to_owned() }
}
