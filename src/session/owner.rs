//! Whose a session over HTTP is.

use crate::tenancy::{Principal, Role, TenantId, UserId};

/// A user in a tenant, with the most that what they proved it with gives them; or nobody. It is compared, and proves
/// nothing.
///
/// What was said to an admin in a session is kept for who comes back, so a lesser key of the same user must not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(Option<(UserId, TenantId, Option<Role>)>);

impl Owner {
    /// Whoever a request proved to be.
    #[must_use]
    pub fn of(principal: Option<&Principal>) -> Self {
        Self(principal.map(|principal| (principal.user(), principal.tenant(), principal.proof().most())))
    }

    /// The user, in whatever tenant.
    #[must_use]
    pub fn user(self) -> Option<UserId> {
        self.0.map(|(user, ..)| user)
    }
}
