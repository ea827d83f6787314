//! What signs a session in again after its connection was lost: one row for each such session.

use super::Credentials;
use crate::error::{Error, Result};
use crate::store::{Row, Write, params};
use crate::tenancy::ids::{SessionId, TenantId, UserId};
use crate::tenancy::principal::{Principal, Proof};
use crate::tenancy::role::Role;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// Sessions of one user in all that can be resumed; the one that was longest away makes room for a further one.
const MAX_RESUMABLE: i64 = 1000;

/// Whom a resume credential signs in, and what it has to hash to.
#[derive(Debug, Clone)]
pub(crate) struct Resumable {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) session: Uuid,
    pub(crate) proof: Proof,
    /// The user's when they signed in.
    pub(crate) epoch: i64,
    pub(crate) since: i64,
    pub(crate) until: Option<i64>,
    pub(crate) secret_hash: String,
    /// Still good: its successor may not have arrived.
    pub(crate) previous_hash: Option<String>,
    pub(crate) expires_at: i64,
}

/// A proof as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Stored<'a> {
    Password,
    AccessToken {
        family: Uuid,
    },
    ApiKey {
        id: Uuid,
        role: Cow<'a, str>,
    },
    External {
        issuer: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<Cow<'a, str>>,
    },
}

impl Credentials {
    /// Whom the credential with this id signs in.
    pub(crate) async fn resumable(&self, id: Uuid) -> Result<Option<Resumable>> {
        let sql = "SELECT id, tenant_id, user_id, session_id, proof, epoch, signed_in_at, until, secret_hash,
                          previous_hash, expires_at FROM resume WHERE id = $1";
        self.store.get(sql, params![id]).await?.map(resumable).transpose()
    }

