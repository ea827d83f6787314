//! Users whom another issuer vouches for.
//!
//! Such a user has no password, and is looked up by issuer and subject alone: that a token names an email
//! address does not make its bearer the user who signed up with it.

use super::Credentials;
use crate::error::{Error, Result};
use crate::store::{Event, Write, params};
use crate::tenancy::ids::{TenantId, UserId};
use crate::tenancy::quotas::MEMBERS;
use crate::tenancy::role::Role;
use uuid::Uuid;

impl Credentials {
    /// Who a subject of an issuer is here.
    pub(crate) async fn external_user(&self, issuer: &str, subject: &str) -> Result<Option<UserId>> {
        let sql = "SELECT user_id FROM external_identity WHERE issuer = $1 AND subject = $2";
        let row = self.store.get(sql, params![issuer, subject]).await?;
        row.map(|mut row| row.uuid().map(UserId::stored)).transpose()
    }

    /// The tenant with this id, whatever text that is, if there is one.
    pub(crate) async fn tenant(&self, id: &str) -> Result<Option<TenantId>> {
        let row = self.store.get("SELECT id FROM tenant WHERE id = $1", params![id]).await?;
        row.map(|mut row| row.uuid().map(TenantId::stored)).transpose()
    }

    /// Makes a user of a subject who was never here before. `email` is what people are shown.
    pub(crate) async fn provision_user(&self, issuer: &str, subject: &str, email: &str, now: i64) -> Result<UserId> {
        const NEW: &str = "new";
        let user = UserId::new();
        let write = Write::new()
            .expect(
                NEW,
                "INSERT INTO app_user (id, email, email_key, password_hash, created_at) VALUES ($1, $2, $3, '', $4)
                 ON CONFLICT (email_key) DO NOTHING",
                params![user, email, external_key(issuer, subject), now],
            )
            .run(
                "INSERT INTO external_identity (issuer, subject, user_id) VALUES ($1, $2, $3)",
                params![issuer, subject, user],
            );
        match self.store.write(write).await {
            Ok(_) => Ok(user),
            // Two requests of the same stranger came at once, and the other was first.
            Err(Error::Unmet(NEW)) => self
                .external_user(issuer, subject)
                .await?
                .ok_or_else(|| Error::Internal("the key of an external user belongs to another".into())),
            Err(error) => Err(error),
        }
    }

    /// Makes a user a member of a tenant, because an issuer says so. Who is a member already keeps their
    /// role, and who was made one before and is none any more stays out: somebody has removed them.
    pub(crate) async fn provision_member(
        &self,
        user: UserId,
        tenant: TenantId,
        role: Role,
        issuer: &str,
        now: i64,
    ) -> Result<()> {
        const NEW: &str = "new";
        let write = Write::new()
            .expect(
                NEW,
                "INSERT INTO provisioned (tenant_id, user_id) VALUES ($1, $2) ON CONFLICT (tenant_id, user_id) DO NOTHING",
                params![tenant, user],
            )
            .and(self.quotas.member(tenant.into()))
            .expect(
                NEW,
                "INSERT INTO member (tenant_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant_id, user_id) DO NOTHING",
                params![tenant, user, role.as_str(), now],
            )
            .run(
                "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail)
                 SELECT $1, $2, $3, 'tenant.provision', u.id, u.email, $5 FROM app_user u WHERE u.id = $4",
                params![tenant, Uuid::now_v7(), now, user, format!("as {role}, by {issuer}")],
            )
            .tell(Event::User { user: user.uuid() });
        match self.store.write(write).await {
            Ok(_) | Err(Error::Unmet(NEW)) => Ok(()),
            Err(Error::Unmet(MEMBERS)) => Err(self.quotas.no_more_members()),
            Err(error) => Err(error),
        }
    }

    /// Notes that somebody was refused who is no user here. Nobody waits for it.
    pub(crate) async fn note_stranger(&self, tenant: TenantId, detail: &str, now: i64) -> Result<()> {
        let sql = "INSERT INTO audit (tenant_id, id, at, action, detail) VALUES ($1, $2, $3, 'auth.refused', $4)";
        self.store.write_soon(Write::new().run(sql, params![tenant, Uuid::now_v7(), now, detail])).await
    }
}

/// What stands for a user in place of an email address. No address has spaces, so that it can be
/// nobody's.
fn external_key(issuer: &str, subject: &str) -> String {
    format!("{issuer} | {subject}")
}
