//! The members of the tenant.

use super::invite;
use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::{Role, ScopedWrite, TenantScope};
use crate::time;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A user's place in the tenant.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Member {
    pub(crate) user_id: Uuid,
    pub(crate) email: String,
    pub(crate) role: Role,
    /// When they became a member.
    pub(crate) joined_at: String,
    #[serde(skip)]
    joined: i64,
}

/// What members are sorted by.
pub(crate) type Key = (i64, Uuid);

/// A statement of a write that found nothing: the tenant would be left without an owner.
const LAST_OWNER: &str = "last_owner";
/// A statement of a write that found nothing: the member has another role by now, or is gone.
const AS_SEEN: &str = "as_seen";

impl Member {
    pub(crate) fn key(&self) -> Key {
        (self.joined, self.user_id)
    }
}

impl FromRow for Member {
    fn from_row(row: &mut Row) -> Result<Self> {
        let (user_id, email, role, joined) = (row.uuid()?, row.text()?, Role::stored(&row.text()?)?, row.int()?);
        Ok(Self { user_id, email, role, joined_at: time::text(joined), joined })
    }
}

/// Members in the order in which they joined.
pub(crate) async fn page(scope: &TenantScope, after: Option<Key>, limit: usize) -> Result<Vec<Member>> {
    let (joined, user) = after.unwrap_or((i64::MIN, Uuid::nil()));
    let sql = "SELECT u.id, u.email, m.role, m.created_at FROM member m JOIN app_user u ON u.id = m.user_id
               WHERE m.tenant_id = $1 AND (m.created_at, m.user_id) > ($2, $3)
               ORDER BY m.created_at, m.user_id LIMIT $4";
    scope.list(sql, params![joined, user, i64::try_from(limit).unwrap_or(i64::MAX)]).await
}

/// The member with this user id, whatever text that is.
pub(crate) async fn find(scope: &TenantScope, user_id: &str) -> Result<Option<Member>> {
    let sql = "SELECT u.id, u.email, m.role, m.created_at FROM member m JOIN app_user u ON u.id = m.user_id
               WHERE m.tenant_id = $1 AND m.user_id = $2";
    scope.get(sql, params![user_id]).await
}

/// Gives a member another role, unless they have not the one any more that was seen.
pub(crate) async fn set_role(scope: &TenantScope, member: &Member, role: Role, now: i64) -> Result<()> {
    let update = "UPDATE member SET role = $4 WHERE tenant_id = $1 AND user_id = $2 AND role = $3";
    let write = keeping_an_owner(scope, member)
        .expect(AS_SEEN, update, params![member.user_id, member.role.as_str(), role.as_str()])
        .audit("tenant.set_role", &format!("{} from {} to {role}", member.email, member.role), now)
        .user_changed(member.user_id);
    finish(invite::revoke_above(write, member.user_id, role)).await
}

/// Takes a member out of the tenant, unless they have not the role any more that was seen.
pub(crate) async fn remove(scope: &TenantScope, member: &Member, now: i64) -> Result<()> {
    let delete = "DELETE FROM member WHERE tenant_id = $1 AND user_id = $2 AND role = $3";
    let write = keeping_an_owner(scope, member)
        .expect(AS_SEEN, delete, params![member.user_id, member.role.as_str()])
        .audit("tenant.remove_member", &format!("{}, {}", member.email, member.role.with_article()), now)
        .user_changed(member.user_id)
        .run("DELETE FROM upstream_token WHERE tenant_id = $1 AND user_id = $2", params![member.user_id]);
    finish(invite::revoke_all(write, member.user_id)).await
}

/// A write that fails where the member is the tenant's only owner. It is decided in the write, so
/// that of two owners who leave at once one stays.
fn keeping_an_owner<'s>(scope: &'s TenantScope, member: &Member) -> ScopedWrite<'s> {
    let write = scope.write();
    if member.role != Role::Owner {
        return write;
    }
    let others = "SELECT 1 FROM member WHERE tenant_id = $1 AND role = 'owner' AND user_id <> $2 LIMIT 1";
    write.expect(LAST_OWNER, others, params![member.user_id])
}

async fn finish(write: ScopedWrite<'_>) -> Result<()> {
    match write.commit().await {
        Ok(_) => Ok(()),
        Err(Error::Unmet(LAST_OWNER)) => Err(Error::NotAllowed(
            "This is the tenant's only owner, and a tenant needs one. Make somebody else an owner first, with tenant_set_role.".into(),
        )),
        Err(Error::Unmet(AS_SEEN)) => Err(Error::Conflict(
            "Somebody else changed this member just now; nothing was changed by this call. Look at tenant_members and try again.".into(),
        )),
        Err(error) => Err(error),
    }
}
