//! What the gateway says, and how it is said to it.

use super::memory::OWN;
use super::pending::Kind;
use super::resume::{self, CONTROL};
use super::{Bridge, Connection, Link};
use crate::client::Closed;
use crate::wire::{Object, Passing, RequestId, Response, answered};
use futures_util::{Sink as _, SinkExt as _, Stream as _};
use serde_json::value::RawValue;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::Message;

/// After how many messages, and after how many bytes, the gateway is told that they came, as soon as it is told
/// something anyway.
const ACKNOWLEDGE: (u64, usize) = (16, 32 << 10);
/// How many times as much may come before it is told that alone.
const ALONE: u8 = 2;

impl Bridge {
    /// Goes on with whatever is to be done on the way to the gateway; whether there was something.
    pub(super) fn poll_link(&mut self, cx: &mut Context<'_>) -> bool {
        match std::mem::replace(&mut self.link, Link::Dormant) {
            Link::Opening(mut opening) => match opening.as_mut().poll(cx) {
                Poll::Pending => {
                    self.link = Link::Opening(opening);
                    false
                }
                Poll::Ready(Ok(opened)) => {
                    self.opened(opened);
                    true
                }
                Poll::Ready(Err(why)) => {
                    self.not_opened(why);
                    true
                }
            },
            Link::Open(mut connection) => match self.poll_open(&mut connection, cx) {
                Ok(moved) => {
                    self.link = Link::Open(connection);
                    moved
                }
                Err(closed) => {
                    self.lost(&closed);
                    true
                }
            },
            other => {
                self.link = other;
                false
            }
        }
    }

    /// Sends what can be sent, and takes one message.
    fn poll_open(&mut self, connection: &mut Connection, cx: &mut Context<'_>) -> Result<bool, Closed> {
        let mut moved = false;
        if self.outgoing.has_next() && self.owes(1) {
            self.acknowledge(connection)?;
        }
        while self.outgoing.has_next() {
            match Pin::new(&mut connection.socket).poll_ready(cx) {
                Poll::Pending => break,
                Poll::Ready(ready) => ready.map_err(|error| broken(&error))?,
            }
            if let Some(text) = self.outgoing.next() {
                connection.send(Message::Text(text))?;
                moved = true;
            }
        }
        if self.output.is_full() {
            // A host that does not read is not read for; that nothing is heard meanwhile is its doing.
            connection.last_heard = Instant::now();
            return Ok(moved);
        }
        match Pin::new(&mut connection.socket).poll_next(cx) {
            Poll::Pending => Ok(moved),
            Poll::Ready(Some(Ok(message))) => {
                connection.last_heard = Instant::now();
                connection.pinged = false;
                self.take(message, connection)?;
                Ok(true)
            }
            Poll::Ready(Some(Err(error))) => Err(broken(&error)),
            Poll::Ready(None) => Err(cut("it was cut")),
        }
    }

