//! What a legacy session was told on its streams, kept for a while: a client whose connection was cut brings
//! back the id of the last event that it saw, and goes on from there.

use super::sse::{self, EventId};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// The stream of what a session has to say unasked.
pub(super) const UNASKED: u64 = 0;
/// Streams that are kept of one session, and events of one stream.
const MOST: usize = 256;
/// How long what was said is kept.
const KEPT: Duration = Duration::from_secs(300);

/// The streams of a session.
#[derive(Debug)]
pub(super) struct Logs {
    logs: Mutex<Inner>,
    most_bytes: usize,
}

#[derive(Debug)]
struct Inner {
    logs: VecDeque<Log>,
    bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct Log {
    stream: u64,
    events: VecDeque<Event>,
    /// The place of the newest event; the first one is at 1.
    last: u64,
    finished: bool,
    /// Counts those who have read it, one after the other.
    readers: u64,
    waker: Option<Waker>,
}

#[derive(Debug)]
struct Event {
    text: Bytes,
    at: Instant,
}

/// Somebody who reads a stream, until the next one does.
#[derive(Debug)]
pub(super) struct Reader {
    at: EventId,
    number: u64,
}

impl Reader {
    /// What it has read last.
    pub(super) fn at(&self) -> EventId {
        self.at
    }
}

impl Logs {
    pub(super) fn new(most_bytes: usize) -> Self {
        let logs = VecDeque::from([Log::new(UNASKED)]);
        Self { logs: Mutex::new(Inner { logs, bytes: 0, next: UNASKED + 1 }), most_bytes }
    }

    /// Opens a stream.
    pub(super) fn open(&self) -> u64 {
        let inner = &mut *self.logs.lock();
        let stream = inner.next;
        inner.next += 1;
        inner.logs.push_back(Log::new(stream));
        inner.shrink(self.most_bytes);
        stream
    }

