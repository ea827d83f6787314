//! Invitations to the tenant. Their codes are kept hashed; `tenancy::Directory` redeems them.

use crate::error::{Error, Result};
use crate::store::params;
use crate::tenancy::{Role, ScopedWrite, TenantScope};
use uuid::Uuid;

/// Invitations that may be open at once.
const MAX_OPEN: i64 = 1000;

/// Keeps an invitation, and removes those that have expired.
///
/// # Errors
/// [`Error::Limit`] when there are as many open ones as may be.
pub(crate) async fn create(scope: &TenantScope, code_hash: &str, role: Role, expires_at: i64, now: i64) -> Result<()> {
    const ROOM: &str = "room";
    let insert = "INSERT INTO invite (tenant_id, code_hash, role, created_by, created_at, expires_at)
                  VALUES ($1, $2, $3, $4, $5, $6)";
    let write = scope
        .write()
        .run("DELETE FROM invite WHERE tenant_id = $1 AND expires_at <= $2", params![now])
        .expect(ROOM, "SELECT 1 WHERE (SELECT COUNT(*) FROM invite WHERE tenant_id = $1) < $2", params![MAX_OPEN])
        .run(insert, params![code_hash, role.as_str(), scope.principal().user(), now, expires_at])
        .audit("tenant.invite", &format!("as {role}"), now);
    match write.commit().await {
        Ok(_) => Ok(()),
        Err(Error::Unmet(ROOM)) => Err(Error::Limit(format!(
            "This tenant has {MAX_OPEN} open invitations, which is the limit. Wait until some are used or expire."
        ))),
        Err(error) => Err(error),
    }
}

/// Takes back the invitations of a user who goes: a code kept aside must not lead back in.
pub(super) fn revoke_all(write: ScopedWrite<'_>, user: Uuid) -> ScopedWrite<'_> {
    write.run("DELETE FROM invite WHERE tenant_id = $1 AND created_by = $2", params![user])
}

/// Takes back the invitations that a user with this role could not make.
pub(super) fn revoke_above(write: ScopedWrite<'_>, user: Uuid, role: Role) -> ScopedWrite<'_> {
    match role {
        Role::Owner => write,
        Role::Admin => {
            write.run("DELETE FROM invite WHERE tenant_id = $1 AND created_by = $2 AND role = 'owner'", params![user])
        }
        Role::Member | Role::Viewer => revoke_all(write, user),
    }
}
