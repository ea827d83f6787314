//! All sessions: opening, signing in and out, finding, ending.

use super::berth::Berths;
use super::hub::Hub;
use super::index::Index;
use super::rates::Rates;
use super::{EndReason, Identity, Session, SessionLimits};
use crate::address::counted;
use crate::auth::{PasswordStrategy, Strategies, Token};
use crate::error::Result;
use crate::observe::{Metrics, SessionCounts};
use crate::store::Event;
use crate::tenancy::{Authority, Principal, Recognised, SessionId, TenantId, UserId};
use crate::time;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The sessions of this process and what signs them in.
#[derive(Debug)]
pub struct SessionManager {
    limits: SessionLimits,
    authority: Authority,
    strategies: Strategies,
    hub: Arc<Hub>,
    index: Arc<Index>,
    rates: Rates,
    pub(super) berths: Arc<Berths>,
    draining: AtomicBool,
}

/// Why a connection gets no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The server shuts down.
    Draining,
    /// There are as many sessions as may be.
    Full,
    /// There are as many from this address as may be.
    AddressFull,
}

/// An open session; dropping this takes it down with all that was registered for it.
#[derive(Debug)]
pub struct Open {
    session: Arc<Session>,
    index: Arc<Index>,
    /// The address that it is counted at.
    counted: Option<IpAddr>,
}

/// How a session's messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// On a WebSocket, which lives as long as the session.
    #[serde(rename = "websocket")]
    WebSocket,
    /// In HTTP requests, each with its own proof.
    Http,
}

