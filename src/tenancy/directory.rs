//! Users, tenants and memberships: what is known before there is a scope.
//!
//! Sign-in has to look a person up before it knows a tenant, so these are the only statements
//! outside a [`TenantScope`](super::TenantScope).

mod resets;

use super::ids::{SessionId, TenantId, UserId};
use super::principal::Principal;
use super::quotas::{MEMBERS, Quotas};
use super::role::Role;
use crate::error::{Error, Result};
use crate::store::{Event, Row, Store, Write, params};
use uuid::Uuid;

/// A user as sign-in sees them.
#[derive(Clone)]
pub struct Account {
    /// Who.
    pub user: UserId,
    /// The address as it was given at sign-up.
    pub email: String,
    /// The password's PHC string.
    pub(crate) password_hash: String,
    /// Raised whenever the password changes.
    pub(super) epoch: i64,
    /// Whether it may sign in nowhere just now.
    pub(super) disabled: bool,
    pub(super) last_tenant: Option<TenantId>,
}

/// A user's place in one tenant.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The tenant.
    pub tenant: TenantId,
    /// What it is called.
    pub tenant_name: String,
    /// The user's role there.
    pub role: Role,
    /// Whether nobody gets in there just now.
    pub(super) suspended: bool,
}

/// An id with the name that people know it by.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
pub struct Named {
    /// The tenant's id.
    pub id: Uuid,
    /// The tenant's name.
    pub name: std::sync::Arc<str>,
}

/// The lookups and changes that concern users across tenants.
#[derive(Clone, Debug)]
pub struct Directory {
    store: Store,
    quotas: Quotas,
}

impl Directory {
    pub(super) fn new(store: Store, quotas: Quotas) -> Self {
        Self { store, quotas }
    }

    /// The account with this address, whatever the case it was written in.
    pub(crate) async fn by_email(&self, email: &str) -> Result<Option<Account>> {
        let sql =
            "SELECT id, email, password_hash, epoch, disabled_at, last_tenant_id FROM app_user WHERE email_key = $1";
        self.store.get(sql, params![email_key(email)]).await?.map(account).transpose()
    }

    /// The account of a user.
    pub(crate) async fn by_id(&self, user: UserId) -> Result<Option<Account>> {
        let sql = "SELECT id, email, password_hash, epoch, disabled_at, last_tenant_id FROM app_user WHERE id = $1";
        self.store.get(sql, params![user]).await?.map(account).transpose()
    }

    /// Whether there is any tenant at all.
    pub(crate) async fn has_tenants(&self) -> Result<bool> {
        self.store.get("SELECT 1 FROM tenant LIMIT 1", Vec::new()).await.map(|row| row.is_some())
    }

    /// Where a user is a member and gets in, by name.
    pub(crate) async fn memberships(&self, user: UserId) -> Result<Vec<Membership>> {
        let sql = "SELECT t.id, t.name, m.role, t.suspended_at FROM member m JOIN tenant t ON t.id = m.tenant_id
                   WHERE m.user_id = $1 AND t.suspended_at IS NULL ORDER BY t.name, t.id";
        self.store.list(sql, params![user]).await?.iter_mut().map(membership).collect()
    }

    /// A user's place in one tenant, which may be suspended.
    pub(super) async fn membership(&self, user: UserId, tenant: TenantId) -> Result<Option<Membership>> {
        let sql = "SELECT t.id, t.name, m.role, t.suspended_at FROM member m JOIN tenant t ON t.id = m.tenant_id
                   WHERE m.tenant_id = $1 AND m.user_id = $2";
        self.store.get(sql, params![tenant, user]).await?.map(|mut row| membership(&mut row)).transpose()
    }

    /// The membership to sign in to: the one last used, or else the first.
    pub(super) async fn usual_membership(&self, account: &Account) -> Result<Option<Membership>> {
        let memberships = self.memberships(account.user).await?;
        let last = memberships.iter().position(|one| Some(one.tenant) == account.last_tenant);
        Ok(memberships.into_iter().nth(last.unwrap_or(0)))
    }

    /// Creates a user, a tenant, and makes the one the other's owner.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] when the address is taken.
    pub(crate) async fn sign_up(
        &self,
        email: &str,
        password_hash: String,
        tenant_name: &str,
        now: i64,
    ) -> Result<UserId> {
        let (user, tenant) = (UserId::new(), TenantId::new());
        let write = Write::new()
            .run("INSERT INTO tenant (id, name, created_at) VALUES ($1, $2, $3)", params![tenant, tenant_name, now])
            .expect(
                "email",
                "INSERT INTO app_user (id, email, email_key, password_hash, last_tenant_id, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email_key) DO NOTHING",
                params![user, email, email_key(email), password_hash, tenant, now],
            )
            .run(
                "INSERT INTO member (tenant_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)",
                params![tenant, user, Role::Owner.as_str(), now],
            )
            .and(audit(user, email, now, "auth.sign_up", "created the tenant"));
        match self.store.write(write).await {
            Ok(_) => Ok(user),
            Err(Error::Unmet(_)) => Err(Error::AlreadyExists(
                "There is already an account with this email address. Sign in with auth_sign_in instead.".into(),
            )),
            Err(error) => Err(error),
        }
    }

    /// Notes that somebody was let into a tenant, which is the one to sign in to next time.
    pub(crate) async fn note_entry(&self, principal: &Principal, action: &'static str, now: i64) -> Result<()> {
        let (user, tenant) = (principal.user(), principal.tenant());
        let write = Write::new()
            .run("UPDATE app_user SET last_tenant_id = $2 WHERE id = $1", params![user, tenant])
            .run(
                "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail) VALUES ($1, $2, $3, $4, $5, $6, '')",
                params![tenant, Uuid::now_v7(), now, action, user, principal.email()],
            );
        self.store.write(write).await.map(drop)
    }

