//! What goes to a child: written at once where the pipe has room, and kept for the child's task where it has not.

use crate::upstream::failure::Failure;
use futures_util::task::AtomicWaker;
use memchr::memchr2;
use parking_lot::Mutex;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;
use tokio::net::unix::pipe;

/// Bytes that may wait for a child that does not read. A single message may be larger.
const MAX_UNSENT: usize = 1 << 20;
/// Ids that are kept of requests that wait. They are a help only, so the oldest go.
const MAX_WAITING: usize = 1024;

/// A child's standard input, shared by whoever sends and the child's task.
#[derive(Debug)]
pub(super) struct Stdin {
    state: Mutex<State>,
    /// Wakes the child's task.
    attention: AtomicWaker,
}

#[derive(Debug)]
struct State {
    pipe: Option<pipe::Sender>,
    /// Whole lines, but for the first, of which the child may have a part.
    unsent: Vec<u8>,
    /// How much of that it has.
    sent: usize,
    /// Requests without an answer.
    waiting: Vec<i64>,
    /// Whether the child does not take anything any more.
    broken: bool,
    /// Why nothing more can be sent.
    closed: Option<String>,
    /// Whether the link was dropped.
    left: bool,
}

impl Stdin {
    pub(super) fn new(pipe: pipe::Sender) -> Self {
        let state = State {
            pipe: Some(pipe),
            unsent: Vec::new(),
            sent: 0,
            waiting: Vec::new(),
            broken: false,
            closed: None,
            left: false,
        };
        Self { state: Mutex::new(state), attention: AtomicWaker::new() }
    }

    /// Sends a message, which is a request if there is an id. It was not sent at all when this fails.
    pub(super) fn send(&self, text: String, id: Option<i64>) -> Result<(), Failure> {
        let line = on_one_line(text);
        let mut state = self.state.lock();
        if let Some(why) = &state.closed {
            return Err(Failure::Unreachable(why.clone()));
        }
        let unsent = state.unsent.len() - state.sent;
        if unsent > 0 && unsent + line.len() > MAX_UNSENT {
            return Err(Failure::Unreachable(format!("{unsent} bytes wait already, which it does not read")));
        }
        let written = match if unsent > 0 { Ok(0) } else { state.try_write(&line) } {
            Ok(written) => written,
            Err(error) => {
                state.broken = true;
                drop(state);
                self.attention.wake();
                return Err(Failure::Unreachable(format!("it takes nothing any more: {error}")));
            }
        };
        if written <= line.len() {
            state.unsent.extend_from_slice(&line[written..]);
            state.unsent.push(b'\n');
        }
        if let Some(id) = id {
            state.note_waiting(id);
        }
        let wake = unsent == 0 && !state.unsent.is_empty();
        drop(state);
        if wake {
            self.attention.wake();
        }
        Ok(())
    }

    /// To be called by the child's task before it looks at anything here.
    pub(super) fn watch(&self, cx: &Context<'_>) {
        self.attention.register(cx.waker());
    }

    /// Writes what waits, as much as the child takes now; whether it takes anything at all.
    pub(super) fn flush(&self, cx: &mut Context<'_>) -> bool {
        let mut state = self.state.lock();
        state.broken |= matches!(state.poll_flush(cx), Poll::Ready(Err(_)));
        !state.broken
    }

    /// A request has its answer, or nobody waits for it.
    pub(super) fn answered(&self, id: i64) {
        self.state.lock().waiting.retain(|waiting| *waiting != id);
    }

    /// The one request that has no answer, if it is one.
    pub(super) fn only_one_waiting(&self) -> Option<i64> {
        match self.state.lock().waiting[..] {
            [id] => Some(id),
            _ => None,
        }
    }

    /// Whether this request has no answer.
    pub(super) fn is_waiting(&self, id: i64) -> bool {
        self.state.lock().waiting.contains(&id)
    }

    /// Nothing more can be sent.
    pub(super) fn close(&self, why: &str) {
        let mut state = self.state.lock();
        state.pipe = None;
        state.unsent = Vec::new();
        state.sent = 0;
        state.closed.get_or_insert_with(|| why.to_owned());
    }

    /// The link is dropped.
    pub(super) fn leave(&self) {
        self.state.lock().left = true;
        self.attention.wake();
    }

    /// Whether the link was dropped.
    pub(super) fn is_left(&self) -> bool {
        self.state.lock().left
    }
}

impl State {
    /// Writes a line and its end; how much of both was taken.
    fn try_write(&self, line: &[u8]) -> io::Result<usize> {
        let Some(pipe) = &self.pipe else { return Err(io::ErrorKind::BrokenPipe.into()) };
        loop {
            match pipe.try_write_vectored(&[IoSlice::new(line), IoSlice::new(b"\n")]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.unsent.len() {
            let Some(pipe) = &mut self.pipe else { break };
            self.sent += ready!(Pin::new(pipe).poll_write(cx, &self.unsent[self.sent..]))?;
        }
        // Such a moment is rare, and so is a queue that is worth keeping.
        self.unsent = Vec::new();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    fn note_waiting(&mut self, id: i64) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.remove(0);
        }
        self.waiting.push(id);
    }
}

/// Line breaks can only be between the tokens of a message: in its strings they are escaped.
fn on_one_line(text: String) -> Vec<u8> {
    let mut line = text.into_bytes();
    let mut from = 0;
    while let Some(found) = memchr2(b'\n', b'\r', &line[from..]) {
        from += found;
        line[from] = b' ';
    }
    line
}
