//! The upstreams that the tenant's admins have added. What their definitions say is no matter of this module.

use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::TenantScope;

/// An upstream as it is kept.
pub(crate) struct Stored {
    pub(crate) name: String,
    /// JSON.
    pub(crate) definition: String,
    pub(crate) created_at: i64,
    /// The email address of who added it.
    pub(crate) created_by: String,
}

impl FromRow for Stored {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { name: row.text()?, definition: row.text()?, created_at: row.int()?, created_by: row.text()? })
    }
}

/// All of them, by name.
pub(crate) async fn all(scope: &TenantScope) -> Result<Vec<Stored>> {
    let sql = "SELECT name, definition, created_at, created_by FROM upstream WHERE tenant_id = $1 ORDER BY name";
    scope.list(sql, params![]).await
}

/// Adds one, if the others are still those that were seen. What was kept for another of its name goes.
///
/// # Errors
/// [`Error::Limit`] when the tenant has as many as may be, [`Error::Conflict`] when they are others.
pub(crate) async fn add(
    scope: &TenantScope,
    (name, definition): (&str, &str),
    (seen, most): (&[Stored], i64),
    now: i64,
) -> Result<()> {
    const AS_SEEN: &str = "as seen";
    let count = i64::try_from(seen.len()).unwrap_or(i64::MAX);
    if count >= most {
        return Err(Error::Limit(format!(
            "This tenant has {count} upstreams of its own, and may have {most}. Remove one that is not needed, with upstream_remove."
        )));
    }
    let newest = seen.iter().map(|one| one.created_at).max().unwrap_or(0);
    let write = scope
        .write()
        .expect(
            AS_SEEN,
            "SELECT 1 WHERE (SELECT COUNT(*) FROM upstream WHERE tenant_id = $1) = $2
                AND COALESCE((SELECT MAX(created_at) FROM upstream WHERE tenant_id = $1), 0) = $3",
            params![count, newest],
        )
        .run("DELETE FROM upstream_token WHERE tenant_id = $1 AND upstream = $2", params![name])
        .run(
            "INSERT INTO upstream (tenant_id, name, definition, created_at, created_by) VALUES ($1, $2, $3, $4, $5)",
            params![name, definition, now.max(newest + 1), scope.principal().email()],
        )
        .audit("upstream.add", name, now)
        .upstreams_changed();
    match write.commit().await {
        Ok(_) => Ok(()),
        Err(Error::Unmet(AS_SEEN)) => Err(Error::Conflict(
            "Somebody else changed this tenant's upstreams just now; nothing was changed by this call. Look at upstream_list and try again.".into(),
        )),
        Err(error) => Err(error),
    }
}

/// Removes one, with the tokens that it gave; false when there is none with this name.
pub(crate) async fn remove(scope: &TenantScope, name: &str, now: i64) -> Result<bool> {
    const THERE: &str = "there";
    let write = scope
        .write()
        .expect(THERE, "DELETE FROM upstream WHERE tenant_id = $1 AND name = $2", params![name])
        .run("DELETE FROM upstream_token WHERE tenant_id = $1 AND upstream = $2", params![name])
        .audit("upstream.remove", name, now)
        .upstreams_changed();
    match write.commit().await {
        Ok(_) => Ok(true),
        Err(Error::Unmet(THERE)) => Ok(false),
        Err(error) => Err(error),
    }
}
