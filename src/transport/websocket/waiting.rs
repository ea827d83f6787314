//! A session without a connection: its calls run on, what they say is kept, until its client comes back or the wait is
//! over.

use super::control::Outcome;
use super::resuming::{Returning, answer};
use super::{Connection, Socket};
use crate::session::EndReason;
use futures_util::FutureExt;
use futures_util::{SinkExt, future::poll_fn};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

impl Connection {
    /// Whether the session waits for its client.
    pub(super) fn is_waiting(&self) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| keeping.waits.is_some())
    }

    /// Whether the session goes on, though its connection ends for this reason.
    pub(super) fn outlives(&self, reason: EndReason) -> bool {
        let lost = matches!(reason, EndReason::ConnectionLost | EndReason::Idle | EndReason::SlowReader);
        let kept = self.keeping.as_ref().is_some_and(|keeping| keeping.berth.is_some() && keeping.waits.is_none());
        lost && kept && self.open.is_signed_in() && self.open.ended().is_none()
    }

    /// Gives up the connection, and waits for the client to come back on another one.
    pub(super) fn begin_to_wait(&mut self, reason: EndReason) {
        let manager = self.dispatcher.manager();
        let limits = &manager.limits().resume;
        if let Some(keeping) = &mut self.keeping {
            keeping.waits = Some((Instant::now() + limits.wait, keeping.said()));
            if keeping.berth.as_mut().is_some_and(|berth| berth.wait(limits.max_waiting)) {
                manager.metrics().limit_hit("resume.max_waiting");
            }
        }
        tracing::info!(session = %self.open.id(), %reason, "connection lost; the session waits for its client");
        if let Some(socket) = self.socket.take() {
            say_why(socket, reason);
        }
        self.guard = None;
        self.open.move_to(None);
        self.dirty = false;
        self.blocked_since = None;
        let next = self.next_deadline();
        self.timer.as_mut().reset(next);
    }

    /// Ends a session that waits and has lost what its client would need.
    pub(super) fn end_waiting(&self) {
        if self.is_waiting() {
            self.open.end(EndReason::NotResumed);
        }
    }

    /// Lets a client go on that has come back, if one has.
    pub(super) fn receive_visitor(&mut self) -> Result<(), EndReason> {
        let Some(keeping) = &mut self.keeping else { return Ok(()) };
        let Some(visitor) = keeping.berth.as_ref().and_then(|berth| berth.visitor()) else { return Ok(()) };
        let Some(returning) = Returning::of(visitor) else { return Ok(()) };
        let same = self.open.principal().is_some_and(|principal| returning.issued.is_of(&principal));
        if !same {
            returning.turn_away();
            return Ok(());
        }
        let Some(missed) = keeping.since(returning.received) else {
            // It needs what is not kept any more, so nobody can go on here.
            returning.turn_away();
            return Err(EndReason::Superseded);
        };
        keeping.waits = None;
        if let Some(berth) = &mut keeping.berth {
            berth.go_on();
        }
        keeping.arrive_with(&returning.issued);
        let got = keeping.tell();
        self.open.move_to(Some(returning.peer));
        let manager = self.dispatcher.manager();
        let told = answer(manager, &self.open, &returning.id, (Outcome::Resumed, got), Some(&returning.issued));
        tracing::info!(session = %self.open.id(), peer = %returning.peer, missed = missed.len(), "session resumed");
        let line = returning.take(self.socket.take());
        (self.socket, self.guard) = (Some(line.socket), line.guard);
        self.blocked_since = None;
        (self.last_heard, self.pinged) = (Instant::now(), false);
        self.review |= self.open.is_stale();
        let next = self.next_deadline();
        self.timer.as_mut().reset(next);
        self.put(told.into())?;
        missed.into_iter().try_for_each(|text| self.put(text))
    }

    /// Lets nobody in any more. What takes back that somebody is signed in voids what resumes the session, first.
    pub(super) async fn leave(&mut self, reason: EndReason) {
        let Some(keeping) = &mut self.keeping else { return };
        if let Some(issued) = keeping.issued.take().filter(|_| reason.takes_back())
            && let Err(error) = self.dispatcher.manager().strategies().resume.end(&issued).await
        {
            tracing::error!(session = %self.open.id(), %error, "could not void what resumes the session");
        }
        let visitor = keeping.berth.as_ref().and_then(|berth| berth.close());
        keeping.berth = None;
        if let Some(returning) = visitor.and_then(Returning::of) {
            returning.turn_away();
        }
    }
}

/// Says why a connection ends, if its client happens to be there.
fn say_why(mut socket: Socket, reason: EndReason) {
    if reason == EndReason::ConnectionLost {
        return;
    }
    let frame = CloseFrame { code: CloseCode::from(reason.close_code()), reason: reason.name().into() };
    if socket.start_send_unpin(Message::Close(Some(frame))).is_ok() {
        let _ = poll_fn(|cx| socket.poll_flush_unpin(cx)).now_or_never();
    }
}
