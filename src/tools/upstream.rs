//! The `credential` and `upstream` families: what a tenant's admins set for the servers behind the gateway.

mod add;
mod credentials;
mod list;
mod status;

use super::{Effect, Tool};
use crate::tenancy::Role;

/// The family's tools.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        Tool::new("credential_set", Role::Admin, Effect::Changes, credentials::set).described(
            "Set a credential",
            "Keeps a secret of the tenant under a name, in place of the one before. Upstreams use it where their definition says ${credential:NAME}. It is kept sealed and is never shown again, to nobody. Open sessions with upstreams use the new value from their next request on.",
        ),
        Tool::new("credential_list", Role::Admin, Effect::Reads, credentials::list)
            .described("List the credentials", "Lists the names of the tenant's credentials, when they were set and by whom; never their values."),
        Tool::new("credential_remove", Role::Admin, Effect::Changes, credentials::remove)
            .described("Remove a credential", "Removes a credential. Upstreams that need it can't be called until it is set again."),
        Tool::new("upstream_list", Role::Viewer, Effect::Reads, list::list).described(
            "List the upstreams",
            "Lists the MCP servers behind the gateway that one may use: those that whoever runs the gateway has configured, and the tenant's own. Their tools begin with the prefix.",
        ),
        Tool::new("upstream_status", Role::Viewer, Effect::Reads, status::status).described(
            "How the upstreams are",
            "Tells of each MCP server behind the gateway that one may use how one's own session with it is: open or not, since when, what it serves, what went wrong the last time, and which credentials are missing. It opens none; that is done by the first list or call.",
        ),
        Tool::new("upstream_add", Role::Admin, Effect::Adds, add::add).described(
            "Add an upstream",
            "Adds an MCP server that is reached by Streamable HTTP, for this tenant alone; its tools and prompts are then served with the prefix in front of their names. Secrets go into credentials first (credential_set), and are written as ${credential:NAME} in headers and in the URL's path or query.",
        ),
        Tool::new("upstream_remove", Role::Admin, Effect::Changes, add::remove)
            .described("Remove an upstream", "Removes an upstream that the tenant has added, at once, with the tokens that it gave."),
    ]
}
