//! What happens to a connection because of time alone.

use super::Connection;
use crate::session::EndReason;
use futures_util::SinkExt;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::Message;

use super::closing::end_reason;

impl Connection {
    /// Notes whether somebody is signed in now; only an exclusive call can have changed that.
    pub(super) fn note_standing(&mut self) {
        if let Some(keeping) = &mut self.keeping {
            keeping.look = true;
        }
        if self.open.is_signed_in() {
            self.stranger_since = None;
        } else if self.stranger_since.is_none() {
            self.end_waiting();
            self.stranger_since = Some(Instant::now());
            let next = self.next_deadline();
            self.timer.as_mut().reset(next);
        }
    }

    pub(super) fn note_blocked(&mut self) {
        if self.blocked_since.is_none() {
            self.blocked_since = Some(Instant::now());
            let next = self.next_deadline();
            self.timer.as_mut().reset(next);
        }
    }

    /// Ends or pings a connection on which nothing happens.
    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<EndReason> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if let Poll::Ready(reason) = self.poll_waited(now) {
                return Poll::Ready(reason);
            }
            let next = self.next_deadline().max(now + Duration::from_millis(1));
            self.timer.as_mut().reset(next);
        }
        Poll::Pending
    }

    fn poll_waited(&mut self, now: Instant) -> Poll<EndReason> {
        let limits = self.dispatcher.manager().limits();
        if self.is_resuming() {
            return Poll::Pending;
        }
        // What a principal was proved with may end by itself.
        self.review |= self.open.is_stale();
        if let Some((until, _)) = self.keeping.as_ref().and_then(|keeping| keeping.waits) {
            return if now >= until { Poll::Ready(EndReason::NotResumed) } else { Poll::Pending };
        }
        if self.blocked_since.is_some_and(|since| now >= since + limits.write_timeout) {
            return Poll::Ready(EndReason::SlowReader);
        }
        if self.stranger_since.is_some_and(|since| now >= since + limits.unauthenticated) {
            return Poll::Ready(EndReason::NotSignedIn);
        }
        if self.held.is_some() {
            // It says that the client is there, though nothing is read.
            self.last_heard = now;
        }
        if now >= self.last_heard + limits.idle_timeout {
            return Poll::Ready(EndReason::Idle);
        }
        if !self.pinged
            && now >= self.last_heard + limits.ping_interval
            && let Some(socket) = &mut self.socket
        {
            self.pinged = true;
            self.dirty = true;
            if let Err(error) = socket.start_send_unpin(Message::Ping(bytes::Bytes::new())) {
                return Poll::Ready(end_reason(&error));
            }
        }
        self.note_age();
        Poll::Pending
    }

    /// When to look at the timers again; what happens in between only moves them back.
    pub(super) fn next_deadline(&self) -> Instant {
        let limits = self.dispatcher.manager().limits();
        let mut next = self.last_heard + if self.pinged { limits.idle_timeout } else { limits.ping_interval };
        if let Some((until, _)) = self.keeping.as_ref().and_then(|keeping| keeping.waits) {
            next = until;
        } else {
            if let Some(since) = self.stranger_since {
                next = next.min(since + limits.unauthenticated);
            }
            if let Some(since) = self.blocked_since {
                next = next.min(since + limits.write_timeout);
            }
        }
        if let Some(left) = self.open.time_left() {
            next = next.min(Instant::now() + left.max(Duration::from_secs(1)));
        }
        next
    }
}
