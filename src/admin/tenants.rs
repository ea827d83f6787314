//! The tenants: what there is, making one, and letting nobody in for a while.

use super::Admin;
use super::act::Act;
use super::users::Reset;
use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::email_key;
use crate::time::Time;
use crate::tools::input::{Email, Text};
use serde::Serialize;
use uuid::Uuid;

/// A tenant, from outside.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Tenant {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) created_at: Time,
    /// Since when nobody gets in.
    pub(crate) suspended_at: Option<Time>,
    pub(crate) members: i64,
    pub(crate) records: i64,
}

/// A tenant that was made.
#[derive(Debug, Serialize)]
pub(crate) struct Created {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) owner: String,
    /// How the owner sets a password, if there was no account of theirs.
    #[serde(flatten)]
    pub(crate) reset: Option<Reset>,
}

impl FromRow for Tenant {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.uuid()?,
            name: row.text()?,
            created_at: Time::stored(row.int()?),
            suspended_at: row.opt_int()?.map(Time::stored),
            members: row.int()?,
            records: row.int()?,
        })
    }
}

impl Admin {
    /// All of them, by name.
    pub(crate) async fn tenants(&self) -> Result<Vec<Tenant>> {
        let sql = "SELECT t.id, t.name, t.created_at, t.suspended_at,
                          (SELECT COUNT(*) FROM member m WHERE m.tenant_id = t.id), t.record_count
                     FROM tenant t ORDER BY t.name, t.id";
        self.rows(sql, Vec::new()).await
    }

    /// The tenant with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub(crate) async fn tenant(&self, id: &str) -> Result<Tenant> {
        let sql = "SELECT t.id, t.name, t.created_at, t.suspended_at,
                          (SELECT COUNT(*) FROM member m WHERE m.tenant_id = t.id), t.record_count
                     FROM tenant t WHERE t.id = $1";
        let found = self.rows(sql, params![id.trim().to_lowercase()]).await?.pop();
        found.ok_or_else(|| {
            Error::NotFound(format!("there is no tenant with the id {id:?}; `sessile admin tenants list` shows all"))
        })
    }

    /// Makes a tenant, and an account for its owner where there is none with this address.
    ///
    /// # Errors
    /// [`Error::InvalidArguments`] when the name or the address is none.
    pub(crate) async fn create_tenant(&self, name: &str, owner: &str) -> Result<Created> {
        let wrong = |what: &str, rule| Error::InvalidArguments(format!("{what}: {rule}"));
        let name = Text::<200>::new(name).map_err(|rule| wrong("the tenant's name", rule))?;
        let owner = Email::new(owner).map_err(|rule| wrong("--owner", rule))?;
        let (id, act) = (Uuid::now_v7(), Act::new());
        let at = act.at;
        // Under this address there may be an account already, also by the time that this is written.
        let act = act
            .run("INSERT INTO tenant (id, name, created_at) VALUES ($1, $2, $3)", params![id, &*name, at])
            .run(
                "INSERT INTO app_user (id, email, email_key, password_hash, last_tenant_id, created_at)
                 VALUES ($1, $2, $3, '', $4, $5) ON CONFLICT (email_key) DO NOTHING",
                params![Uuid::now_v7(), &*owner, email_key(&owner), id, at],
            )
            .run(
                "INSERT INTO member (tenant_id, user_id, role, created_at)
                 SELECT $1, id, 'owner', $3 FROM app_user WHERE email_key = $2",
                params![id, email_key(&owner), at],
            )
            .audit(id, "admin.create_tenant", &format!("for {}", &*owner));
        self.act(act).await?;
        let sql = "SELECT 1 FROM app_user WHERE email_key = $1 AND password_hash = ''";
        let reset = match self.store.get(sql, params![email_key(&owner)]).await? {
            Some(_) => Some(self.reset_password(&owner).await?),
            None => None,
        };
        Ok(Created { id, name: name.to_string(), owner: owner.to_string(), reset })
    }

    /// Lets nobody in any more, and ends what is open.
    pub(crate) async fn suspend(&self, tenant: &Tenant) -> Result<()> {
        let act = Act::new();
        let at = act.at;
        let act = act
            .run("UPDATE tenant SET suspended_at = coalesce(suspended_at, $2) WHERE id = $1", params![tenant.id, at])
            .run("DELETE FROM resume WHERE tenant_id = $1", params![tenant.id])
            .review_members(tenant.id)
            .audit(tenant.id, "admin.suspend_tenant", "");
        self.act(act).await.map(drop)
    }

    /// Lets its members in again.
    pub(crate) async fn resume(&self, tenant: &Tenant) -> Result<()> {
        let act = Act::new()
            .run("UPDATE tenant SET suspended_at = NULL WHERE id = $1", params![tenant.id])
            .review_members(tenant.id)
            .audit(tenant.id, "admin.resume_tenant", "");
        self.act(act).await.map(drop)
    }
}
