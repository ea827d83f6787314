//! Whose a session over HTTP is.

use crate::tenancy::{Principal, TenantId, UserId};

/// A user in a tenant, or nobody. It is compared, and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(Option<(UserId, TenantId)>);

impl Owner {
    /// Whoever a request proved to be.
    #[must_use]
    pub fn of(principal: Option<&Principal>) -> Self {
        Self(principal.map(|principal| (principal.user(), principal.tenant())))
    }

    /// The user, in whatever tenant.
    #[must_use]
    pub fn user(self) -> Option<UserId> {
        self.0.map(|(user, _)| user)
    }
}