/// What people are shown of a session.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub struct SessionView {
    /// The session's id.
    pub id: uuid::Uuid,
    /// Who is signed in.
    pub email: String,
    /// The tenant it works in.
    pub tenant: crate::tenancy::Named,
    /// The role it has there.
    pub role: crate::tenancy::Role,
    /// When it was opened.
    pub opened_at: String,
    /// When it signed in.
    pub signed_in_at: String,
    /// How it is connected.
    pub transport: Transport,
    /// The address it comes from.
    pub address: String,
    /// What its client calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl SessionManager {
    /// A manager without sessions, which hears from the store who is to be looked at again and
    /// which records changed.
    #[must_use]
    pub fn new(limits: SessionLimits, authority: Authority, strategies: Strategies) -> Self {
        let index = Arc::<Index>::default();
        let hub = Arc::<Hub>::default();
        let (heard_index, heard_hub) = (Arc::clone(&index), Arc::clone(&hub));
        // Registered after the authority's own: epochs are raised before anybody is woken.
        authority.store().on_commit(move |event| match event {
            Event::User { user } => {
                heard_index.of_user(UserId::stored(*user)).iter().for_each(|session| session.review())
            }
            Event::EndSessions { user, tenant } => {
                let there = |p: Principal| tenant.is_none_or(|tenant| p.tenant().uuid() == tenant);
                let sessions = heard_index.of_user(UserId::stored(*user));
                let ending = sessions.iter().filter(|session| session.principal().is_some_and(there));
                ending.for_each(|session| session.end(EndReason::Ended));
            }
            Event::Record { .. } => heard_hub.tell(event),
            Event::SigningKeys | Event::Upstreams { .. } | Event::Sealed { .. } => {}
        });
        let rates = Rates::new(limits.rates);
        let (berths, draining) = (Arc::default(), AtomicBool::new(false));
        Self { limits, authority, strategies, hub, index, rates, berths, draining }
    }

    /// Opens a session for a connection that holds who is signed in.
    ///
    /// # Errors
    /// A [`Refusal`] when a limit is reached.
    pub fn open(&self, peer: IpAddr) -> Result<Open, Refusal> {
        self.open_as(peer, false)
    }

    /// Opens a session whose every request brings its own proof.
    ///
    /// # Errors
    /// A [`Refusal`] when a limit is reached.
    pub fn open_per_request(&self, peer: IpAddr) -> Result<Open, Refusal> {
        self.open_as(peer, true)
    }

    fn open_as(&self, peer: IpAddr, per_request: bool) -> Result<Open, Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        // Those that wait for their clients have a bound of their own, and are no reason to keep their clients out.
        let waiting = self.berths.counts().1;
        if self.index.sessions.len().saturating_sub(waiting) >= self.limits.max_sessions {
            self.metrics().limit_hit("limits.max_sessions");
            return Err(Refusal::Full);
        }
        let mut from_there = self.index.addresses.entry(counted(peer)).or_default();
        if *from_there >= self.limits.max_sessions_per_address {
            self.metrics().limit_hit("limits.max_sessions_per_address");
            return Err(Refusal::AddressFull);
        }
        *from_there += 1;
        drop(from_there);
        let session = Arc::new(Session::new(peer, per_request));
        self.index.sessions.insert(session.id(), Arc::clone(&session));
        if self.is_draining() {
            // Since it was asked above: those that are told to close may have been gathered already.
            session.end(EndReason::Draining);
        }
        Ok(Open { session, index: Arc::clone(&self.index), counted: Some(peer) })
    }

    /// Signs a session in as a principal, in place of whoever it was before.
    ///
    /// # Errors
    /// [`Error::Limit`](crate::error::Error::Limit) when the user or the tenant has as many sessions as may be.
    pub fn sign_in(&self, session: &Arc<Session>, principal: Principal) -> Result<()> {
        let seat = self.index.seat(session, &principal, &self.limits, self.metrics())?;
        session.set_identity(Some(Identity { principal, _seat: seat }));
        if session.is_stale() {
            // It changed before the session was among those that are told.
            session.review();
        }
        Ok(())
    }

    /// Signs a new session in as whoever a token admits.
    ///
    /// # Errors
    /// As for [`Bearers::admit`](crate::auth::Bearers::admit), and
    /// [`Error::Limit`](crate::error::Error::Limit) when the user has as many
    /// sessions as may be.
    pub async fn enter(&self, session: &Arc<Session>, token: &Token) -> Result<()> {
        let principal = self.strategies.bearers.admit(token, session.peer()).await?;
        self.sign_in(session, principal.clone())?;
        self.authority.directory().note_connection(&principal, session.peer(), time::now()).await?;
        Self::log_entry(session, &principal, "signed in");
        Ok(())
    }

    /// Signs a session out.
    pub fn sign_out(&self, session: &Session) {
        session.set_identity(None);
    }

    /// Puts in place the principal of a user who has just proved a new password.
    pub fn renew(&self, session: &Session, principal: Principal) {
        session.refresh(principal);
    }

    /// Looks again at who is signed in. Afterwards the session has a current principal, or none
    /// and a reason to end.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the store fails; the principal stays stale then, and good for
    /// nothing.
    pub async fn review(&self, session: &Session) -> Result<()> {
        let Some(principal) = session.principal() else { return Ok(()) };
        if principal.is_current() {
            return Ok(());
        }
        match self.authority.review(&principal).await? {
            Recognised::Good(renewed) => session.refresh(renewed),
            Recognised::PasswordChanged => self.expel(session, EndReason::PasswordChanged),
            Recognised::NotAMember => self.expel(session, EndReason::MembershipEnded),
            Recognised::Revoked => self.expel(session, EndReason::CredentialRevoked),
            Recognised::Expired => self.expel(session, EndReason::CredentialExpired),
            Recognised::Disabled => self.expel(session, EndReason::AccountDisabled),
            Recognised::Suspended => self.expel(session, EndReason::TenantSuspended),
        }
        Ok(())
    }

    /// The signed-in sessions of a user, as `viewer` sees them.
    #[must_use]
    pub fn of_user(&self, user: UserId, viewer: SessionId) -> Vec<SessionView> {
        views(self.index.of_user(user), viewer)
    }

    /// The signed-in sessions of a tenant, as `viewer` sees them.
    #[must_use]
    pub fn of_tenant(&self, tenant: TenantId, viewer: SessionId) -> Vec<SessionView> {
        let in_tenant = |session: &Arc<Session>| session.principal().is_some_and(|p| p.tenant() == tenant);
        let sessions = self.all().into_iter().filter(in_tenant).collect();
        views(sessions, viewer)
    }

    /// The session with this id, if somebody is signed in there.
    #[must_use]
    pub fn signed_in(&self, id: SessionId) -> Option<(Arc<Session>, Principal)> {
        let session = Arc::clone(&*self.index.sessions.get(&id)?);
        let principal = session.principal()?;
        Some((session, principal))
    }

    /// Refuses new sessions and has the open ones close.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.strategies.bearers.close();
        self.all().iter().for_each(|session| session.end(EndReason::Draining));
    }

    /// Whether [`SessionManager::drain`] was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// How many sessions, addresses and signed-in users there are, how many users are watched for
    /// changes and things for updates, and how many tenants somebody is signed in to: all zero when
    /// everybody has gone.
    #[must_use]
    pub fn counts(&self) -> [usize; 6] {
        let (index, watched, topics) = (&self.index, self.authority.watched_users(), self.hub.len());
        [index.sessions.len(), index.addresses.len(), index.users.len(), watched, topics, index.tenants.len()]
    }

    /// Counts a request from an address, of a principal if it brought or found one.
    ///
    /// # Errors
    /// [`Error::RateLimited`] when there were too many just now.
    pub(crate) fn check_rates(&self, from: IpAddr, principal: Option<&Principal>) -> Result<()> {
        self.rates.check(from, principal).map_err(|too_soon| {
            self.metrics().limit_hit(too_soon.setting);
            too_soon.error
        })
    }

    /// How many sessions there are, by how they are connected.
    pub(crate) fn session_counts(&self) -> SessionCounts {
        let mut counts = SessionCounts::default();
        for session in &self.index.sessions {
            *if session.is_per_request() { &mut counts.http } else { &mut counts.websocket } += 1;
        }
        counts.waiting = self.berths.counts().1.min(counts.websocket);
        counts.websocket -= counts.waiting;
        counts
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        self.authority.metrics()
    }

    /// The limits that sessions keep.
    #[must_use]
    pub fn limits(&self) -> &SessionLimits {
        &self.limits
    }

    /// What makes principals and scopes.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What turns proofs into principals.
    #[must_use]
    pub fn strategies(&self) -> &Strategies {
        &self.strategies
    }

    /// Sign-in by password.
    #[must_use]
    pub fn passwords(&self) -> &PasswordStrategy {
        &self.strategies.passwords
    }

    /// Who watches what.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.index.sessions.iter().map(|entry| Arc::clone(entry.value())).collect()
    }

    fn expel(&self, session: &Session, reason: EndReason) {
        self.sign_out(session);
        session.end(reason);
    }
}

