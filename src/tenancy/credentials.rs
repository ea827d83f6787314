//! What users prove themselves with besides passwords: what is known of it before there is a scope.
//!
//! A credential says which user and which tenant it is of; both come from the row that it is found by,
//! and never from what a client says. Nothing here knows how a token is checked.

mod external;
mod families;
mod resume;
mod signing;

pub(crate) use families::{Family, Refreshed};
pub(crate) use resume::Resumable;
pub(crate) use signing::StoredKey;

use super::authority::Recognised;
use super::ids::{TenantId, UserId};
use super::principal::{Principal, Proof};
use super::quotas::Quotas;
use super::role::Role;
use crate::error::Result;
use crate::store::{Row, Store, Write, params};
use uuid::Uuid;

/// An API key as it is found by its hash.
#[derive(Debug)]
pub(crate) struct ApiKey {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) role: Role,
    pub(crate) expires_at: Option<i64>,
}

/// The lookups and changes that concern credentials.
#[derive(Clone, Debug)]
pub struct Credentials {
    store: Store,
    quotas: Quotas,
}

impl Credentials {
    pub(super) fn new(store: Store, quotas: Quotas) -> Self {
        Self { store, quotas }
    }

    /// The API key with this hash.
    pub(crate) async fn api_key(&self, key_hash: &str) -> Result<Option<ApiKey>> {
        let sql = "SELECT id, tenant_id, user_id, role, expires_at FROM api_key WHERE key_hash = $1";
        self.store.get(sql, params![key_hash]).await?.map(api_key).transpose()
    }

    /// Notes that a key was used. Nobody waits for it, and it need not be noted at all.
    pub(crate) fn note_key_used(&self, tenant: TenantId, id: Uuid, now: i64) {
        let sql = "UPDATE api_key SET last_used_at = $3 WHERE tenant_id = $1 AND id = $2";
        self.store.write_if_room(Write::new().run(sql, params![tenant, id, now]));
    }

    /// Notes that a credential was refused to a user who is known, at most once a minute. Nobody waits
    /// for it.
    pub(crate) async fn note_refused(
        &self,
        (user, tenant): (UserId, TenantId),
        proof: &Proof,
        why: &str,
        now: i64,
    ) -> Result<()> {
        let sql = "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail)
                   SELECT $1, $2, $3, 'auth.refused', u.id, u.email, $5 FROM app_user u
                   WHERE u.id = $4 AND NOT EXISTS (SELECT 1 FROM audit a
                       WHERE a.tenant_id = $1 AND a.id > $6 AND a.action = 'auth.refused' AND a.actor_id = $4)";
        let detail = format!("{proof}: {why}");
        let params = params![tenant, Uuid::now_v7(), now, user, detail, a_minute_before(now)];
        self.store.write_soon(Write::new().run(sql, params)).await
    }

    /// Whether what a principal was proved with still stands, for a user whose password has this epoch;
    /// and if so, until when.
    pub(super) async fn standing(
        &self,
        (proof, tenant): (&Proof, TenantId),
        epoch: i64,
        until: Option<i64>,
        now: i64,
    ) -> Result<Result<Option<i64>, Recognised>> {
        let until = match proof {
            Proof::Password | Proof::External { .. } => until,
            Proof::AccessToken { family } => match self.family(*family).await? {
                None => return Ok(Err(Recognised::Revoked)),
                Some(family) if family.epoch != epoch => return Ok(Err(Recognised::PasswordChanged)),
                Some(family) => Some(family.expires_at),
            },
            Proof::ApiKey { id, .. } => {
                let sql = "SELECT expires_at FROM api_key WHERE tenant_id = $1 AND id = $2";
                match self.store.get(sql, params![tenant, *id]).await? {
                    None => return Ok(Err(Recognised::Revoked)),
                    Some(mut row) => row.opt_int()?,
                }
            }
        };
        Ok(if until.is_some_and(|until| until <= now) { Err(Recognised::Expired) } else { Ok(until) })
    }
}

/// What the ids of the last minute come after: they begin with their time.
fn a_minute_before(now: i64) -> Uuid {
    Uuid::from_u128(u128::try_from(now - 60_000).unwrap_or(0) << 80)
}

/// An entry in the audit log of a principal's tenant.
fn audit(principal: &Principal, action: &'static str, detail: &str, now: i64) -> Write {
    Write::new().run(
        "INSERT INTO audit (tenant_id, id, at, action, actor_id, actor, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![principal.tenant(), Uuid::now_v7(), now, action, principal.user(), principal.email(), detail],
    )
}

fn api_key(mut row: Row) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.uuid()?,
        tenant: TenantId::stored(row.uuid()?),
        user: UserId::stored(row.uuid()?),
        role: Role::stored(&row.text()?)?,
        expires_at: row.opt_int()?,
    })
}
