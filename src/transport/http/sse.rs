//! Server-sent events as text.

use bytes::Bytes;
use std::fmt::Write;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// After how many milliseconds a client should come back when its stream breaks.
const RETRY: u32 = 1000;

/// A comment, which keeps those in between from taking a quiet stream for a dead one.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Where an event is: in which of a session's streams, and at which place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventId {
    pub(super) stream: u64,
    pub(super) place: u64,
}

impl EventId {
    /// Reads an id that a client brings back.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (stream, place) = text.split_once('-')?;
        Some(Self { stream: stream.parse().ok()?, place: place.parse().ok()? })
    }
}

/// An event that holds a message.
pub(super) fn event(id: Option<EventId>, message: &str) -> String {
    let mut event = String::with_capacity(message.len() + 40);
    if let Some(id) = id {
        write_id(&mut event, id);
    }
    // A message is one line, unless its client put a line break between its members.
    for line in message.lines() {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event
}

/// The beginning of a stream that can be resumed: it says from where, and when to come back. An event without
/// data is for those who know that there are such.
pub(super) fn beginning(id: EventId, with_data: bool) -> Bytes {
    let mut event = String::new();
    write_id(&mut event, id);
    let _ = writeln!(event, "retry: {RETRY}");
    event.push_str(if with_data { "data:\n\n" } else { "\n" });
    event.into()
}

fn write_id(event: &mut String, id: EventId) {
    let _ = writeln!(event, "id: {}-{}", id.stream, id.place);
}

/// When a stream has something to say though nothing happens.
#[derive(Debug)]
pub(super) struct Pulse {
    every: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Pulse {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, timer: Box::pin(sleep(every)) }
    }

    /// Ready once each time.
    pub(super) fn poll_beat(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        std::task::ready!(self.timer.as_mut().poll(cx));
        self.timer.as_mut().reset(Instant::now() + self.every);
        Poll::Ready(())
    }
}
