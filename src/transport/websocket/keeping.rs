//! What a connection keeps whose client has asked to resume it: counts of messages both ways, what was said and has
//! not been acknowledged, and the credential.

use super::Connection;
use super::closing::end_reason;
use super::control::{self, Control};
use super::resuming::Resuming;
use crate::auth::Issued;
use crate::error::Result;
use crate::session::{Berth, EndReason, ResumeLimits};
use futures_util::SinkExt;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::Message;

/// After how many messages of a client they are acknowledged.
const TELL_EVERY: u64 = 32;
/// After how many bytes.
const TELL_BYTES: usize = 64 * 1024;

/// What belongs to a connection that can be resumed.
#[derive(Default)]
pub(super) struct Keeping {
    /// Messages that came.
    pub(super) got: u64,
    /// How many of them the client was told of.
    told: u64,
    untold_bytes: usize,
    /// What was said and is not acknowledged, the oldest first, and how much was said before.
    kept: VecDeque<Utf8Bytes>,
    forgotten: u64,
    bytes: usize,
    /// Until when it waits for its client, while it does, and how much was said when the connection was lost.
    pub(super) waits: Option<(Instant, u64)>,
    pub(super) issued: Option<Issued>,
    pub(super) berth: Option<Berth>,
    /// What is written on its behalf just now.
    chore: Option<Chore>,
    /// Whether who is signed in may not be whom the credential is of.
    pub(super) look: bool,
    /// Whether the credential has to be replaced in any case.
    renew: bool,
    /// Whether the client has shown that the credential arrived.
    arrived: bool,
    /// How much was said before the credential, if it did not come first on its connection: whatever the client says
    /// may have crossed it, unless it has got more than that.
    crossed: Option<u64>,
    /// The attempt to resume, while it runs.
    pub(super) resuming: Option<Resuming>,
}

type Chore = BoxFuture<'static, Done>;

/// What a chore has done.
enum Done {
    /// Another credential is good in place of the one before.
    Issued { before: Option<Issued>, issued: Result<Option<Issued>> },
    /// Nothing resumes the session any more.
    Ended(Result<()>),
    /// What came before this credential is good no more.
    Confirmed(Issued, Result<()>),
}

impl Keeping {
    /// How much was said so far.
    pub(super) fn said(&self) -> u64 {
        self.forgotten + self.kept.len() as u64
    }

    /// Keeps what is said, as far as there is room; false when something is lost by that which nobody can have got.
    pub(super) fn keep(&mut self, text: &Utf8Bytes, limits: &ResumeLimits) -> bool {
        self.bytes += text.len();
        self.kept.push_back(text.clone());
        while self.bytes > limits.max_bytes || self.kept.len() > limits.max_messages {
            self.forget_oldest();
        }
        self.waits.is_none_or(|(_, said)| self.forgotten <= said)
    }

    /// Forgets what a client has got; false for a count that cannot be.
    pub(super) fn acknowledge(&mut self, count: u64) -> bool {
        if count > self.said() {
            return false;
        }
        while self.forgotten < count {
            self.forget_oldest();
        }
        true
    }

    /// All that a client has not got which has got so much; none when not all of it is kept.
    pub(super) fn since(&mut self, count: u64) -> Option<Vec<Utf8Bytes>> {
        if count < self.forgotten || !self.acknowledge(count) {
            return None;
        }
        Some(self.kept.iter().cloned().collect())
    }

    /// Notes that the client was told how many messages came.
    pub(super) fn tell(&mut self) -> u64 {
        (self.told, self.untold_bytes) = (self.got, 0);
        self.got
    }

    /// Notes a message; whether the client is to be told.
    fn take(&mut self, bytes: usize) -> bool {
        self.got += 1;
        self.untold_bytes = self.untold_bytes.saturating_add(bytes);
        self.got - self.told >= TELL_EVERY || self.untold_bytes >= TELL_BYTES
    }

    fn forget_oldest(&mut self) {
        if let Some(text) = self.kept.pop_front() {
            self.bytes -= text.len();
            self.forgotten += 1;
        }
        if self.kept.is_empty() {
            // What a burst took is not held for good.
            self.kept.shrink_to(16);
        }
    }

    /// Notes the credential with which the client came back.
    pub(super) fn arrive_with(&mut self, issued: &Issued) {
        self.issued = Some(issued.clone());
        (self.arrived, self.crossed) = (false, None);
    }

    fn confirms(&self) -> Option<&Issued> {
        self.issued.as_ref().filter(|issued| self.arrived && issued.is_unconfirmed())
    }
}

impl Connection {
    /// Looks whether a message that came is about the connection itself, and does what it says. All others are
    /// counted, where the client has asked for that.
    pub(super) fn sift(&mut self, text: &str) -> Option<Result<(), EndReason>> {
        let first = std::mem::take(&mut self.first);
        let Some(message) = Control::read(text) else {
            let keeping = self.keeping.as_mut()?;
            keeping.arrived |= keeping.crossed.is_none();
            return if keeping.take(text.len()) { self.tell_received().err().map(Err) } else { None };
        };
        let Some(keeping) = &mut self.keeping else {
            return match message {
                Control::Resume(id, wish) if first && self.dispatcher.manager().limits().resume.enabled => {
                    Some(self.begin_to_resume(id, wish))
                }
                // Others are the dispatcher's, which knows none of them.
                _ => None,
            };
        };
        match message {
            Control::Resume(id, _) => Some(self.put(control::not_first(&id).into())),
            Control::Unknown(id, method) => Some(self.put(control::unknown(&id, &method).into())),
            Control::Nothing => Some(Ok(())),
            Control::Received(count) => {
                keeping.arrived |= keeping.crossed.is_none_or(|said| count > said);
                Some(if keeping.acknowledge(count) { Ok(()) } else { Err(EndReason::ProtocolError) })
            }
        }
    }

