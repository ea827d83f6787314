//! Who is signed in.

use super::directory::{Account, Membership, Named};
use super::ids::{TenantId, UserId};
use super::role::Role;
use super::standing::Standing;
use std::sync::Arc;

/// How a principal proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// An email and a password.
    Password,
}

/// A user in a tenant with a role, proved, until something about that changes. Clones are cheap.
#[derive(Clone)]
pub struct Principal {
    inner: Arc<Inner>,
}

struct Inner {
    user: UserId,
    email: Arc<str>,
    /// The user's epoch in the store: raised with the password.
    epoch: i64,
    tenant: TenantId,
    tenant_name: Arc<str>,
    role: Role,
    proof: Proof,
    since: i64,
    standing: Standing,
}

impl Principal {
    pub(super) fn new(account: &Account, membership: Membership, proof: Proof, since: i64, standing: Standing) -> Self {
        let inner = Inner {
            user: account.user,
            email: account.email.as_str().into(),
            epoch: account.epoch,
            tenant: membership.tenant,
            tenant_name: membership.tenant_name.into(),
            role: membership.role,
            proof,
            since,
            standing,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.inner.user
    }

    /// The user's email address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.inner.email
    }

    /// The same, to keep.
    #[must_use]
    pub fn shared_email(&self) -> Arc<str> {
        Arc::clone(&self.inner.email)
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.inner.tenant
    }

    /// The tenant's name.
    #[must_use]
    pub fn tenant_name(&self) -> &str {
        &self.inner.tenant_name
    }

    /// The tenant with its name, to show.
    #[must_use]
    pub fn named_tenant(&self) -> Named {
        Named { id: self.inner.tenant.uuid(), name: Arc::clone(&self.inner.tenant_name) }
    }

    /// The user's role in the tenant.
    #[must_use]
    pub fn role(&self) -> Role {
        self.inner.role
    }

    /// How it was proved.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.inner.proof
    }

    /// When it signed in, in milliseconds since 1970.
    #[must_use]
    pub fn since(&self) -> i64 {
        self.inner.since
    }

    /// Whether nothing about it has changed since it was last looked at. No I/O.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.inner.standing.is_current()
    }

    pub(super) fn epoch(&self) -> i64 {
        self.inner.epoch
    }
}

impl std::fmt::Debug for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Principal")
            .field("user", &self.inner.user)
            .field("tenant", &self.inner.tenant)
            .field("role", &self.inner.role)
            .finish_non_exhaustive()
    }
}
