//! Where principals and scopes are made, and looked at again.

use super::credentials::{Credentials, Resumable};
use super::directory::{Account, Directory, Membership};
use super::ids::{TenantId, UserId};
use super::principal::{Principal, Proof, Proved};
use super::quotas::Quotas;
use super::scope::TenantScope;
use super::secrets::Sealing;
use super::standing::Standings;
use super::vault::Vault;
use crate::error::{Error, Result};
use crate::observe::Metrics;
use crate::store::{Event, Store};
use crate::time;
use std::sync::Arc;

/// Makes principals of proofs and scopes of principals.
#[derive(Clone, Debug)]
pub struct Authority {
    store: Store,
    directory: Directory,
    credentials: Credentials,
    quotas: Quotas,
    standings: Arc<Standings>,
    sealing: Arc<Sealing>,
    metrics: Metrics,
}

/// What a look at somebody with a proof found.
#[derive(Debug)]
pub(crate) enum Recognised {
    /// They are who they say, perhaps with another role or tenant name than before.
    Good(Principal),
    /// The password has changed since the proof was given.
    PasswordChanged,
    /// No member of the tenant, or not any more.
    NotAMember,
    /// The credential was taken back.
    Revoked,
    /// The time of the credential is over.
    Expired,
    /// The user may sign in nowhere just now.
    Disabled,
    /// Nobody gets in to the tenant just now.
    Suspended,
}

impl Authority {
    /// An authority over the store's users; it hears of changes from the store itself.
    #[must_use]
    pub fn new(store: Store, quotas: Quotas, vault: Vault) -> Self {
        let sealing = Sealing::new(vault, &store);
        let standings = Arc::new(Standings::default());
        let raised = Arc::clone(&standings);
        store.on_commit(move |event| {
            if let Event::User { user } = event {
                raised.raise(UserId::stored(*user));
            }
        });
        let (directory, credentials) = (Directory::new(store.clone(), quotas), Credentials::new(store.clone(), quotas));
        Self { directory, credentials, quotas, store, standings, sealing, metrics: Metrics::new() }
    }

    /// The counts of whatever lets people in and of what they do then.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The users and tenants themselves.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// What users prove themselves with, besides passwords.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Users of whom some principal lives.
    #[must_use]
    pub fn watched_users(&self) -> usize {
        self.standings.len()
    }

    /// The principal of an account whose password has just been checked, in this place or else in the
    /// tenant it used last. Whoever lets it in notes that, with [`Directory::note_entry`].
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when it is disabled or gets in to no tenant, [`Error::NotSignedIn`] when the
    /// password was changed meanwhile.
    pub(crate) async fn admit(&self, seen: &Account, membership: Option<Membership>, now: i64) -> Result<Principal> {
        let standing = self.standings.watch(seen.user);
        // What was checked may have changed while it was; from here on a change would show.
        let account = self.directory.by_id(seen.user).await?.ok_or_else(gone)?;
        if account.epoch != seen.epoch {
            return Err(changed_elsewhere());
        }
        account.check_enabled()?;
        let membership = match membership {
            Some(membership) => membership,
            None => self.directory.usual_membership(&account).await?.ok_or_else(in_no_tenant)?,
        };
        let proved = Proved { proof: Proof::Password, since: now, until: None };
        Ok(Principal::new(&account, membership, proved, standing))
    }

    /// Whoever a credential was given to, in its tenant, if all is as it should be. Writes nothing.
    /// `until` is when the proof ends, for one that nothing is stored of.
    pub(crate) async fn recognise(
        &self,
        user: UserId,
        tenant: TenantId,
        proof: Proof,
        since: i64,
        until: Option<i64>,
    ) -> Result<Recognised> {
        self.look(user, tenant, Proved { proof, since, until }, None).await
    }

    /// Whoever signed in to a session that is resumed, if all is still as it was then.
    pub(crate) async fn recognise_again(&self, found: &Resumable) -> Result<Recognised> {
        let proved = Proved { proof: found.proof.clone(), since: found.since, until: found.until };
        self.look(found.user, found.tenant, proved, Some(found.epoch)).await
    }

    /// Looks at a principal again.
    pub(crate) async fn review(&self, principal: &Principal) -> Result<Recognised> {
        let proved = Proved { proof: principal.proof().clone(), since: principal.since(), until: principal.until() };
        self.look(principal.user(), principal.tenant(), proved, Some(principal.epoch())).await
    }