    /// Tells the client how many of its messages have come.
    pub(super) fn tell_received(&mut self) -> Result<(), EndReason> {
        let Some(keeping) = &mut self.keeping else { return Ok(()) };
        let count = keeping.tell();
        self.put(control::received(count).into())
    }

    /// Says something, which counts and is kept where the client has asked for that.
    pub(super) fn send(&mut self, frame: String) -> Result<(), EndReason> {
        let text = Utf8Bytes::from(frame);
        let Some(keeping) = &mut self.keeping else { return self.put(text) };
        let whole = keeping.keep(&text, &self.dispatcher.manager().limits().resume);
        if !whole {
            self.dispatcher.manager().metrics().limit_hit("resume.max_bytes");
            self.end_waiting();
        }
        self.put(text)
    }

    /// Puts a message into the socket's buffer, if there is a socket.
    pub(super) fn put(&mut self, text: Utf8Bytes) -> Result<(), EndReason> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        self.dirty = true;
        match socket.start_send_unpin(Message::Text(text)).map_err(|error| end_reason(&error)) {
            // What has to arrive is kept, and so is whatever else is about to be said.
            Err(reason) if self.outlives(reason) => {
                self.begin_to_wait(reason);
                Ok(())
            }
            done => done,
        }
    }

    /// Does what is to be done about the credential; ready when something was.
    pub(super) fn poll_keeping(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), EndReason>> {
        let Some(keeping) = &mut self.keeping else { return Poll::Pending };
        if let Some(chore) = &mut keeping.chore {
            let Poll::Ready(done) = chore.as_mut().poll(cx) else { return Poll::Pending };
            keeping.chore = None;
            return Poll::Ready(self.note_done(done));
        }
        match self.next_chore() {
            Some(chore) => {
                if let Some(keeping) = &mut self.keeping {
                    keeping.chore = Some(chore);
                }
                Poll::Ready(Ok(()))
            }
            None => Poll::Pending,
        }
    }

    fn next_chore(&mut self) -> Option<Chore> {
        let (manager, session) = (Arc::clone(self.dispatcher.manager()), Arc::clone(self.open.session()));
        let keeping = self.keeping.as_mut()?;
        if std::mem::take(&mut keeping.look) {
            let (principal, renew, before) =
                (session.principal(), std::mem::take(&mut keeping.renew), keeping.issued.clone());
            match (principal, before) {
                (Some(principal), before) => {
                    if renew || !before.as_ref().is_some_and(|before| before.is_for(&principal)) {
                        return Some(Box::pin(async move {
                            let issued = manager.make_resumable(&session, &principal, before.as_ref()).await;
                            Done::Issued { before, issued }
                        }));
                    }
                }
                (None, Some(before)) => {
                    return Some(Box::pin(async move { Done::Ended(manager.strategies().resume.end(&before).await) }));
                }
                (None, None) => {}
            }
        }
        let confirmed = keeping.confirms()?.clone();
        Some(Box::pin(async move {
            let done = manager.strategies().resume.confirm(&confirmed).await;
            Done::Confirmed(confirmed, done)
        }))
    }

    fn note_done(&mut self, done: Done) -> Result<(), EndReason> {
        let Some(keeping) = &mut self.keeping else { return Ok(()) };
        let session = self.open.session();
        let failed =
            |error| tracing::error!(session = %session.id(), %error, "could not keep what resumes the session");
        match done {
            Done::Issued { issued: Err(error), .. } => failed(error),
            // Something changed meanwhile: whoever changed it has this looked at again.
            Done::Issued { issued: Ok(None), .. } => {}
            Done::Issued { before, issued: Ok(Some(issued)) } => {
                let same = match (&before, &keeping.issued) {
                    (Some(before), Some(now)) => before.is(now),
                    (before, now) => before.is_none() && now.is_none(),
                };
                if !same || !session.principal().is_some_and(|principal| issued.is_for(&principal)) {
                    // The session was resumed, or its identity changed, while this was written; it was shown to nobody.
                    (keeping.look, keeping.renew) = (true, true);
                    if keeping.issued.is_none() {
                        keeping.issued = Some(issued);
                    }
                    return Ok(());
                }
                (keeping.arrived, keeping.crossed) = (false, Some(keeping.said()));
                if keeping.berth.as_ref().is_none_or(|berth| berth.id() != issued.id()) {
                    keeping.berth = Some(self.dispatcher.manager().berth(session, &issued));
                }
                let text = control::credential(Some(&issued));
                keeping.issued = Some(issued);
                return self.put(text.into());
            }
            Done::Ended(done) => {
                done.unwrap_or_else(failed);
                if session.is_signed_in() {
                    (keeping.look, keeping.renew) = (true, true);
                    return Ok(());
                }
                (keeping.issued, keeping.berth) = (None, None);
                return self.put(control::credential(None).into());
            }
            Done::Confirmed(confirmed, done) => {
                done.unwrap_or_else(failed);
                if let Some(issued) = keeping.issued.as_mut().filter(|issued| issued.is(&confirmed)) {
                    issued.arrived();
                }
            }
        }
        Ok(())
    }

    /// Has the credential replaced once it is old: a session may last longer.
    pub(super) fn note_age(&mut self) {
        if let Some(keeping) = &mut self.keeping
            && keeping.issued.as_ref().is_some_and(Issued::is_old)
        {
            (keeping.look, keeping.renew) = (true, true);
        }
    }
}
