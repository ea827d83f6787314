//! The legacy sessions of a server: opened, found by who may, and taken down when nobody needs them.

use super::session::{HttpSession, Key};
use crate::address::counted;
use crate::mcp::Dispatcher;
use crate::session::{EndReason, Owner, Refusal};
use crate::tenancy::{Principal, UserId};
use dashmap::DashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often sessions are looked at, at the least.
const SWEEP: Duration = Duration::from_secs(30);

/// All legacy sessions.
pub(super) struct Sessions {
    dispatcher: Arc<Dispatcher>,
    by_key: DashMap<Key, Arc<HttpSession>>,
    by_share: DashMap<Share, Vec<Arc<HttpSession>>>,
    bell: mpsc::UnboundedSender<Arc<Bell>>,
}

/// Whose share of sessions one counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Share {
    User(UserId),
    Address(IpAddr),
}

/// Rung when others want something of a session.
pub(super) struct Bell {
    key: Key,
    rung: AtomicBool,
    line: mpsc::UnboundedSender<Arc<Bell>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            let line = self.line.clone();
            // Nobody listens any more once the server has stopped.
            let _ = line.send(self);
        }
    }
}

impl Sessions {
    /// No sessions, and the line on which those call that want to be looked at.
    pub(super) fn new(dispatcher: Arc<Dispatcher>) -> (Self, mpsc::UnboundedReceiver<Arc<Bell>>) {
        let (bell, line) = mpsc::unbounded_channel();
        (Self { dispatcher, by_key: DashMap::new(), by_share: DashMap::new(), bell }, line)
    }

    /// Opens a session. Whoever has their share already loses their oldest one that is idle.
    pub(super) fn open(&self, principal: Option<&Principal>, peer: IpAddr) -> Result<Arc<HttpSession>, Refusal> {
        let (manager, owner) = (self.dispatcher.manager(), Owner::of(principal));
        let limits = manager.limits();
        let share = Share::of(owner, peer);
        let most = match share {
            Share::User(_) => limits.max_sessions_per_user,
            Share::Address(_) => limits.max_sessions_per_address,
        };
        // The other half is for those that stay connected.
        let full = self.by_share.get(&share).is_some_and(|sessions| sessions.len() >= most.div_ceil(2));
        if full && !self.evict(share) {
            return Err(Refusal::AddressFull);
        }
        let open = manager.open_per_request(peer).or_else(|refusal| {
            let made_room = refusal != Refusal::Draining && self.evict(share);
            if made_room { manager.open_per_request(peer) } else { Err(refusal) }
        })?;
        if let Some(principal) = principal
            && manager.sign_in(&open, principal.clone()).is_err()
            && !(self.evict(share) && manager.sign_in(&open, principal.clone()).is_ok())
        {
            return Err(Refusal::AddressFull);
        }
        let key = Key::new().ok_or(Refusal::Full)?;
        let session = Arc::new(HttpSession::new(key, open, owner, limits.max_replay_bytes));
        self.by_key.insert(key, Arc::clone(&session));
        self.by_share.entry(share).or_default().push(Arc::clone(&session));
        let bell = Arc::new(Bell { key, rung: AtomicBool::new(false), line: self.bell.clone() });
        // Whatever has happened since it was opened is seen so.
        bell.wake();
        tracing::info!(session = %session.open.id(), %peer, "session opened over HTTP");
        Ok(session)
    }

    /// The session with this id, if it is whoever's this is.
    pub(super) fn find(&self, id: &str, principal: Option<&Principal>) -> Option<Arc<HttpSession>> {
        let session = Arc::clone(&*self.by_key.get(&Key::parse(id)?)?);
        if session.owner != Owner::of(principal) || session.open.ended().is_some() {
            return None;
        }
        if let Some(principal) = principal
            && session.open.is_stale()
            && principal.is_current()
        {
            // It was opened with a proof that has ended since, and here is another one of the same user.
            self.dispatcher.manager().renew(&session.open, principal.clone());
        }
        Some(session)
    }

    /// Ends a session and forgets it.
    pub(super) fn remove(&self, session: &Arc<HttpSession>, reason: EndReason) {
        session.end(reason);
        if self.by_key.remove(&session.key).is_none() {
            // Another was first: whoever attends to it, or its client's DELETE.
            return;
        }
        self.by_share.remove_if_mut(&Share::of(session.owner, session.open.peer()), |_, sessions| {
            sessions.retain(|other| !Arc::ptr_eq(other, session));
            sessions.is_empty()
        });
        let (calls, seconds) = (session.open.calls(), session.age().as_secs());
        let reason = session.open.ended().unwrap_or(reason);
        tracing::info!(session = %session.open.id(), %reason, calls, seconds, "session over HTTP ended");
    }

    /// Does what others want of sessions, and takes down those that nobody needs, until the server stops; then
    /// waits for their calls for as long as draining may take.
    pub(super) async fn attend(
        &self,
        mut line: mpsc::UnboundedReceiver<Arc<Bell>>,
        closing: CancellationToken,
        drain: Duration,
    ) {
        let limits = self.dispatcher.manager().limits();
        let every = (limits.http_idle.min(limits.http_lifetime) / 4).clamp(Duration::from_millis(10), SWEEP);
        let mut sweep = tokio::time::interval(every);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(bell) = line.recv() => self.look_at(&bell).await,
                _ = sweep.tick() => self.sweep(),
                () = closing.cancelled() => break,
            }
        }
        self.all().iter().for_each(|session| session.logs.wake());
        let busy = || self.all().iter().any(|session| session.is_busy());
        let finished = async {
            while busy() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(drain, finished).await;
        self.all().iter().for_each(|session| self.remove(session, EndReason::Draining));
    }

    async fn look_at(&self, bell: &Arc<Bell>) {
        let Some(session) = self.by_key.get(&bell.key).map(|session| Arc::clone(&session)) else { return };
        bell.rung.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(bell));
        session.open.watch_for_attention(&Context::from_waker(&waker));
        if !session.open.take_attention() {
            return;
        }
        if session.open.take_review() {
            self.dispatcher.review(&session.open).await;
        }
        match session.open.ended() {
            // Its calls are to be finished.
            None | Some(EndReason::Draining) => session.logs.wake(),
            Some(reason) => self.remove(&session, reason),
        }
    }

    fn sweep(&self) {
        let limits = self.dispatcher.manager().limits();
        for session in self.all() {
            session.logs.sweep();
            let idle = session.idle_since().is_some_and(|since| since.elapsed() > limits.http_idle);
            if idle || session.age() > limits.http_lifetime {
                self.remove(&session, EndReason::Idle);
            }
        }
    }

    /// Ends the session of this share that nobody has used for longest.
    fn evict(&self, share: Share) -> bool {
        let oldest = self.by_share.get(&share).and_then(|sessions| {
            let idle = sessions.iter().filter_map(|session| Some((session.idle_since()?, session)));
            idle.min_by_key(|(since, _)| *since).map(|(_, session)| Arc::clone(session))
        });
        let Some(oldest) = oldest else { return false };
        self.remove(&oldest, EndReason::Idle);
        true
    }

    fn all(&self) -> Vec<Arc<HttpSession>> {
        self.by_key.iter().map(|entry| Arc::clone(entry.value())).collect()
    }
}

impl Share {
    fn of(owner: Owner, peer: IpAddr) -> Self {
        owner.user().map_or_else(|| Self::Address(counted(peer)), Self::User)
    }
}