    /// The same user in another of their tenants, named by its id or its name. Whoever lets it in notes that.
    ///
    /// # Errors
    /// [`Error::NotFound`] when they are no member of such a tenant, [`Error::Conflict`] when
    /// several have that name, [`Error::NotAllowed`] for a proof that is good in one tenant alone.
    pub(crate) async fn switch(&self, principal: &Principal, to: &str, now: i64) -> Result<Principal> {
        check_unbound(principal)?;
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

    /// The user becomes a member of an invitation's tenant, and enters it. Whoever lets it in notes that.
    ///
    /// # Errors
    /// As for [`Directory::join`]; [`Error::NotAllowed`] for a proof that is good in one tenant alone.
    pub(crate) async fn join(&self, principal: &Principal, code_hash: &str, now: i64) -> Result<Principal> {
        check_unbound(principal)?;
        let account = self.directory.by_id(principal.user()).await?.ok_or_else(gone)?;
        let membership = self.directory.join(&account, code_hash, now).await?;
        self.enter(principal, membership.tenant, now).await
    }

    /// The principal of a user who has just changed their own password and proved the new one.
    pub(crate) async fn renew(&self, principal: &Principal) -> Result<Principal> {
        let standing = self.standings.watch(principal.user());
        let account = self.directory.by_id(principal.user()).await?.ok_or_else(gone)?;
        let membership = self.directory.membership(principal.user(), principal.tenant()).await?.ok_or_else(gone)?;
        let proved = Proved { proof: Proof::Password, since: principal.since(), until: None };
        Ok(Principal::new(&account, membership, proved, standing))
    }

    /// The right to touch the principal's tenant; `None` when it has to be looked at again first.
    pub(crate) fn scope(&self, principal: Principal) -> Option<TenantScope> {
        principal.is_current().then(|| TenantScope::new(self.store.clone(), self.quotas, &self.sealing, principal))
    }

    /// The store, for readiness.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    async fn enter(&self, principal: &Principal, tenant: TenantId, now: i64) -> Result<Principal> {
        let standing = self.standings.watch(principal.user());
        let not_there = || Error::NotFound("You are not a member of that tenant.".into());
        let account = self.directory.by_id(principal.user()).await?.ok_or_else(not_there)?;
        // The proof is the one that was given: a password changed in the meantime ends it, and must
        // not be forgotten with the principal that would have been looked at again for it.
        if account.epoch != principal.epoch() {
            return Err(changed_elsewhere());
        }
        account.check_enabled()?;
        let membership = self.directory.membership(principal.user(), tenant).await?;
        let membership = membership.filter(|one| !one.suspended).ok_or_else(not_there)?;
        let proof = principal.proof().clone();
        let Ok(until) = self.credentials.standing((&proof, tenant), account.epoch, principal.until(), now).await?
        else {
            return Err(Error::NotSignedIn("This sign-in was ended elsewhere; sign in again.".into()));
        };
        let proved = Proved { proof, since: principal.since(), until };
        Ok(Principal::new(&account, membership, proved, standing))
    }

    /// Looks at a user with a proof in a tenant; `epoch` is the password's that was proved, of a
    /// principal that there was.
    async fn look(&self, user: UserId, tenant: TenantId, proved: Proved, epoch: Option<i64>) -> Result<Recognised> {
        let standing = self.standings.watch(user);
        let Some(account) = self.directory.by_id(user).await? else { return Ok(Recognised::NotAMember) };
        if account.disabled {
            return Ok(Recognised::Disabled);
        }
        let Some(membership) = self.directory.membership(user, tenant).await? else {
            return Ok(Recognised::NotAMember);
        };
        if membership.suspended {
            return Ok(Recognised::Suspended);
        }
        let Proved { proof, since, until } = proved;
        let changed = epoch.is_some_and(|epoch| epoch != account.epoch);
        if changed && proof.follows_password() {
            return Ok(Recognised::PasswordChanged);
        }
        match self.credentials.standing((&proof, tenant), account.epoch, until, time::now()).await? {
            Ok(until) => {
                let proved = Proved { proof, since, until };
                Ok(Recognised::Good(Principal::new(&account, membership, proved, standing)))
            }
            Err(fallen) => Ok(fallen),
        }
    }
}

impl Account {
    /// # Errors
    /// [`Error::NotAllowed`] when the account may sign in nowhere.
    pub(crate) fn check_enabled(&self) -> Result<()> {
        if self.disabled {
            return Err(Error::NotAllowed(
                "This account is disabled. Ask whoever runs this server to enable it again.".into(),
            ));
        }
        Ok(())
    }
}

fn check_unbound(principal: &Principal) -> Result<()> {
    if principal.is_bound_to_tenant() {
        return Err(Error::NotAllowed(format!(
            "You are signed in by {}, which is good for {} alone. Sign in with email and password to work in another tenant.",
            match principal.proof() {
                Proof::ApiKey { .. } => "an API key",
                _ => "a token of another issuer",
            },
            principal.tenant_name()
        )));
    }
    Ok(())
}

fn gone() -> Error {
    Error::NotSignedIn("This account is gone, or its place in the tenant.".into())
}

fn changed_elsewhere() -> Error {
    Error::NotSignedIn("The password was changed elsewhere; sign in again.".into())
}

fn in_no_tenant() -> Error {
    Error::NotAllowed(
        "This account is a member of no tenant that it could enter. Ask an admin of one for an invitation, and give its code to auth_sign_in as invitation.".into(),
    )
}

fn no_such_tenant(to: &str, memberships: &[Membership]) -> String {
    let names: Vec<_> = memberships.iter().map(|one| format!("{:?}", one.tenant_name)).collect();
    format!("You are not a member of a tenant {to:?}. You can switch to: {}.", names.join(", "))
}
