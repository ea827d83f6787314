//! Who is signed in.

use super::directory::{Account, Membership, Named};
use super::ids::{TenantId, UserId};
use super::role::Role;
use super::standing::Standing;
use crate::time::now;
use std::sync::Arc;
use uuid::Uuid;

/// How a principal proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// An email and a password.
    Password,
    /// An access token that this server issued.
    AccessToken {
        /// The sign-in that the token follows from.
        family: Uuid,
    },
    /// An API key.
    ApiKey {
        /// Which one.
        id: Uuid,
        /// The role that it was made with: it never gives a higher one.
        role: Role,
    },
    /// A token of an issuer that was configured.
    External {
        /// Which one.
        issuer: Arc<str>,
        /// The role that the token gives, where tokens say that: it never gives a higher one.
        role: Option<Role>,
    },
}

impl Proof {
    /// Its name, for programs and the audit log.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::AccessToken { .. } => "access_token",
            Self::ApiKey { .. } => "api_key",
            Self::External { .. } => "external",
        }
    }

    /// Whether it is void once the user's password is another one.
    pub(super) fn follows_password(&self) -> bool {
        matches!(self, Self::Password | Self::AccessToken { .. })
    }

    /// The highest role that it gives, if that may be lower than the member's own.
    #[must_use]
    pub fn most(&self) -> Option<Role> {
        match self {
            Self::ApiKey { role, .. } | Self::External { role: Some(role), .. } => Some(*role),
            _ => None,
        }
    }

    /// The role that a member gets who proves themselves so.
    fn cap(&self, role: Role) -> Role {
        self.most().map_or(role, |most| role.min(most))
    }
}

/// For the audit log: which proof, as far as it can be named.
impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password => f.write_str("password"),
            Self::AccessToken { .. } => f.write_str("access token"),
            Self::ApiKey { id, .. } => write!(f, "API key {id}"),
            Self::External { issuer, .. } => write!(f, "a token of {issuer}"),
        }
    }
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
    /// The membership's own role, which the proof may not give in full.
    member_role: Role,
    proof: Proof,
    since: i64,
    until: Option<i64>,
    standing: Standing,
}

/// A proof that holds, and for how long.
pub(super) struct Proved {
    pub(super) proof: Proof,
    /// When it was proved.
    pub(super) since: i64,
    /// When it ends by itself.
    pub(super) until: Option<i64>,
}

impl Principal {
    pub(super) fn new(account: &Account, membership: Membership, proved: Proved, standing: Standing) -> Self {
        let Proved { proof, since, until } = proved;
        let inner = Inner {
            user: account.user,
            email: account.email.as_str().into(),
            epoch: account.epoch,
            tenant: membership.tenant,
            tenant_name: membership.tenant_name.into(),
            role: proof.cap(membership.role),
            member_role: membership.role,
            proof,
            since,
            until,
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

    /// The role that it has in the tenant: the user's, or a lower one of the API key or the token.
    #[must_use]
    pub fn role(&self) -> Role {
        self.inner.role
    }

    /// How it was proved.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.inner.proof
    }

    /// When it signed in, in milliseconds since 1970.
    #[must_use]
    pub fn since(&self) -> i64 {
        self.inner.since
    }

    /// When it ends by itself, in milliseconds since 1970, if it does.
    #[must_use]
    pub fn until(&self) -> Option<i64> {
        self.inner.until
    }

    /// Whether nothing about it has changed since it was last looked at, and its time is not over.
    /// No I/O.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.inner.standing.is_current() && self.inner.until.is_none_or(|until| now() < until)
    }

    /// Whether it was proved by what is good in one tenant alone, such as an API key.
    #[must_use]
    pub fn is_bound_to_tenant(&self) -> bool {
        matches!(self.inner.proof, Proof::ApiKey { .. } | Proof::External { .. })
    }

    pub(super) fn member_role(&self) -> Role {
        self.inner.member_role
    }

    /// The user's epoch that was seen, for tokens that say it.
    pub(crate) fn epoch(&self) -> i64 {
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
