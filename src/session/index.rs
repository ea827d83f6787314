//! Where sessions are found, and the places that signed-in ones take among others.

use super::{Session, SessionLimits};
use crate::address::counted;
use crate::error::{Error, Result};
use crate::observe::Metrics;
use crate::tenancy::{Principal, SessionId, TenantId, UserId};
use dashmap::DashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Where sessions are found.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub(super) sessions: DashMap<SessionId, Arc<Session>>,
    pub(super) addresses: DashMap<IpAddr, usize>,
    pub(super) users: DashMap<UserId, Vec<Arc<Session>>>,
    /// How many signed-in sessions each tenant has.
    pub(super) tenants: DashMap<TenantId, usize>,
}

/// A signed-in session's place among its user's; dropping it gives the place up.
pub(super) struct Seat {
    user: UserId,
    session: SessionId,
    index: Arc<Index>,
    _in_tenant: TenantSeat,
}

/// A signed-in session's place among its tenant's; dropping it gives the place up.
struct TenantSeat {
    tenant: TenantId,
    index: Arc<Index>,
}

impl Index {
    /// Counts one session less from an address.
    pub(super) fn leave_address(&self, peer: IpAddr) {
        self.addresses.remove_if_mut(&counted(peer), |_, count| {
            *count = count.saturating_sub(1);
            *count == 0
        });
    }

    pub(super) fn of_user(&self, user: UserId) -> Vec<Arc<Session>> {
        self.users.get(&user).map(|sessions| sessions.clone()).unwrap_or_default()
    }

    /// A place for a session that signs in.
    ///
    /// # Errors
    /// [`Error::Limit`] when the user or the tenant has as many sessions as may be.
    pub(super) fn seat(
        self: &Arc<Self>,
        session: &Arc<Session>,
        principal: &Principal,
        limits: &SessionLimits,
        metrics: &Metrics,
    ) -> Result<Seat> {
        let in_tenant = self
            .tenant_seat(session, principal.tenant(), limits.max_sessions_per_tenant)
            .inspect_err(|_| metrics.limit_hit("quotas.max_sessions_per_tenant"))?;
        let user = principal.user();
        let mut sessions = self.users.entry(user).or_default();
        let others = sessions.iter().filter(|one| one.id() != session.id()).count();
        if others >= limits.max_sessions_per_user {
            metrics.limit_hit("limits.max_sessions_per_user");
            return Err(Error::Limit(format!(
                "This user is signed in on {others} connections already, which is the limit. Close one of them, or end it with auth_end_session there."
            )));
        }
        sessions.push(Arc::clone(session));
        Ok(Seat { user, session: session.id(), index: Arc::clone(self), _in_tenant: in_tenant })
    }

    fn tenant_seat(self: &Arc<Self>, session: &Session, tenant: TenantId, most: usize) -> Result<TenantSeat> {
        // A session that signs in again there has two places for a moment.
        let own = usize::from(session.principal().is_some_and(|before| before.tenant() == tenant));
        let mut there = self.tenants.entry(tenant).or_default();
        if *there >= most + own {
            return Err(Error::Limit(format!(
                "This tenant is signed in to on {most} connections already, which is the limit. Close one of them, or have an admin end one with tenant_end_session."
            )));
        }
        *there += 1;
        Ok(TenantSeat { tenant, index: Arc::clone(self) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.index.users.remove_if_mut(&self.user, |_, sessions| {
            // One entry only: a session that signs in again as the same user has two for a moment.
            if let Some(position) = sessions.iter().position(|session| session.id() == self.session) {
                sessions.swap_remove(position);
            }
            sessions.is_empty()
        });
    }
}

impl Drop for TenantSeat {
    fn drop(&mut self) {
        self.index.tenants.remove_if_mut(&self.tenant, |_, count| {
            *count = count.saturating_sub(1);
            *count == 0
        });
    }
}
