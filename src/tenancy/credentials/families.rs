//! Token families: a sign-in that is carried on by tokens, and ends with all of them.

use super::{Credentials, audit};
use crate::error::{Error, Result};
use crate::store::{Event, Write, params};
use crate::tenancy::ids::{TenantId, UserId};
use crate::tenancy::principal::Principal;
use uuid::Uuid;

/// Sign-ins of one user in all that are carried on by tokens; the oldest makes room for a further one.
const MAX_FAMILIES: i64 = 100;

/// All tokens that follow from one sign-in.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    /// The user's when they signed in.
    pub(crate) epoch: i64,
    pub(crate) created_at: i64,
    pub(crate) expires_at: i64,
}

/// What became of a refresh token that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// It has been replaced by the new one.
    Replaced,
    /// It had been used before.
    Reused,
}

impl Credentials {
    /// The family with this id.
    pub(crate) async fn family(&self, id: Uuid) -> Result<Option<Family>> {
        let sql = "SELECT id, tenant_id, user_id, epoch, created_at, expires_at FROM token_family WHERE id = $1";
        self.store.get(sql, params![id]).await?.map(family).transpose()
    }

    /// The family of a refresh token, and whether the token has been used.
    pub(crate) async fn family_of(&self, token_hash: &str) -> Result<Option<(Family, bool)>> {
        let sql = "SELECT f.id, f.tenant_id, f.user_id, f.epoch, f.created_at, f.expires_at, r.used_at
                   FROM refresh_token r JOIN token_family f ON f.tenant_id = r.tenant_id AND f.id = r.family_id
                   WHERE r.token_hash = $1";
        let Some(mut row) = self.store.get(sql, params![token_hash]).await? else { return Ok(None) };
        let family = read(&mut row)?;
        Ok(Some((family, row.opt_int()?.is_some())))
    }

    /// Begins a family with its first refresh token, for a principal who is still as they were seen.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`] when something about them changed meanwhile.
    pub(crate) async fn begin_family(
        &self,
        principal: &Principal,
        token_hash: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<Uuid> {
        const STANDING: &str = "standing";
        let (id, tenant, user) = (Uuid::now_v7(), principal.tenant(), principal.user());
        let write = Write::new()
            .expect(
                STANDING,
                "INSERT INTO token_family (tenant_id, id, user_id, epoch, created_at, expires_at)
                 SELECT m.tenant_id, $2, m.user_id, u.epoch, $5, $6
                 FROM member m JOIN app_user u ON u.id = m.user_id JOIN tenant t ON t.id = m.tenant_id
                 WHERE m.tenant_id = $1 AND m.user_id = $3 AND u.epoch = $4
                   AND u.disabled_at IS NULL AND t.suspended_at IS NULL",
                params![tenant, id, user, principal.epoch(), now, expires_at],
            )
            .run(
                "INSERT INTO refresh_token (tenant_id, token_hash, family_id, created_at) VALUES ($1, $2, $3, $4)",
                params![tenant, token_hash, id, now],
            )
            .run(
                "DELETE FROM token_family WHERE user_id = $1 AND (expires_at <= $2 OR id IN
                     (SELECT id FROM token_family WHERE user_id = $1 ORDER BY id DESC LIMIT 10000 OFFSET $3))",
                params![user, now, MAX_FAMILIES],
            )
            .tell(Event::User { user: user.uuid() });
        match self.store.write(write).await {
            Ok(_) => Ok(id),
            Err(Error::Unmet(STANDING)) => {
                Err(Error::NotSignedIn("Your place in this tenant changed just now; sign in again.".into()))
            }
            Err(error) => Err(error),
        }
    }

    /// Replaces a refresh token by a new one, once, and lets the family live on until `expires_at`. Used
    /// tokens are kept until `forget_before`, to know them again.
    pub(crate) async fn refresh(
        &self,
        family: &Family,
        (used_hash, new_hash): (&str, &str),
        now: i64,
        expires_at: i64,
        forget_before: i64,
    ) -> Result<Refreshed> {
        const UNUSED: &str = "unused";
        let (tenant, id) = (family.tenant, family.id);
        let write = Write::new()
            .expect(
                UNUSED,
                "UPDATE refresh_token SET used_at = $3 WHERE tenant_id = $1 AND token_hash = $2 AND used_at IS NULL",
                params![tenant, used_hash, now],
            )
            .run(
                "INSERT INTO refresh_token (tenant_id, token_hash, family_id, created_at) VALUES ($1, $2, $3, $4)",
                params![tenant, new_hash, id, now],
            )
            .run(
                "UPDATE token_family SET expires_at = $3 WHERE tenant_id = $1 AND id = $2",
                params![tenant, id, expires_at],
            )
            .run(
                "DELETE FROM refresh_token WHERE tenant_id = $1 AND family_id = $2 AND used_at < $3",
                params![tenant, id, forget_before],
            );
        match self.store.write(write).await {
            Ok(_) => Ok(Refreshed::Replaced),
            Err(Error::Unmet(UNUSED)) => Ok(Refreshed::Reused),
            Err(error) => Err(error),
        }
    }

    /// Ends a family of which a refresh token was used twice: one of the two who used it is a thief.
    pub(crate) async fn end_stolen_family(&self, family: &Family, detail: &str, now: i64) -> Result<()> {
        let write = end(family.id, family.user).run(
            "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail)
             SELECT $1, $2, $3, 'auth.refresh_reuse', u.id, u.email, $5 FROM app_user u WHERE u.id = $4",
            params![family.tenant, Uuid::now_v7(), now, family.user, detail],
        );
        self.store.write(write).await.map(drop)
    }

    /// Ends the family of a principal who signs out, and with it all of its tokens.
    pub(crate) async fn sign_out_family(&self, principal: &Principal, family: Uuid, now: i64) -> Result<()> {
        let write = end(family, principal.user());
        self.store.write(write.and(audit(principal, "auth.sign_out", "", now))).await.map(drop)
    }

    /// Removes what nobody can use any more.
    pub(crate) async fn remove_expired_families(&self, now: i64) -> Result<()> {
        let sql = "DELETE FROM token_family WHERE expires_at <= $1";
        self.store.write(Write::new().run(sql, params![now])).await.map(drop)
    }
}

fn end(family: Uuid, user: UserId) -> Write {
    Write::new().run("DELETE FROM token_family WHERE id = $1", params![family]).tell(Event::User { user: user.uuid() })
}

fn family(mut row: crate::store::Row) -> Result<Family> {
    read(&mut row)
}

fn read(row: &mut crate::store::Row) -> Result<Family> {
    Ok(Family {
        id: row.uuid()?,
        tenant: TenantId::stored(row.uuid()?),
        user: UserId::stored(row.uuid()?),
        epoch: row.int()?,
        created_at: row.int()?,
        expires_at: row.int()?,
    })
}