impl Open {
    /// The session itself.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Notes that its client is gone for a while, or has come back, perhaps from another address.
    pub fn move_to(&mut self, peer: Option<IpAddr>) {
        if let Some(peer) = peer {
            self.session.move_to(peer);
        }
        self.count_at(peer);
    }

    fn count_at(&mut self, peer: Option<IpAddr>) {
        if let Some(peer) = peer {
            *self.index.addresses.entry(counted(peer)).or_default() += 1;
        }
        if let Some(before) = std::mem::replace(&mut self.counted, peer) {
            self.index.leave_address(before);
        }
    }
}

impl Deref for Open {
    type Target = Arc<Session>;

    fn deref(&self) -> &Self::Target {
        &self.session
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.session.set_identity(None);
        self.index.sessions.remove(&self.session.id());
        self.count_at(None);
    }
}

fn views(mut sessions: Vec<Arc<Session>>, viewer: SessionId) -> Vec<SessionView> {
    sessions.sort_by_key(|session| session.id());
    sessions.dedup_by_key(|session| session.id());
    let view = |session: &Arc<Session>| {
        let principal = session.principal()?;
        Some(SessionView {
            id: session.id().uuid(),
            email: principal.email().to_owned(),
            tenant: principal.named_tenant(),
            role: principal.role(),
            opened_at: time::text(session.opened_at()),
            signed_in_at: time::text(principal.since()),
            transport: if session.is_per_request() { Transport::Http } else { Transport::WebSocket },
            address: session.peer().to_string(),
            client: session.client().map(|client| client.name).filter(|name| !name.is_empty()),
            current: session.id() == viewer,
        })
    };
    sessions.iter().filter_map(view).collect()
}
