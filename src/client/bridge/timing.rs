//! What is due at some time: attempts, signs of life, and answers that did not come.

use super::answers::Fault;
use super::gateway::cut;
use super::news::Verbosity;
use super::outgoing::Entry;
use super::pending::{Kind, Waiting};
use super::{Bridge, Link};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::Message;

/// How long a connection has to be away before that is told; mostly it is back sooner.
pub(super) const TELL_AFTER: Duration = Duration::from_secs(2);
/// When to look again if nothing is due.
const LATER: Duration = Duration::from_secs(3600);

impl Bridge {
    /// Does what is due; whether something may have been.
    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        if Poll::is_pending(&self.timer.as_mut().poll(cx)) {
            return false;
        }
        let now = Instant::now();
        self.timer.as_mut().reset(now + LATER);
        self.attempt_or_ping(now);
        self.tell_lost(now);
        self.expire(now);
        if let Some(by) = self.leave_by {
            self.wake_by(by);
        }
        true
    }

    /// Has the timer ring then, if it would ring later.
    pub(super) fn wake_by(&mut self, at: Instant) {
        if at < self.timer.deadline() {
            self.timer.as_mut().reset(at);
        }
    }

    fn attempt_or_ping(&mut self, now: Instant) {
        let silence = self.options.silence;
        match &mut self.link {
            Link::Waiting { until } if now >= *until => self.dial(),
            Link::Waiting { until } => {
                let until = *until;
                self.wake_by(until);
            }
            Link::Open(connection) => {
                let due = connection.last_heard + if connection.pinged { silence * 3 / 2 } else { silence };
                if now < due {
                    self.wake_by(due);
                } else if connection.pinged || connection.send(Message::Ping(bytes::Bytes::new())).is_err() {
                    self.lost(&cut("nothing is heard from it"));
                } else {
                    connection.pinged = true;
                    self.wake_by(now + silence / 2);
                }
            }
            _ => {}
        }
    }

    fn tell_lost(&mut self, now: Instant) {
        let Some(lost_at) = self.lost_at.filter(|_| self.was_open && !self.lost_told && !self.is_hopeless()) else {
            return;
        };
        if matches!(self.link, Link::Dormant) {
            return;
        }
        if now < lost_at + TELL_AFTER {
            return self.wake_by(lost_at + TELL_AFTER);
        }
        self.lost_told = true;
        let text = format!("no connection with {} ({}); trying again", self.place, self.trouble);
        self.tell("warning", Verbosity::Normal, &text);
    }

    /// Answers what has waited for too long.
    fn expire(&mut self, now: Instant) {
        let mut expired = Vec::new();
        let mut next = now + LATER;
        for request in self.pending.iter() {
            match self.due(request) {
                Some((due, why)) if due <= now => expired.push((request.clone(), why)),
                Some((due, _)) => next = next.min(due),
                None => {}
            }
        }
        self.wake_by(next);
        expired.sort_by_key(|(request, _)| request.line);
        for (request, late) in expired {
            self.give_up(&request, &late.words(self));
        }
    }

    /// When a request has waited for too long, and what for.
    fn due(&self, request: &Waiting) -> Option<(Instant, Late)> {
        let wait = self.options.wait;
        let sent = self.outgoing.is_sent(request.line);
        let is_stream = request.kind == Kind::Listen;
        let connection = match self.lost_at {
            _ if !sent => Some(request.arrived + wait),
            Some(lost_at) if !is_stream => Some(lost_at.max(request.arrived) + wait),
            _ => None,
        };
        let call = self.options.call_timeout.filter(|_| !is_stream).map(|most| request.arrived + most);
        let connection = connection.map(|due| (due, Late::Connection));
        let call = call.map(|due| (due, Late::Answer));
        connection.into_iter().chain(call).min_by_key(|(due, _)| *due)
    }

    /// Answers a request for the gateway, and tells that not to go on with it.
    pub(super) fn give_up(&mut self, request: &Waiting, why: &str) {
        // One of a batch is not taken out alone, but all of it is as old.
        let sent = !self.outgoing.remove(request.line) && self.outgoing.is_sent(request.line);
        let was_sent = sent || request.was_sent;
        if sent && request.batch.is_none() {
            let params = format!(r#"{{"requestId":{}}}"#, request.id.as_json());
            // Without room for it, the gateway goes on with what nobody waits for, and stops by itself.
            let _ = self.outgoing.push(Entry::own(crate::wire::notification("notifications/cancelled", &params)));
        }
        let why = if was_sent { why.to_owned() } else { format!("{why} It was not carried out.") };
        self.give_up_all(std::slice::from_ref(request), sent, &Fault::new("unreachable", why));
    }
}

/// What did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Late {
    Connection,
    Answer,
}

impl Late {
    fn words(self, bridge: &Bridge) -> String {
        match self {
            Self::Connection => {
                let (place, trouble) = (&bridge.place, &bridge.trouble);
                let seconds = bridge.options.wait.as_secs_f32();
                format!("There was no connection with the gateway at {place} within {seconds} s ({trouble}).")
            }
            Self::Answer => {
                let seconds = bridge.options.call_timeout.unwrap_or_default().as_secs_f32();
                format!("The gateway gave no answer within {seconds} s.")
            }
        }
    }
}
