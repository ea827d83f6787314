//! API keys of the tenant's members. They are kept hashed; `tenancy::Credentials` finds them by that.

use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::{Role, TenantScope};
use crate::time;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// Keys that one user may have in a tenant.
const MAX_KEYS: i64 = 50;

/// An API key, without what it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApiKey {
    pub(crate) id: Uuid,
    /// What its owner calls it.
    pub(crate) name: String,
    /// Whose it is.
    pub(crate) user_id: Uuid,
    pub(crate) email: String,
    /// The most that it may do; never more than its owner's role.
    pub(crate) role: Role,
    pub(crate) created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<String>,
    /// To the minute or so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_used_at: Option<String>,
}

impl FromRow for ApiKey {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.uuid()?,
            name: row.text()?,
            user_id: row.uuid()?,
            email: row.text()?,
            role: Role::stored(&row.text()?)?,
            created_at: time::text(row.int()?),
            expires_at: row.opt_int()?.map(time::text),
            last_used_at: row.opt_int()?.map(time::text),
        })
    }
}

/// Keeps a new key of the caller's, and gives its id.
///
/// # Errors
/// [`Error::Limit`] when the caller has as many as may be.
pub(crate) async fn create(
    scope: &TenantScope,
    (name, key_hash): (&str, &str),
    role: Role,
    expires_at: Option<i64>,
    now: i64,
) -> Result<Uuid> {
    const ROOM: &str = "room";
    let (id, user) = (Uuid::now_v7(), scope.principal().user());
    let write = scope
        .write()
        .run("DELETE FROM api_key WHERE tenant_id = $1 AND user_id = $2 AND expires_at <= $3", params![user, now])
        .expect(
            ROOM,
            "SELECT 1 WHERE (SELECT COUNT(*) FROM api_key WHERE tenant_id = $1 AND user_id = $2) < $3",
            params![user, MAX_KEYS],
        )
        .run(
            "INSERT INTO api_key (tenant_id, id, user_id, name, role, key_hash, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![id, user, name, role.as_str(), key_hash, now, expires_at],
        )
        .audit("auth.create_api_key", &format!("{name:?} ({id}) as {role}"), now);
    match write.commit().await {
        Ok(_) => Ok(id),
        Err(Error::Unmet(ROOM)) => Err(Error::Limit(format!(
            "You have {MAX_KEYS} API keys in this tenant, which is the limit. Revoke one that you do not need, with auth_revoke_api_key."
        ))),
        Err(error) => Err(error),
    }
}

/// The caller's own keys, or those of all members, newest first.
pub(crate) async fn page(scope: &TenantScope, all: bool, before: Option<Uuid>, limit: usize) -> Result<Vec<ApiKey>> {
    let (before, limit) = (before.unwrap_or(Uuid::max()), i64::try_from(limit).unwrap_or(i64::MAX));
    if all {
        let sql = "SELECT k.id, k.name, k.user_id, u.email, k.role, k.created_at, k.expires_at, k.last_used_at
                   FROM api_key k JOIN app_user u ON u.id = k.user_id
                   WHERE k.tenant_id = $1 AND k.id < $2 ORDER BY k.id DESC LIMIT $3";
        return scope.list(sql, params![before, limit]).await;
    }
    let sql = "SELECT k.id, k.name, k.user_id, u.email, k.role, k.created_at, k.expires_at, k.last_used_at
               FROM api_key k JOIN app_user u ON u.id = k.user_id
               WHERE k.tenant_id = $1 AND k.user_id = $2 AND k.id < $3 ORDER BY k.id DESC LIMIT $4";
    scope.list(sql, params![scope.principal().user(), before, limit]).await
}

/// The key with this id, whatever text that is.
pub(crate) async fn find(scope: &TenantScope, id: &str) -> Result<Option<ApiKey>> {
    let sql = "SELECT k.id, k.name, k.user_id, u.email, k.role, k.created_at, k.expires_at, k.last_used_at
               FROM api_key k JOIN app_user u ON u.id = k.user_id WHERE k.tenant_id = $1 AND k.id = $2";
    scope.get(sql, params![id]).await
}

/// Takes a key back: whatever was opened with it ends.
pub(crate) async fn revoke(scope: &TenantScope, key: &ApiKey, now: i64) -> Result<()> {
    let ApiKey { id, name, user_id, email, .. } = key;
    let write = scope
        .write()
        // Before it is gone, for it may be the one that revokes itself.
        .audit("auth.revoke_api_key", &format!("{name:?} ({id}) of {email}"), now)
        .run("DELETE FROM api_key WHERE tenant_id = $1 AND id = $2", params![*id])
        .user_changed(*user_id);
    write.commit().await.map(drop)
}