    /// Notes that a principal opened a connection with a proof of its own.
    pub(crate) async fn note_connection(&self, principal: &Principal, from: std::net::IpAddr, now: i64) -> Result<()> {
        let detail = format!("a connection by {}, from {from}", principal.proof());
        let write = Write::new().run(
            "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail) VALUES ($1, $2, $3, 'auth.sign_in', $4, $5, $6)",
            params![principal.tenant(), Uuid::now_v7(), now, principal.user(), principal.email(), detail],
        );
        self.store.write(write).await.map(drop)
    }

    /// Notes that a user signed out of a session, which nothing resumes from then on.
    pub(crate) async fn note_sign_out(&self, principal: &Principal, session: SessionId, now: i64) -> Result<()> {
        let write = Write::new()
            .run(
                "DELETE FROM resume WHERE user_id = $1 AND session_id = $2",
                params![principal.user(), session],
            )
            .run(
            "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail) VALUES ($1, $2, $3, 'auth.sign_out', $4, $5, '')",
            params![principal.tenant(), Uuid::now_v7(), now, principal.user(), principal.email()],
        );
        self.store.write(write).await.map(drop)
    }

    /// Notes in each of a user's tenants what happened to their account. Nobody waits for it: how long
    /// a refusal takes must not tell whether there is an account to note it for.
    pub(crate) async fn note(&self, account: &Account, action: &'static str, detail: &str, now: i64) -> Result<()> {
        self.store.write_soon(audit(account.user, &account.email, now, action, detail)).await
    }

    /// Replaces a user's password, unless somebody else did so since `account` was read.
    ///
    /// # Errors
    /// [`Error::Conflict`] then.
    pub(crate) async fn change_password(&self, account: &Account, password_hash: String, now: i64) -> Result<()> {
        let write = Write::new()
            .expect(
                "epoch",
                "UPDATE app_user SET password_hash = $3, epoch = epoch + 1 WHERE id = $1 AND epoch = $2",
                params![account.user, account.epoch, password_hash],
            )
            .and(audit(account.user, &account.email, now, "auth.change_password", ""))
            .tell(Event::User { user: account.user.uuid() });
        match self.store.write(write).await {
            Ok(_) => Ok(()),
            Err(Error::Unmet(_)) => {
                Err(Error::Conflict("The password was changed elsewhere just now; sign in again.".into()))
            }
            Err(error) => Err(error),
        }
    }

    /// Redeems an invitation, once: makes the user a member of its tenant.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a code that is unknown, expired or used;
    /// [`Error::AlreadyExists`] when the user is a member there already, [`Error::Limit`] when there are as
    /// many as may be (the code stays good then).
    pub(crate) async fn join(&self, account: &Account, code_hash: &str, now: i64) -> Result<Membership> {
        let unknown = || {
            Error::NotFound(
                "This invitation code is not valid: it is mistyped, expired or used already. Ask for a new one.".into(),
            )
        };
        let sql = "SELECT i.tenant_id, t.name, i.role, t.suspended_at FROM invite i JOIN tenant t ON t.id = i.tenant_id
                   WHERE i.code_hash = $1 AND i.expires_at > $2 AND t.suspended_at IS NULL";
        let mut row = self.store.get(sql, params![code_hash, now]).await?.ok_or_else(unknown)?;
        let membership = membership(&mut row)?;
        let tenant = membership.tenant;
        let write = Write::new()
            .expect(
                "code",
                "DELETE FROM invite WHERE tenant_id = $1 AND code_hash = $2",
                params![tenant, code_hash],
            )
            .and(self.quotas.member(tenant.into()))
            .expect(
                "member",
                "INSERT INTO member (tenant_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant_id, user_id) DO NOTHING",
                params![tenant, account.user, membership.role.as_str(), now],
            )
            .run(
                "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail) VALUES ($1, $2, $3, 'tenant.join', $4, $5, $6)",
                params![tenant, Uuid::now_v7(), now, account.user, &account.email, format!("as {}", membership.role)],
            );
        match self.store.write(write).await {
            Ok(_) => Ok(membership),
            Err(Error::Unmet("code")) => Err(unknown()),
            Err(Error::Unmet(MEMBERS)) => Err(self.quotas.no_more_members()),
            Err(Error::Unmet(_)) => Err(Error::AlreadyExists(format!(
                "You are already a member of {}. Switch to it with tenant_switch.",
                membership.tenant_name
            ))),
            Err(error) => Err(error),
        }
    }
}

/// An entry in the audit log of each tenant that the user is a member of.
fn audit(user: UserId, email: &str, now: i64, action: &'static str, detail: &str) -> Write {
    // One id serves all: the key is the tenant's and the entry's together.
    Write::new().run(
        "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail)
         SELECT tenant_id, $2, $3, $4, $1, $5, $6 FROM member WHERE user_id = $1",
        params![user, Uuid::now_v7(), now, action, email, detail],
    )
}

/// What an address is looked up by.
pub(crate) fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

fn account(mut row: Row) -> Result<Account> {
    Ok(Account {
        user: UserId::stored(row.uuid()?),
        email: row.text()?,
        password_hash: row.text()?,
        epoch: row.int()?,
        disabled: row.opt_int()?.is_some(),
        last_tenant: row.opt_uuid()?.map(TenantId::stored),
    })
}

fn membership(row: &mut Row) -> Result<Membership> {
    Ok(Membership {
        tenant: TenantId::stored(row.uuid()?),
        tenant_name: row.text()?,
        role: Role::stored(&row.text()?)?,
        suspended: row.opt_int()?.is_some(),
    })
}
