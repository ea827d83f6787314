//! The `tenant` family: changing between tenants, and the members, invitations, sessions and audit
//! log of the one that is signed in to.

mod audit;
mod invites;
mod members;
mod sessions;

use super::auth::{self, Identity};
use super::input::Text;
use super::{Access, Effect, Reply, SessionCaller, Tool};
use crate::auth::hash_code;
use crate::error::Result;
use crate::tenancy::Role;
use crate::time;
use schemars::JsonSchema;
use serde::Deserialize;

/// The family's tools.
pub(super) fn tools() -> Vec<Tool> {
    let (signed_in, admin) = (Access::Role(Role::Viewer), Access::Role(Role::Admin));
    vec![
        Tool::about_sessions("tenant_switch", signed_in, Effect::Changes, switch).exclusive().described(
            "Switch the tenant",
            "Changes to another tenant that you are a member of. Over WebSocket, every later call on the connection works on that tenant's data; over HTTP, the result has tokens for it. auth_whoami tells which one it is now; tenant_switch answers with all that you can switch to.",
        ),
        Tool::about_sessions("tenant_join", signed_in, Effect::Adds, join).exclusive().described(
            "Join a tenant",
            "Redeems an invitation code: you become a member of the tenant that it was made in, and switch to it as with tenant_switch. A code works once.",
        ),
        Tool::new("tenant_members", Role::Viewer, Effect::Reads, members::list).described(
            "List the members",
            "Lists the members of the tenant with their roles, in the order in which they joined.",
        ),
        Tool::new("tenant_invite", Role::Admin, Effect::Adds, invites::create).described(
            "Invite somebody",
            "Makes an invitation code for one person, who calls tenant_join with it. The code is shown once and is stored hashed: pass it on over a channel that you trust. Only owners can invite owners.",
        ),
        // Exclusive, so that whoever changes their own place gets the answer before it takes effect.
        Tool::new("tenant_set_role", Role::Admin, Effect::Changes, members::set_role).exclusive().described(
            "Change a member's role",
            "Gives a member another role; it takes effect at once, also in their open sessions. Only an owner can make somebody an owner or change an owner's role, and a tenant always keeps one owner.",
        ),
        Tool::new("tenant_remove_member", Role::Admin, Effect::Changes, members::remove).exclusive().described(
            "Remove a member",
            "Takes a member out of the tenant; their sessions in it end at once, and the invitations that they made stop working. Their account stays. Only an owner can remove an owner, and a tenant always keeps one owner. Admins can remove themselves; other members who want to leave ask an admin.",
        ),
        Tool::about_sessions("tenant_sessions", admin, Effect::Reads, sessions::list)
            .described("List the tenant's sessions", "Lists the open sessions that are signed in to this tenant, of all members."),
        Tool::about_sessions("tenant_end_session", admin, Effect::Changes, sessions::end).described(
            "End a session of the tenant",
            "Ends a session that is signed in to this tenant, at once. Its user can sign in again; to keep them out, use tenant_remove_member. tenant_sessions lists them.",
        ),
        Tool::new("tenant_audit_log", Role::Admin, Effect::Reads, audit::list).described(
            "Read the audit log",
            "Lists what was done about sign-ins, members, roles, invitations and sessions in this tenant, newest first.",
        ),
    ]
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// The tenant to work in from now on: its id or its name.
    to: Text<200>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Join {
    /// The invitation code, as tenant_invite gave it.
    code: Text<200>,
}

async fn switch(caller: SessionCaller, Switch { to }: Switch) -> Result<Reply<Identity>> {
    let principal = caller.scope()?.principal();
    let principal = caller.manager.authority().switch(principal, &to, time::now()).await?;
    auth::enter(&caller, principal, "tenant.switch").await
}

async fn join(caller: SessionCaller, Join { code }: Join) -> Result<Reply<Identity>> {
    let principal = caller.scope()?.principal();
    let principal = caller.manager.authority().join(principal, &hash_code(&code), time::now()).await?;
    auth::enter(&caller, principal, "tenant.switch").await
}
