//! A legacy session: whose it is, what runs in it, and the streams on which it is told things.

use super::call::Hold;
use super::log::Logs;
use crate::mcp::Running;
use crate::session::{EndReason, Open, Owner};
use crate::wire::RequestId;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;
use tokio::time::Instant;

/// Names a session on the wire. It cannot be guessed; it proves nothing all the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 16]);

/// A session that `initialize` opened over HTTP.
pub(super) struct HttpSession {
    pub(super) key: Key,
    pub(super) open: Open,
    pub(super) owner: Owner,
    pub(super) logs: Logs,
    calls: Mutex<Vec<Arc<Handle>>>,
    /// Requests and streams that are open.
    active: AtomicUsize,
    opened: Instant,
    used: Mutex<Instant>,
}

/// A session that is in use, and so not idle.
pub(super) struct Active(Arc<HttpSession>);

/// By what a running call is found, to be given up.
struct Handle {
    id: Option<RequestId>,
    /// Whether it may be what ends its own session, as a sign-out is: then its client is owed the answer.
    exclusive: bool,
    given_up: AtomicBool,
    waker: AtomicWaker,
}

/// A running call's place in its session.
pub(super) struct Held {
    session: Active,
    handle: Arc<Handle>,
}

impl Key {
    /// A new one.
    pub(super) fn new() -> Option<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok().map(|()| Self(bytes))
    }

    /// Reads one, in the one spelling that it has.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        u128::from_str_radix(text, 16).ok().filter(|_| digits).map(|number| Self(number.to_be_bytes()))
    }

    /// As it is written.
    pub(super) fn text(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }
}

impl HttpSession {
    pub(super) fn new(key: Key, open: Open, owner: Owner, replay_bytes: usize) -> Self {
        let now = Instant::now();
        Self {
            key,
            open,
            owner,
            logs: Logs::new(replay_bytes),
            calls: Mutex::default(),
            active: AtomicUsize::new(0),
            opened: now,
            used: Mutex::new(now),
        }
    }

    /// Notes that it is in use, until what this returns is dropped.
    pub(super) fn enter(self: &Arc<Self>) -> Active {
        self.active.fetch_add(1, Ordering::AcqRel);
        Active(Arc::clone(self))
    }

    /// Since when nobody uses it; none while somebody does.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        (self.active.load(Ordering::Acquire) == 0).then(|| *self.used.lock())
    }

    /// How long it has been there.
    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Whether calls run.
    pub(super) fn is_busy(&self) -> bool {
        !self.calls.lock().is_empty()
    }

    /// Gives up the call with this id.
    pub(super) fn cancel(&self, id: &RequestId) {
        self.calls.lock().iter().filter(|handle| handle.id.as_ref() == Some(id)).for_each(|handle| handle.give_up());
    }

    /// Ends it: its calls are given up, but for exclusive ones, and its streams end.
    pub(super) fn end(&self, reason: EndReason) {
        self.open.end(reason);
        self.calls.lock().iter().filter(|handle| !handle.exclusive).for_each(|handle| handle.give_up());
        self.logs.wake();
    }
}

impl Active {
    /// Notes that a call runs in the session, until what this returns is dropped.
    pub(super) fn hold(&self, running: &Running) -> Held {
        let (id, exclusive) = (running.id(), running.is_exclusive());
        let (given_up, waker) = (AtomicBool::new(false), AtomicWaker::new());
        let handle = Arc::new(Handle { id: id.cloned(), exclusive, given_up, waker });
        self.calls.lock().push(Arc::clone(&handle));
        if !exclusive && self.open.ended().is_some_and(|reason| reason != EndReason::Draining) {
            // Since it was looked for: those that are given up may have been gathered already.
            handle.give_up();
        }
        Held { session: self.0.enter(), handle }
    }
}

impl std::ops::Deref for Active {
    type Target = Arc<HttpSession>;

    fn deref(&self) -> &Arc<HttpSession> {
        &self.0
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        *self.0.used.lock() = Instant::now();
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Handle {
    fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
        self.waker.wake();
    }
}

impl Held {
    /// The session that the call runs in.
    pub(super) fn session(&self) -> &Active {
        &self.session
    }
}

impl Hold for Held {
    fn is_given_up(&self, cx: &Context<'_>) -> bool {
        self.handle.waker.register(cx.waker());
        self.handle.given_up.load(Ordering::Acquire)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.session.calls.lock().retain(|handle| !Arc::ptr_eq(handle, &self.handle));
    }
}
