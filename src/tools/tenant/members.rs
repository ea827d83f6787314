//! Who is a member, and as what.

use crate::error::{Error, Result};
use crate::repository::member::{self, Member};
use crate::tenancy::Role;
use crate::time;
use crate::tools::input::{Cursor, Key, Limit, cut, more};
use crate::tools::{Caller, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListMembers {
    /// How many members a page has at the most.
    #[serde(default)]
    limit: Limit,
    /// The next_cursor of the page before.
    #[serde(default)]
    cursor: Option<Cursor<member::Key>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetRole {
    /// The member's user id, as in tenant_members.
    user_id: Key,
    /// The role to give them.
    role: Role,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveMember {
    /// The member's user id, as in tenant_members.
    user_id: Key,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Members {
    members: Vec<Member>,
    /// There are more: pass this as cursor to get them.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Removed {
    removed: bool,
}

pub(super) async fn list(caller: Caller, ListMembers { limit, cursor }: ListMembers) -> Result<Reply<Members>> {
    let mut members = member::page(&caller, cursor.map(|Cursor(key)| key), limit.get() + 1).await?;
    let next_cursor = cut(&mut members, limit.get(), Member::key);
    let lines: String = members
        .iter()
        .map(|Member { user_id, email, role, joined_at, .. }| {
            format!("\n- {email}, {role}, since {joined_at} (user_id {user_id})")
        })
        .collect();
    let more = more(next_cursor.as_deref());
    let text = format!("Members of {}:{lines}{more}", caller.principal().tenant_name());
    Ok(Reply::new(Members { members, next_cursor }, text))
}

pub(super) async fn set_role(caller: Caller, SetRole { user_id, role }: SetRole) -> Result<Reply<Member>> {
    let mut found = find(&caller, &user_id).await?;
    // Admins are let in here, so the one thing above a caller's own role is an owner.
    if role > caller.principal().role() {
        return Err(Error::NotAllowed("Only an owner can make somebody an owner, and you are an admin.".into()));
    }
    if found.role == role {
        let text = format!("{} is {} already.", found.email, role.with_article());
        return Ok(Reply::new(found, text));
    }
    member::set_role(&caller, &found, role, time::now()).await?;
    let text = format!("{} was {} and is {} now.", found.email, found.role.with_article(), role.with_article());
    found.role = role;
    Ok(Reply::new(found, text))
}

pub(super) async fn remove(caller: Caller, RemoveMember { user_id }: RemoveMember) -> Result<Reply<Removed>> {
    let found = find(&caller, &user_id).await?;
    member::remove(&caller, &found, time::now()).await?;
    let text = format!("{} is not a member of {} any more.", found.email, caller.principal().tenant_name());
    Ok(Reply::new(Removed { removed: true }, text))
}

/// The member with this id, if the caller may change their place.
async fn find(caller: &Caller, user_id: &Key) -> Result<Member> {
    let unknown = || {
        let user_id = user_id.as_str();
        Error::NotFound(format!("There is no member {user_id:?} in this tenant. tenant_members lists them."))
    };
    let found = member::find(caller, user_id.as_str()).await?.ok_or_else(unknown)?;
    if found.role > caller.principal().role() {
        return Err(Error::NotAllowed(format!(
            "{} is an owner, and only owners can change an owner's place in the tenant.",
            found.email
        )));
    }
    Ok(found)
}
