//! The tenant's credentials, without what they are. `tenancy::Secrets` opens them.

use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::{TenantScope, What};
use crate::time;
use schemars::JsonSchema;
use serde::Serialize;

/// Credentials that one tenant may have.
pub(crate) const MOST: i64 = 200;

/// A credential, without its value.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Credential {
    pub(crate) name: String,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    /// The email address of who set it last.
    pub(crate) updated_by: String,
}

impl FromRow for Credential {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            name: row.text()?,
            created_at: time::text(row.int()?),
            updated_at: time::text(row.int()?),
            updated_by: row.text()?,
        })
    }
}

/// Keeps a value under a name, in place of the one before.
///
/// # Errors
/// [`Error::Limit`] when the tenant has as many as may be, [`Error::NotAllowed`] when there is no master key.
pub(crate) async fn set(scope: &TenantScope, name: &str, value: &str, now: i64) -> Result<()> {
    const ROOM: &str = "room";
    let upsert = "INSERT INTO credential (tenant_id, name, created_at, updated_at, updated_by, sealed)
                  VALUES ($1, $2, $3, $3, $4, $5) ON CONFLICT (tenant_id, name)
                  DO UPDATE SET sealed = $5, updated_at = $3, updated_by = $4";
    let room = "SELECT 1 WHERE EXISTS (SELECT 1 FROM credential WHERE tenant_id = $1 AND name = $2)
                   OR (SELECT COUNT(*) FROM credential WHERE tenant_id = $1) < $3";
    let (by, what) = (scope.principal().email(), What::Credential(name));
    let write = scope.write().expect(ROOM, room, params![name, MOST]);
    let write = write.seal(upsert, params![name, now, by], (what, value), now)?;
    match write.audit("credential.set", name, now).commit().await {
        Ok(_) => Ok(()),
        Err(Error::Unmet(ROOM)) => Err(Error::Limit(format!(
            "This tenant has {MOST} credentials, which is the limit. Remove one that is not needed, with credential_remove."
        ))),
        Err(error) => Err(error),
    }
}

/// All of them, by name.
pub(crate) async fn all(scope: &TenantScope) -> Result<Vec<Credential>> {
    let sql = "SELECT name, created_at, updated_at, updated_by FROM credential WHERE tenant_id = $1 ORDER BY name";
    scope.list(sql, params![]).await
}

/// Removes one; false when there is none with this name.
pub(crate) async fn remove(scope: &TenantScope, name: &str, now: i64) -> Result<bool> {
    const THERE: &str = "there";
    let write = scope
        .write()
        .expect(THERE, "DELETE FROM credential WHERE tenant_id = $1 AND name = $2", params![name])
        .audit("credential.remove", name, now)
        .sealed_changed(What::Credential(name));
    match write.commit().await {
        Ok(_) => Ok(true),
        Err(Error::Unmet(THERE)) => Ok(false),
        Err(error) => Err(error),
    }
}