    /// Keeps whom a credential signs in, in place of what was kept under its id before. False, and nothing kept, when
    /// the principal is not any more as they were seen.
    pub(crate) async fn keep_resumable(
        &self,
        principal: &Principal,
        (id, session): (Uuid, SessionId),
        (secret_hash, previous_hash): (&str, Option<&String>),
        now: i64,
        expires_at: i64,
    ) -> Result<bool> {
        const STANDING: &str = "standing";
        let (tenant, user) = (principal.tenant(), principal.user());
        let write = Write::new()
            .run("DELETE FROM resume WHERE id = $1", params![id])
            .expect(
                STANDING,
                "INSERT INTO resume (tenant_id, id, user_id, session_id, proof, epoch, signed_in_at, until,
                                     secret_hash, previous_hash, created_at, expires_at)
                 SELECT m.tenant_id, $2, m.user_id, $3, $4, u.epoch, $5, $6, $7, $8, $9, $10
                 FROM member m JOIN app_user u ON u.id = m.user_id JOIN tenant t ON t.id = m.tenant_id
                 WHERE m.tenant_id = $1 AND m.user_id = $11 AND u.epoch = $12
                   AND u.disabled_at IS NULL AND t.suspended_at IS NULL",
                params![
                    tenant,
                    id,
                    session,
                    stored(principal.proof()),
                    principal.since(),
                    principal.until(),
                    secret_hash,
                    previous_hash,
                    now,
                    expires_at,
                    user,
                    principal.epoch(),
                ],
            )
            .run(
                "DELETE FROM resume WHERE user_id = $1 AND id IN
                     (SELECT id FROM resume WHERE user_id = $1 ORDER BY expires_at DESC LIMIT 10000 OFFSET $2)",
                params![user, MAX_RESUMABLE],
            );
        match self.store.write(write).await {
            Ok(_) => Ok(true),
            Err(Error::Unmet(STANDING)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts a new secret in the place of the one that was presented, which stays good beside it until the new one is
    /// confirmed. False, and nothing done, when the presented one is good no more.
    pub(crate) async fn rotate_resumable(
        &self,
        found: &Resumable,
        (presented_hash, new_hash): (&str, &str),
        detail: &str,
        now: i64,
        expires_at: i64,
    ) -> Result<bool> {
        const GOOD: &str = "good";
        let (tenant, id) = (found.tenant, found.id);
        let write = Write::new()
            .expect(
                GOOD,
                "UPDATE resume SET secret_hash = $4, previous_hash = $3, expires_at = $5
                 WHERE tenant_id = $1 AND id = $2 AND (secret_hash = $3 OR previous_hash = $3)",
                params![tenant, id, presented_hash, new_hash, expires_at],
            )
            .and(audit(found, "auth.resume", detail, now));
        match self.store.write(write).await {
            Ok(_) => Ok(true),
            Err(Error::Unmet(GOOD)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Has a credential that was rotated go on with another session. False when it is good no more.
    pub(crate) async fn move_resumable(&self, id: Uuid, secret_hash: &str, session: SessionId) -> Result<bool> {
        const GOOD: &str = "good";
        let sql = "UPDATE resume SET session_id = $3 WHERE id = $1 AND secret_hash = $2";
        match self.store.write(Write::new().expect(GOOD, sql, params![id, secret_hash, session])).await {
            Ok(_) => Ok(true),
            Err(Error::Unmet(GOOD)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Voids what came before a secret, which has arrived.
    pub(crate) async fn confirm_resumable(&self, id: Uuid, secret_hash: &str) -> Result<()> {
        let sql = "UPDATE resume SET previous_hash = NULL WHERE id = $1 AND secret_hash = $2";
        self.store.write(Write::new().run(sql, params![id, secret_hash])).await.map(drop)
    }

    /// Voids a credential.
    pub(crate) async fn end_resumable(&self, id: Uuid) -> Result<()> {
        self.store.write(Write::new().run("DELETE FROM resume WHERE id = $1", params![id])).await.map(drop)
    }

    /// Voids a credential that somebody presented with a secret that is not good, or not any more.
    pub(crate) async fn end_reused(&self, found: &Resumable, detail: &str, now: i64) -> Result<()> {
        let write = Write::new().run("DELETE FROM resume WHERE id = $1", params![found.id]);
        self.store.write(write.and(audit(found, "auth.resume_reuse", detail, now))).await.map(drop)
    }

    /// Removes what nobody can use any more.
    pub(crate) async fn remove_expired_resumables(&self, now: i64) -> Result<()> {
        let sql = "DELETE FROM resume WHERE expires_at <= $1";
        self.store.write(Write::new().run(sql, params![now])).await.map(drop)
    }
}

fn audit(found: &Resumable, action: &'static str, detail: &str, now: i64) -> Write {
    Write::new().run(
        "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail)
         SELECT $1, $2, $3, $6, u.id, u.email, $5 FROM app_user u WHERE u.id = $4",
        params![found.tenant, Uuid::now_v7(), now, found.user, detail, action],
    )
}

fn stored(proof: &Proof) -> String {
    let role = |role: &Role| Cow::Borrowed(role.as_str());
    let stored = match proof {
        Proof::Password => Stored::Password,
        Proof::AccessToken { family } => Stored::AccessToken { family: *family },
        Proof::ApiKey { id, role: most } => Stored::ApiKey { id: *id, role: role(most) },
        Proof::External { issuer, role: most } => {
            Stored::External { issuer: Cow::Borrowed(&**issuer), role: most.as_ref().map(role) }
        }
    };
    serde_json::to_string(&stored).unwrap_or_default()
}

fn proof(text: &str) -> Result<Proof> {
    let stored: Stored<'_> = serde_json::from_str(text).map_err(|error| Error::internal("a stored proof", error))?;
    Ok(match stored {
        Stored::Password => Proof::Password,
        Stored::AccessToken { family } => Proof::AccessToken { family },
        Stored::ApiKey { id, role } => Proof::ApiKey { id, role: Role::stored(&role)? },
        Stored::External { issuer, role } => {
            Proof::External { issuer: issuer.into(), role: role.map(|role| Role::stored(&role)).transpose()? }
        }
    })
}

fn resumable(mut row: Row) -> Result<Resumable> {
    Ok(Resumable {
        id: row.uuid()?,
        tenant: TenantId::stored(row.uuid()?),
        user: UserId::stored(row.uuid()?),
        session: row.uuid()?,
        proof: proof(&row.text()?)?,
        epoch: row.int()?,
        since: row.int()?,
        until: row.opt_int()?,
        secret_hash: row.text()?,
        previous_hash: row.opt_text()?,
        expires_at: row.int()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_read_as_it_was_written() {
        let id = Uuid::now_v7();
        for given in [
            Proof::Password,
            Proof::AccessToken { family: id },
            Proof::ApiKey { id, role: Role::Member },
            Proof::External { issuer: "https://a.example".into(), role: None },
            Proof::External { issuer: "https://a.example".into(), role: Some(Role::Viewer) },
        ] {
            assert_eq!(proof(&stored(&given)).expect("it is one"), given);
        }
    }
}
