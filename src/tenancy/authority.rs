//! Where principals and scopes are made, and looked at again.

use super::directory::{Account, Directory, Membership};
use super::ids::UserId;
use super::principal::{Principal, Proof};
use super::quotas::Quotas;
use super::scope::TenantScope;
use super::standing::Standings;
use crate::error::{Error, Result};
use crate::store::{Event, Store};
use std::sync::Arc;

/// Makes principals of proofs and scopes of principals.
#[derive(Clone, Debug)]
pub struct Authority {
    store: Store,
    directory: Directory,
    quotas: Quotas,
    standings: Arc<Standings>,
}

/// What a second look at a principal found.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Still good, perhaps with another role or tenant name.
    Good(Principal),
    /// The password has changed since it was proved.
    PasswordChanged,
    /// No member of the tenant any more.
    NotAMember,
}

impl Authority {
    /// An authority over the store's users; it hears of changes from the store itself.
    #[must_use]
    pub fn new(store: Store, quotas: Quotas) -> Self {
        let standings = Arc::new(Standings::default());
        let raised = Arc::clone(&standings);
        store.on_commit(move |event| {
            if let Event::User { user } = event {
                raised.raise(UserId::stored(*user));
            }
        });
        Self { directory: Directory::new(store.clone(), quotas), store, quotas, standings }
    }

    /// The users and tenants themselves.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Users of whom some principal lives.
    #[must_use]
    pub fn watched_users(&self) -> usize {
        self.standings.len()
    }

    /// The principal of an account whose proof a strategy has just checked, in this place or else in
    /// the tenant it used last.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when it is a member of no tenant.
    pub(crate) async fn admit(
        &self,
        account: &Account,
        membership: Option<Membership>,
        proof: Proof,
        now: i64,
    ) -> Result<Principal> {
        let standing = self.standings.watch(account.user);
        let membership = match membership {
            Some(membership) => membership,
            None => self.directory.usual_membership(account).await?.ok_or_else(in_no_tenant)?,
        };
        self.directory.note_sign_in(account, membership.tenant, "auth.sign_in", now).await?;
        Ok(Principal::new(account, membership, proof, now, standing))
    }

    /// The same user in another of their tenants, named by its id or its name.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they are no member of such a tenant, [`Error::Conflict`] when
    /// several have that name.
    pub(crate) async fn switch(&self, principal: &Principal, to: &str, now: i64) -> Result<Principal> {
        let memberships = self.directory.memberships(principal.user()).await?;
        let by_id = memberships.iter().position(|one| one.tenant.to_string() == to.to_lowercase());
        let named: Vec<_> = (0..memberships.len()).filter(|i| memberships[*i].tenant_name == to).collect();
        let index = match (by_id, &named[..]) {
            (Some(index), _) => index,
            (None, [index]) => *index,
            (None, []) => return Err(Error::NotFound(no_such_tenant(to, &memberships))),
            (None, several) => {
                let ids: Vec<_> = several.iter().map(|i| memberships[*i].tenant.to_string()).collect();
                let message = format!(
                    "You are a member of several tenants called {to:?}; name one by its id: {}.",
                    ids.join(", ")
                );
                return Err(Error::Conflict(message));
            }
        };
        let tenant = memberships[index].tenant;
        self.enter(principal, tenant, now).await
    }

    /// The same user in another of their tenants.
    pub(crate) async fn enter(&self, principal: &Principal, tenant: super::TenantId, now: i64) -> Result<Principal> {
        let standing = self.standings.watch(principal.user());
        let gone = || Error::NotFound("You are not a member of that tenant.".into());
        let account = self.directory.by_id(principal.user()).await?.ok_or_else(gone)?;
        // The proof is the one that was given: a password changed in the meantime ends it, and must
        // not be forgotten with the principal that would have been looked at again for it.
        if account.epoch != principal.epoch() {
            return Err(Error::NotSignedIn("The password was changed elsewhere; sign in again.".into()));
        }
        let membership = self.directory.membership(principal.user(), tenant).await?.ok_or_else(gone)?;
        self.directory.note_sign_in(&account, tenant, "tenant.switch", now).await?;
        Ok(Principal::new(&account, membership, principal.proof(), principal.since(), standing))
    }

    /// Looks at a principal again.
    pub(crate) async fn review(&self, principal: &Principal) -> Result<Standing> {
        let standing = self.standings.watch(principal.user());
        let Some(account) = self.directory.by_id(principal.user()).await? else { return Ok(Standing::NotAMember) };
        if account.epoch != principal.epoch() {
            return Ok(Standing::PasswordChanged);
        }
        let Some(membership) = self.directory.membership(principal.user(), principal.tenant()).await? else {
            return Ok(Standing::NotAMember);
        };
        Ok(Standing::Good(Principal::new(&account, membership, principal.proof(), principal.since(), standing)))
    }

    /// The principal of a user who has just changed their own password and proved the new one.
    pub(crate) async fn renew(&self, principal: &Principal) -> Result<Principal> {
        let standing = self.standings.watch(principal.user());
        let gone = || Error::NotSignedIn("This account is gone.".into());
        let account = self.directory.by_id(principal.user()).await?.ok_or_else(gone)?;
        let membership = self.directory.membership(principal.user(), principal.tenant()).await?.ok_or_else(gone)?;
        Ok(Principal::new(&account, membership, Proof::Password, principal.since(), standing))
    }

    /// The right to touch the principal's tenant; `None` when it has to be looked at again first.
    pub(crate) fn scope(&self, principal: Principal) -> Option<TenantScope> {
        principal.is_current().then(|| TenantScope::new(self.store.clone(), self.quotas, principal))
    }

    /// The store, for readiness.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }
}

fn in_no_tenant() -> Error {
    Error::NotAllowed(
        "This account is a member of no tenant any more. Ask an admin of one for an invitation, and give its code to auth_sign_in as invitation.".into(),
    )
}

fn no_such_tenant(to: &str, memberships: &[Membership]) -> String {
    let names: Vec<_> = memberships.iter().map(|one| format!("{:?}", one.tenant_name)).collect();
    format!("You are not a member of a tenant {to:?}. You can switch to: {}.", names.join(", "))
}