    /// Says something on a stream. What is too much pushes out what is oldest.
    pub(super) fn say(&self, stream: u64, message: &str) {
        let inner = &mut *self.logs.lock();
        let Some(log) = inner.logs.iter_mut().find(|log| log.stream == stream) else { return };
        log.last += 1;
        let text = Bytes::from(sse::event(Some(EventId { stream, place: log.last }), message));
        inner.bytes += text.len();
        log.events.push_back(Event { text, at: Instant::now() });
        let waker = log.waker.take();
        inner.shrink(self.most_bytes);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ends a stream: its reader ends behind what was said.
    pub(super) fn finish(&self, stream: u64) {
        if let Some(log) = self.logs.lock().logs.iter_mut().find(|log| log.stream == stream) {
            log.finished = true;
            log.waker.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Reads a stream behind this event, or what is to come; whoever read it before does not any more. None
    /// when that is not kept.
    pub(super) fn attach(&self, stream: u64, behind: Option<u64>) -> Option<Reader> {
        let inner = &mut *self.logs.lock();
        let log = inner.logs.iter_mut().find(|log| log.stream == stream)?;
        let place = behind.unwrap_or(log.last);
        if place > log.last || place < log.gone() {
            return None;
        }
        log.readers += 1;
        log.waker.take().into_iter().for_each(Waker::wake);
        Some(Reader { at: EventId { stream, place }, number: log.readers })
    }

    /// The events that a reader has not seen; none at the end of what it can read.
    pub(super) fn poll_read(&self, reader: &mut Reader, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        let inner = &mut *self.logs.lock();
        let Some(log) = inner.logs.iter_mut().find(|log| log.stream == reader.at.stream) else {
            return Poll::Ready(None);
        };
        let gone = log.gone();
        // Who reads too slowly has lost something, and may not go on as if it had not.
        if log.readers != reader.number || reader.at.place < gone {
            return Poll::Ready(None);
        }
        if reader.at.place < log.last {
            let unread = usize::try_from(reader.at.place - gone).unwrap_or(usize::MAX);
            let mut text = BytesMut::new();
            log.events.iter().skip(unread).for_each(|event| text.extend_from_slice(&event.text));
            reader.at.place = log.last;
            return Poll::Ready(Some(text.freeze()));
        }
        if log.finished {
            return Poll::Ready(None);
        }
        log.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Has all readers look again.
    pub(super) fn wake(&self) {
        let wakers: Vec<_> = self.logs.lock().logs.iter_mut().filter_map(|log| log.waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Forgets what was said too long ago.
    pub(super) fn sweep(&self) {
        let inner = &mut *self.logs.lock();
        for log in &mut inner.logs {
            while log.events.front().is_some_and(|event| event.at.elapsed() > KEPT) {
                inner.bytes -= log.forget_one();
            }
        }
        inner.logs.retain(|log| log.stream == UNASKED || !log.finished || !log.events.is_empty());
    }
}

impl Inner {
    /// Forgets what is oldest until the rest may stay: of what is finished first, and never the newest event.
    fn shrink(&mut self, most_bytes: usize) {
        while self.bytes > most_bytes || self.logs.len() > MOST {
            let Some(index) = self.logs.iter().position(|log| log.finished && log.waker.is_none()) else { break };
            if let Some(log) = self.logs.remove(index) {
                self.bytes -= log.events.iter().map(|event| event.text.len()).sum::<usize>();
            }
        }
        let Self { logs, bytes, .. } = self;
        for log in logs {
            while log.events.len() > 1 && (*bytes > most_bytes || log.events.len() > MOST) {
                *bytes -= log.forget_one();
            }
        }
    }
}

impl Log {
    fn new(stream: u64) -> Self {
        Self { stream, events: VecDeque::new(), last: 0, finished: false, readers: 0, waker: None }
    }

    /// The place of the newest event that is not kept any more.
    fn gone(&self) -> u64 {
        self.last - self.events.len() as u64
    }

    /// Forgets the oldest event, and says how large it was.
    fn forget_one(&mut self) -> usize {
        self.events.pop_front().map_or(0, |event| event.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(logs: &Logs, reader: &mut Reader) -> Option<String> {
        match logs.poll_read(reader, &Context::from_waker(Waker::noop())) {
            Poll::Ready(bytes) => bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            Poll::Pending => Some(String::new()),
        }
    }

    #[test]
    fn a_stream_goes_on_behind_what_was_seen() {
        let logs = Logs::new(1 << 20);
        let stream = logs.open();
        let mut reader = logs.attach(stream, None).expect("it is there");
        logs.say(stream, "a");
        logs.say(stream, "b");
        assert_eq!(read(&logs, &mut reader).as_deref(), Some("id: 1-1\ndata: a\n\nid: 1-2\ndata: b\n\n"));
        let mut again = logs.attach(stream, Some(1)).expect("it is kept");
        assert_eq!(read(&logs, &mut reader), None, "another one reads it now");
        logs.finish(stream);
        assert_eq!(read(&logs, &mut again).as_deref(), Some("id: 1-2\ndata: b\n\n"));
        assert_eq!(read(&logs, &mut again), None);
        assert!(logs.attach(stream, Some(3)).is_none() && logs.attach(stream + 1, None).is_none());
    }

    #[test]
    fn what_is_too_much_is_forgotten_and_never_skipped() {
        let logs = Logs::new(100);
        let stream = logs.open();
        let mut slow = logs.attach(stream, None).expect("it is there");
        (0..50).for_each(|_| logs.say(stream, "0123456789"));
        assert!(logs.logs.lock().bytes <= 100);
        assert_eq!(read(&logs, &mut slow), None);
        assert!(logs.attach(stream, Some(1)).is_none());
        assert!(logs.attach(stream, Some(49)).is_some());
        logs.finish(stream);
        let many: Vec<_> = (0..2 * MOST).map(|_| logs.open()).collect();
        assert!(logs.attach(stream, Some(49)).is_none(), "what is finished goes first");
        assert!(logs.attach(many[0], None).is_some(), "what goes on stays");
    }
}
