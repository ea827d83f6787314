//! One isolation unit's session with one upstream: opened when it is first needed, opened again when it died, closed when
//! nobody has used it for long.

mod changes;
mod lists;
mod opening;
mod permission;
mod status;

use super::definition::{Definition, Reach};
use super::environment::{Environment, Place};
use super::failure::Failure;
use super::handshake::Opener;
use super::outward::Outward;
use super::parked::Parking;
use super::peer::{Owner, Peer, Pending};
use super::permission::Permission;
use crate::session::Session;
use crate::tenancy::{Role, TenantId, TenantScope};
use crate::wire::Era;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use lists::Listed;
use opening::{is_the_upstreams, open};
use parking_lot::Mutex;
pub(crate) use status::Status;
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;

/// Whom a slot serves.
#[derive(Debug, Clone)]
pub(crate) enum Unit {
    /// One session of a client.
    Session(Weak<Session>),
    /// One user in one tenant with one credential, whose requests have no session.
    Caller,
    /// A tenant.
    Tenant,
    /// Everybody.
    Shared,
}

/// A unit's session with an upstream, open or not.
pub(crate) struct Slot {
    /// No other slot of this process has it.
    pub(crate) id: u64,
    pub(crate) definition: Arc<Definition>,
    pub(crate) unit: Unit,
    pub(crate) parking: Parking,
    permission: Permission,
    outward: Outward,
    /// Whose it is; nobody's if everybody shares it.
    tenant: Option<TenantId>,
    /// The role of whoever used it last.
    role: Mutex<Option<Role>>,
    environment: Arc<Environment>,
    state: Mutex<State>,
    lists: [Mutex<Listed>; 4],
    /// Sessions that have looked at its lists.
    audience: Mutex<Vec<Weak<Session>>>,
    /// Resources that somebody has subscribed to.
    subscribed: Mutex<BTreeSet<String>>,
    used: Mutex<Instant>,
}

type Opening = Shared<BoxFuture<'static, Result<Arc<Peer>, Failure>>>;

enum State {
    /// Why, and with which version of the credentials it was tried last.
    Closed {
        why: Option<Failure>,
        credentials: u64,
    },
    Opening(Opening),
    Open(OpenSession),
    /// For good.
    Ended,
}

/// A session that is open.
struct OpenSession {
    peer: Arc<Peer>,
    opener: Opener,
    /// The stream on which a modern upstream tells of changes.
    listening: Option<Pending>,
    since: Instant,
    /// The version of the credentials that it was opened with.
    credentials: u64,
    _place: Place,
}