    /// Sends what was written.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) {
        let Link::Open(connection) = &mut self.link else { return };
        if connection.dirty {
            match Pin::new(&mut connection.socket).poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => connection.dirty = false,
                Poll::Ready(Err(error)) => self.lost(&broken(&error)),
            }
        }
    }

    /// Takes a message; an error is the end of the connection.
    pub(super) fn take(&mut self, message: Message, connection: &mut Connection) -> Result<(), Closed> {
        match message {
            Message::Text(text) => self.take_text(&text, connection),
            Message::Binary(_) => Err(cut("it sent a binary message")),
            Message::Close(None) => Err(cut("it was closed")),
            Message::Close(Some(frame)) => Err(Closed { code: frame.code.into(), reason: frame.reason.to_string() }),
            // tungstenite has queued the pong.
            Message::Ping(_) => {
                connection.dirty = true;
                Ok(())
            }
            Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn take_text(&mut self, text: &str, connection: &mut Connection) -> Result<(), Closed> {
        // Most messages are answers that are nobody's business but the host's.
        let plain = answered(text).flatten().and_then(RequestId::parse);
        if plain.is_some_and(|id| self.pending.answered_plainly(&id)) {
            self.count(text, connection)?;
            self.output.push(text);
            return Ok(());
        }
        let passing = Passing::read(text).ok();
        let method = passing.as_ref().and_then(|passing| passing.method.as_deref());
        if let Some(method) = method.filter(|method| method.starts_with(CONTROL)) {
            let params = passing.as_ref().and_then(|passing| Object::read(passing.params?)).unwrap_or_default();
            return self.control(method, &params, connection);
        }
        self.count(text, connection)?;
        let passes = match &passing {
            None => self.passes_unread(text),
            Some(Passing { response: Some(response), id, .. }) => self.passes_answer(id.as_ref(), text, response),
            Some(Passing { id: Some(id), .. }) => {
                self.asked.insert(id.clone());
                true
            }
            Some(Passing { method: Some(method), params, .. }) => self.passes_notification(method, *params),
            Some(_) => true,
        };
        if passes {
            self.output.push(text);
        }
        Ok(())
    }

    /// Counts a message of the session.
    fn count(&mut self, text: &str, connection: &mut Connection) -> Result<(), Closed> {
        if connection.resumable {
            self.backoff.reset();
            self.received += 1;
            self.unacknowledged.0 += 1;
            self.unacknowledged.1 += text.len();
            if self.owes(ALONE) {
                self.acknowledge(connection)?;
            }
        }
        Ok(())
    }

    fn control(&mut self, method: &str, params: &Object<'_>, connection: &mut Connection) -> Result<(), Closed> {
        self.backoff.reset();
        match method {
            "dev.sessile/received" => {
                let count = params.get("count").and_then(|count| count.parse().ok());
                if !count.is_some_and(|count| self.outgoing.acknowledge(count)) {
                    return Err(cut("it acknowledged what it was not sent"));
                }
            }
            "dev.sessile/credential" => {
                self.credential = resume::credential(params);
                self.by_tool = self.credential.is_some();
                if !self.by_tool {
                    self.memory.signed_out();
                }
                // It is good from when the gateway knows that it came.
                self.acknowledge(connection)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether so many times as much came as should be acknowledged at once.
    fn owes(&self, times: u8) -> bool {
        let (messages, bytes) = self.unacknowledged;
        messages >= ACKNOWLEDGE.0 * u64::from(times) || bytes >= ACKNOWLEDGE.1 * usize::from(times)
    }

    /// Tells the gateway what came.
    pub(super) fn acknowledge(&mut self, connection: &mut Connection) -> Result<(), Closed> {
        self.unacknowledged = (0, 0);
        connection.send(Message::text(resume::received(self.received)))
    }

    fn passes_answer(&mut self, id: Option<&RequestId>, text: &str, response: &Response) -> bool {
        let Some(id) = id else { return self.passes_unread(text) };
        if text[response.id.clone()].starts_with(OWN) {
            return false;
        }
        match self.pending.answered(id) {
            Some(request) => {
                if !response.is_error {
                    self.memory.succeeded(&request, &text[response.payload.clone()]);
                }
                true
            }
            None => !self.pending.is_forgotten(id),
        }
    }

    /// Several answers together, or one to nobody.
    fn passes_unread(&mut self, text: &str) -> bool {
        let Ok(messages) = serde_json::from_str::<Vec<&RawValue>>(text) else {
            // What the gateway can't answer by id is a batch, for all else it understands.
            for id in self.pending.first_batch() {
                self.pending.answered(&id);
            }
            return true;
        };
        let mut passes = false;
        for message in messages {
            let Ok(Passing { id: Some(id), response: Some(response), .. }) = Passing::read(message.get()) else {
                passes = true;
                continue;
            };
            passes |= self.passes_answer(Some(&id), message.get(), &response);
        }
        passes
    }

    fn passes_notification(&mut self, method: &str, params: Option<&str>) -> bool {
        let params = || params.and_then(Object::read);
        match method {
            "notifications/cancelled" => {
                let id = params().and_then(|params| RequestId::parse(params.get("requestId")?));
                if let Some(id) = id {
                    self.asked.remove(&id);
                }
                true
            }
            "notifications/subscriptions/acknowledged" => {
                let id = params().and_then(|params| {
                    let meta = Object::read(params.get("_meta")?)?;
                    RequestId::parse(meta.get("io.modelcontextprotocol/subscriptionId")?)
                });
                let stream = id.and_then(|id| self.pending.get_mut(&id)).filter(|stream| stream.kind == Kind::Listen);
                // The host was told of a stream that was opened again, and need not know that.
                stream.is_none_or(|stream| !std::mem::replace(&mut stream.is_open, true))
            }
            _ => true,
        }
    }
}

impl Connection {
    /// Has a message leave with the next flush.
    pub(super) fn send(&mut self, message: Message) -> Result<(), Closed> {
        self.dirty = true;
        self.socket.start_send_unpin(message).map_err(|error| broken(&error))
    }
}

/// The end of a connection that broke.
fn broken(error: &WsError) -> Closed {
    match error {
        WsError::ConnectionClosed | WsError::AlreadyClosed => cut("it was closed"),
        WsError::Io(error) => cut(&error.to_string()),
        other => cut(&other.to_string()),
    }
}

/// An end without a close frame.
pub(super) fn cut(why: &str) -> Closed {
    Closed { code: 1006, reason: why.to_owned() }
}
