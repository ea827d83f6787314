//! Messages that wait for the connection's task to send them.

use crate::upstream::failure::Failure;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::task::Context;

/// Bytes that may wait for an upstream that does not read. A single message may be larger.
const MAX_UNSENT: usize = 1 << 20;

/// Shared by whoever sends and the connection's task.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Wakes the task.
    attention: AtomicWaker,
}

#[derive(Debug, Default)]
struct State {
    unsent: VecDeque<String>,
    bytes: usize,
    /// Why nothing more can be sent.
    closed: Option<String>,
    /// Whether the link was dropped.
    left: bool,
}

impl Outbox {
    /// Takes a message. It is not sent at all when this fails.
    pub(super) fn push(&self, text: String) -> Result<(), Failure> {
        let mut state = self.state.lock();
        if let Some(why) = &state.closed {
            return Err(Failure::Unreachable(why.clone()));
        }
        if !state.unsent.is_empty() && state.bytes + text.len() > MAX_UNSENT {
            return Err(Failure::Unreachable(format!("{} bytes wait already, which it does not read", state.bytes)));
        }
        state.bytes += text.len();
        state.unsent.push_back(text);
        drop(state);
        self.attention.wake();
        Ok(())
    }

    /// The next message to send.
    pub(super) fn pop(&self) -> Option<String> {
        let mut state = self.state.lock();
        let text = state.unsent.pop_front()?;
        state.bytes -= text.len();
        Some(text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().unsent.is_empty()
    }

    /// To be called by the task before it looks at anything here.
    pub(super) fn watch(&self, cx: &Context<'_>) {
        self.attention.register(cx.waker());
    }

    /// Nothing more can be sent.
    pub(super) fn close(&self, why: &str) {
        let mut state = self.state.lock();
        state.unsent = VecDeque::new();
        state.bytes = 0;
        state.closed = Some(why.to_owned());
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