impl Slot {
    pub(super) fn new(
        unit: Unit,
        tenant: Option<TenantId>,
        outward: Outward,
        environment: &Arc<Environment>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id: environment.next_id(),
            definition: Arc::clone(outward.definition()),
            unit,
            parking: Parking::default(),
            permission: Permission::default(),
            outward,
            tenant,
            role: Mutex::new(None),
            environment: Arc::clone(environment),
            state: Mutex::new(State::Closed { why: None, credentials: 0 }),
            lists: std::array::from_fn(|_| Mutex::new(Listed::Unknown)),
            audience: Mutex::default(),
            subscribed: Mutex::default(),
            used: Mutex::new(Instant::now()),
        })
    }

    /// The open session, opened now if it is not.
    pub(crate) async fn peer(self: &Arc<Self>, opener: &Opener) -> Result<Arc<Peer>, Failure> {
        self.token().await?;
        self.peer_with_token(opener).await
    }

    /// The same for who has just seen to the token.
    pub(crate) async fn peer_with_token(self: &Arc<Self>, opener: &Opener) -> Result<Arc<Peer>, Failure> {
        *self.used.lock() = Instant::now();
        let opening = {
            let mut state = self.state.lock();
            match &*state {
                State::Open(open) if open.peer.over().is_none() && !self.is_outdated(open) => {
                    return Ok(Arc::clone(&open.peer));
                }
                // One that is over and has left nothing behind has panicked.
                State::Opening(opening) if opening.peek().is_none() => opening.clone(),
                State::Ended => return Err(Failure::Incomplete("who asked for it is not signed in any more".into())),
                before => {
                    self.check_health(before)?;
                    let opening = self.start(opener.clone(), before);
                    *state = State::Opening(opening.clone());
                    opening
                }
            }
        };
        opening.await
    }

    /// Refuses to try it again so soon after it failed, unless that was with other credentials.
    fn check_health(&self, before: &State) -> Result<(), Failure> {
        match before {
            State::Closed { why: Some(_), credentials } if *credentials != self.outward.version() => Ok(()),
            _ => self.environment.health.check(&self.definition.name, self.tenant),
        }
    }

    /// Notes who uses it now: in another role, it is told so.
    pub(super) fn serves(&self, scope: &TenantScope) {
        let role = Some(scope.principal().role());
        if std::mem::replace(&mut *self.role.lock(), role) != role {
            self.outward.renew(scope);
        }
    }

    /// Whether it was opened with credentials that are others by now. Over HTTP each request has them anew.
    fn is_outdated(&self, open: &OpenSession) -> bool {
        self.is_kept() && open.credentials != self.outward.version()
    }

    /// Whether a session is one child's, or one connection's.
    fn is_kept(&self) -> bool {
        matches!(self.definition.reach, Reach::Command { .. } | Reach::WebSocket { .. })
    }

    /// Notes that this peer takes no requests any more, though its end was not told yet.
    pub(crate) fn lost(&self, peer: &Arc<Peer>, why: &Failure) {
        if self.is_kept() || *why == Failure::Forgotten {
            self.close(Arc::as_ptr(peer), why);
        }
    }

    /// Ends it for good, with all calls that run.
    pub(super) fn end(&self) {
        let before = std::mem::replace(&mut *self.state.lock(), State::Ended);
        if let State::Open(open) = &before {
            open.peer.end("the sign-in for which it was called has ended");
        }
    }

    /// Closes the session if it is still the one with this peer.
    fn close(&self, peer: *const Peer, why: &Failure) -> bool {
        let mut state = self.state.lock();
        let is_it = matches!(&*state, State::Open(open) if std::ptr::eq(Arc::as_ptr(&open.peer), peer));
        if is_it {
            let closed = State::Closed { why: Some(why.clone()), credentials: self.outward.version() };
            let before = std::mem::replace(&mut *state, closed);
            drop(state);
            // Its link must not be dropped by the task that it is.
            self.environment.tasks.spawn(async move { drop(before) });
        }
        is_it
    }

    fn start(self: &Arc<Self>, opener: Opener, before: &State) -> Opening {
        let (slot, tasks, tenant) = (Arc::downgrade(self), self.environment.tasks.clone(), self.tenant);
        let (outward, environment) = (self.outward.clone(), Arc::clone(&self.environment));
        let owner: Weak<dyn Owner> = Arc::<Self>::downgrade(self);
        // Before they are read: what changes meanwhile then shows.
        let credentials = self.outward.version();
        let (begun, failed) = (Instant::now(), matches!(before, State::Closed { why: Some(_), .. }));
        let work = async move {
            let opened = open(&outward, tenant, &environment, owner, &opener).await;
            let Some(slot) = slot.upgrade() else {
                return Err(Failure::Unreachable("its session is over".into()));
            };
            // Whoever did not wait for it, or came before, has been served without it.
            let missed = failed || begun.elapsed() >= slot.definition.limits.list;
            slot.opened(opened, opener, credentials, missed)
        };
        let task = AbortOnDropHandle::new(tasks.spawn(work));
        let opening =
            async move { task.await.unwrap_or_else(|_| Err(Failure::Unreachable("opening it was given up".into()))) };
        opening.boxed().shared()
    }

    /// Notes how opening went.
    fn opened(
        self: &Arc<Self>,
        opened: Result<(Arc<Peer>, Place), Failure>,
        opener: Opener,
        credentials: u64,
        missed: bool,
    ) -> Result<Arc<Peer>, Failure> {
        let (name, tenant) = (&self.definition.name, self.tenant);
        match opened {
            Ok((peer, place)) => {
                self.environment.health.succeeded(name, tenant);
                let era = peer.era();
                tracing::info!(upstream = %name, unit = self.outward.unit(), ?era, "opened a session with an upstream");
                let before = self.forget_lists();
                let listening = self.listen(&peer, &opener);
                let open = OpenSession {
                    peer: Arc::clone(&peer),
                    opener,
                    listening,
                    since: Instant::now(),
                    credentials,
                    _place: place,
                };
                if !self.set_state(State::Open(open)) {
                    return Err(Failure::Incomplete("who asked for it is not signed in any more".into()));
                }
                if peer.era() == Era::Legacy {
                    self.set_level(&peer);
                    self.subscribe_again(&peer);
                }
                if before || missed {
                    // What clients have seen of an earlier session may not be so any more.
                    self.tell_audience(|changes| {
                        (changes.tools, changes.prompts, changes.resources) = (true, true, true);
                    });
                }
                Ok(peer)
            }
            Err(failure) => {
                // One person's missing authorization is no fault that others would meet.
                let personal = self.definition.authorization.is_some() && matches!(failure, Failure::Unauthorized(_));
                if is_the_upstreams(&failure) && !personal {
                    self.environment.health.failed(name, tenant, &failure);
                }
                tracing::warn!(upstream = %name, unit = self.outward.unit(), %failure, "could not open a session with an upstream");
                self.set_state(State::Closed { why: Some(failure.clone()), credentials });
                Err(failure)
            }
        }
    }

    /// Takes another state, unless it has ended for good.
    fn set_state(&self, new: State) -> bool {
        let mut state = self.state.lock();
        if matches!(*state, State::Ended) {
            return false;
        }
        *state = new;
        true
    }

    /// Has a session told when lists change.
    pub(crate) fn heard_by(&self, session: &Arc<Session>) {
        if session.is_detached() {
            return;
        }
        let mut audience = self.audience.lock();
        if !audience.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(session))) {
            audience.retain(|known| known.strong_count() > 0);
            audience.push(Arc::downgrade(session));
        }
    }

    /// Tells the upstream of something that its client notifies of.
    pub(crate) fn notify(&self, method: &str, params: &str) {
        if let Some(peer) = self.open_peer() {
            peer.notify(method, params);
        }
    }

    /// The open session, if there is one.
    pub(crate) fn open_peer(&self) -> Option<Arc<Peer>> {
        match &*self.state.lock() {
            State::Open(open) => Some(Arc::clone(&open.peer)),
            _ => None,
        }
    }

    /// Closes the session if nobody has used it for long; opens it again if somebody waits for news of it.
    pub(super) fn tend(self: &Arc<Self>) {
        self.parking.expire();
        let watched = !self.subscribed.lock().is_empty();
        let mut state = self.state.lock();
        match &mut *state {
            State::Open(open) => {
                let idle = self.used.lock().elapsed() >= self.definition.limits.idle;
                if idle && !watched && open.peer.busy() == 0 && self.parking.is_empty() {
                    let open = std::mem::replace(&mut *state, State::Closed { why: None, credentials: 0 });
                    drop(state);
                    drop(open);
                    tracing::info!(upstream = %self.definition.name, unit = self.outward.unit(), "closed an idle session with an upstream");
                    return;
                }
                let deaf = open.listening.as_mut().is_some_and(Pending::is_over);
                let peer = Arc::clone(&open.peer);
                drop(state);
                if deaf {
                    self.listen_again(&peer);
                }
            }
            State::Closed { why: Some(Failure::Unauthorized(_)), .. } => {}
            before @ State::Closed { why: Some(_), .. } if watched && self.check_health(before).is_ok() => {
                let opener = Opener { era: Era::Legacy, implementation: String::new(), capabilities: String::new() };
                let opening = self.start(opener, before);
                *state = State::Opening(opening);
            }
            _ => {}
        }
    }

    /// How long nobody has used it.
    pub(super) fn unused_for(&self) -> Duration {
        self.used.lock().elapsed()
    }

    /// Whether a session is open or being opened, or something waits in it.
    pub(super) fn is_in_use(&self) -> bool {
        !matches!(*self.state.lock(), State::Closed { .. } | State::Ended)
            || !self.parking.is_empty()
            || self.permission.is_open()
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("upstream", &self.definition.name)
            .field("unit", &self.outward.unit())
            .finish_non_exhaustive()
    }
}
