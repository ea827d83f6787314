//! What a call has to say before its answer, where it has a stream of its own.

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::task::Context;

/// A bounded queue between a call and the stream of its request.
#[derive(Debug, Default)]
pub struct Mailbox {
    queue: Mutex<Queue>,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Queue {
    messages: Vec<String>,
    bytes: usize,
    overflowed: bool,
}

impl Mailbox {
    /// Adds a message. What does not fit marks the mailbox as overflowed: its reader is too slow.
    pub fn send(&self, message: String, max_queued_bytes: usize) {
        let mut queue = self.queue.lock();
        if queue.bytes.saturating_add(message.len()) > max_queued_bytes {
            queue.overflowed = true;
        } else {
            queue.bytes += message.len();
            queue.messages.push(message);
        }
        drop(queue);
        self.waker.wake();
    }

    /// Adds a message if it fits; false when it does not.
    pub fn offer(&self, message: String, max_queued_bytes: usize) -> bool {
        let mut queue = self.queue.lock();
        let fits = queue.bytes.saturating_add(message.len()) <= max_queued_bytes;
        if fits {
            queue.bytes += message.len();
            queue.messages.push(message);
        }
        drop(queue);
        self.waker.wake();
        fits
    }

    /// Has the task of this context woken by the next message. Do this before [`Mailbox::take`], and
    /// nothing is missed.
    pub fn watch(&self, cx: &Context<'_>) {
        self.waker.register(cx.waker());
    }

    /// Takes what is there.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        let mut queue = self.queue.lock();
        queue.bytes = 0;
        std::mem::take(&mut queue.messages)
    }

    /// Whether something did not fit.
    #[must_use]
    pub fn overflowed(&self) -> bool {
        self.queue.lock().overflowed
    }
}
