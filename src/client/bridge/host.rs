//! What the host says.

use super::answers::{Fault, refusal};
use super::outgoing::Entry;
use super::pending::{Kind, Waiting};
use super::resume::CONTROL;
use super::stdio::Line;
use super::{Bridge, LEAVING, Link};
use crate::wire::{self, ErrorCode, Incoming, Object, RequestId, WireError};
use serde_json::value::RawValue;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// How often another token is looked for, when the one before was refused.
const ASK_AGAIN: Duration = Duration::from_secs(5);

impl Bridge {
    /// Takes a line, if there is one.
    pub(super) fn poll_host(&mut self, cx: &mut Context<'_>) -> bool {
        if self.leave_by.is_some() {
            return false;
        }
        match self.input.poll_line(cx) {
            Poll::Pending => return false,
            Poll::Ready(Line::Whole(line)) => self.line(line),
            Poll::Ready(Line::TooLong) => {
                self.refuse(None, ErrorCode::InvalidRequest, "Invalid request: it is too long")
            }
            Poll::Ready(Line::End) => {
                let by = Instant::now() + LEAVING;
                self.leave_by = Some(by);
                self.wake_by(by);
            }
        }
        true
    }

    fn line(&mut self, line: Vec<u8>) {
        self.lines += 1;
        let Ok(text) = Utf8Bytes::try_from(line) else {
            return self.refuse(None, ErrorCode::Parse, "Parse error: the line is not UTF-8");
        };
        self.look_for_token();
        // What is no message is refused here, in the words that the gateway has for it: its refusal could not be told
        // from an answer to a batch, and while there is no connection there would be none.
        match wire::parse(&text) {
            Ok(Incoming::Request(request)) => self.request(request.id, &request.method, &text, None),
            Ok(Incoming::Notification { method, params }) => self.notification(&method, params, &text),
            Ok(Incoming::Response { id, .. }) => {
                // One that nobody waits for may be meant for a session that is over.
                if id.is_some_and(|id| self.asked.remove(&id)) {
                    self.send(Entry { text: text.clone(), line: Some(self.lines), is_response: true });
                }
            }
            Ok(Incoming::Batch(messages)) => self.batch(&messages, &text),
            Err((id, error)) => {
                let null_id = self.memory.keeps_null_ids();
                self.output.push(&refusal(id.as_ref(), null_id, &error));
            }
        }
    }

    /// A request, by itself or one of a batch, which is sent as a whole.
    fn request(&mut self, id: RequestId, method: &str, text: &Utf8Bytes, batch: Option<&Utf8Bytes>) {
        if method.starts_with(CONTROL) {
            let why = "Method not found: the bridge alone speaks of resuming";
            return self.refuse(Some(&id), ErrorCode::MethodNotFound, why);
        }
        let arrived = Instant::now();
        let request = Waiting {
            id,
            line: self.lines,
            kind: Kind::of(method),
            text: text.clone(),
            batch: batch.cloned(),
            arrived,
            was_sent: false,
            is_open: false,
        };
        if let Link::Hopeless { fault, .. } = &self.link {
            return self.output.push(&fault.answer(&request));
        }
        let id = request.id.clone();
        if !self.pending.insert(request) {
            return self.refuse(Some(&id), ErrorCode::InvalidRequest, "Invalid request: its id is still in use");
        }
        self.wake_by(arrived + self.options.wait.min(self.options.call_timeout.unwrap_or(Duration::MAX)));
        if batch.is_none() && !self.send(Entry { text: text.clone(), line: Some(self.lines), is_response: false }) {
            self.no_room(&id);
        }
    }

    fn notification(&mut self, method: &str, params: Option<&RawValue>, text: &Utf8Bytes) {
        if method.starts_with(CONTROL) || matches!(self.link, Link::Hopeless { .. }) {
            return;
        }
        match method {
            "notifications/initialized" => self.memory.initialized(self.lines, text.clone()),
            "notifications/cancelled" if self.cancelled(params) => return,
            _ => {}
        }
        self.send(Entry { text: text.clone(), line: Some(self.lines), is_response: false });
    }

    /// The host takes a request back, which gets no answer then; whether the gateway need not know.
    fn cancelled(&mut self, params: Option<&RawValue>) -> bool {
        let id = params.and_then(|params| Object::read(params.get())).and_then(|params| {
            let id = params.get("requestId")?;
            RequestId::parse(id)
        });
        let Some(id) = id else { return false };
        let line = match self.pending.get_mut(&id) {
            // One of a batch can't be taken back.
            Some(request) if request.batch.is_none() => request.line,
            _ => return false,
        };
        if self.outgoing.remove(line) {
            self.pending.answered(&id);
            return true;
        }
        self.pending.forget(&id);
        false
    }

    fn batch(&mut self, messages: &[&RawValue], text: &Utf8Bytes) {
        if messages.is_empty() || !self.memory.allows_batches() {
            let why = "Invalid request: only protocol version 2025-03-26 has batches; send one message a line";
            return self.refuse(None, ErrorCode::InvalidRequest, why);
        }
        let mut ids = Vec::new();
        for message in messages {
            match wire::parse(message.get()) {
                Ok(Incoming::Request(request)) => {
                    ids.push(request.id.clone());
                    self.request(request.id, &request.method, &message.get().to_owned().into(), Some(text));
                }
                Ok(Incoming::Response { id: Some(id), .. }) => {
                    self.asked.remove(&id);
                }
                _ => {}
            }
        }
        if matches!(self.link, Link::Hopeless { .. }) {
            return;
        }
        if !self.send(Entry { text: text.clone(), line: Some(self.lines), is_response: false }) {
            ids.iter().for_each(|id| self.no_room(id));
        }
    }

    /// Has a message sent when it can be; whether there was room for it.
    fn send(&mut self, entry: Entry) -> bool {
        if matches!(self.link, Link::Dormant) {
            self.dial();
        }
        self.outgoing.push(entry).is_ok()
    }

    fn no_room(&mut self, id: &RequestId) {
        if let Some(request) = self.pending.answered(id) {
            let text = "So many requests wait for the gateway already that this one was not sent. Try again later.";
            self.output.push(&Fault::new("unreachable", text).answer(&request));
        }
    }

    fn refuse(&mut self, id: Option<&RequestId>, code: ErrorCode, why: &'static str) {
        let null_id = self.memory.keeps_null_ids();
        self.output.push(&refusal(id, null_id, &WireError::new(code, why)));
    }

    /// Tries once more if somebody has put another token in the place of the one that was refused.
    fn look_for_token(&mut self) {
        let Link::Hopeless { asked, .. } = &mut self.link else { return };
        if asked.elapsed() < ASK_AGAIN {
            return;
        }
        *asked = Instant::now();
        let Some(token) = (self.options.other_token)() else { return };
        if self.token.as_ref().is_none_or(|before| before.text() != token.text()) {
            self.token = Some(token.into());
            self.credential = None;
            self.dial();
        }
    }
}
