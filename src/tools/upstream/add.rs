//! Upstreams of the tenant's own: added and removed.

use super::list::View;
use crate::error::{Error, Result};
use crate::repository::{credential, upstream};
use crate::tenancy::Role;
use crate::time;
use crate::tools::{Caller, Reply};
use crate::upstream::Isolation;
use crate::upstream::own::{self, Authorization, Own};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddUpstream {
    /// What to call it: lower-case letters, digits, _ and -.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9_-]{0,31}$"))]
    name: String,
    /// Its endpoint, https:// or http://; its path and query may have ${credential:NAME} in them.
    #[schemars(length(min = 1, max = 2048))]
    url: String,
    /// What the names of its tools and prompts begin with here; its name and _ unless told.
    #[serde(default)]
    #[schemars(regex(pattern = "^[A-Za-z0-9_.-]{1,48}$"))]
    prefix: Option<String>,
    /// Headers to send with each request. Secrets are written as ${credential:NAME}, as in "Bearer ${credential:github}".
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The least role that may use it; member unless told.
    #[serde(default)]
    role: Option<Role>,
    /// Only tools whose names there match one of these, with * and ?; all unless told.
    #[serde(default)]
    #[schemars(length(max = 100))]
    allow: Vec<String>,
    /// None of the tools whose names there match one of these.
    #[serde(default)]
    #[schemars(length(max = 100))]
    deny: Vec<String>,
    /// Whether each session of a client has a session of its own there, or all members share one; session unless
    /// told.
    #[serde(default)]
    isolation: Option<OwnIsolation>,
    /// Send a signed token that says who calls, for this audience: a URL of the upstream itself.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2048))]
    audience: Option<String>,
    /// Let people authorize the gateway there, with OAuth.
    #[serde(default)]
    authorization: Option<Authorization>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum OwnIsolation {
    Session,
    Tenant,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveUpstream {
    /// The upstream's name, as in upstream_list.
    #[schemars(length(min = 1, max = 64))]
    name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Removed {
    removed: bool,
}

pub(super) async fn add(caller: Caller, call: AddUpstream) -> Result<Reply<View>> {
    let refused = |rule: String| Error::InvalidArguments(format!("Invalid arguments for upstream_add: {rule}."));
    let AddUpstream { name, url, prefix, headers, role, allow, deny, isolation, audience, authorization } = call;
    let own = Own {
        url,
        prefix: prefix.unwrap_or_else(|| format!("{name}_")),
        headers,
        role: role.unwrap_or(Role::Member),
        allow,
        deny,
        isolation: match isolation {
            Some(OwnIsolation::Tenant) => Isolation::Tenant,
            Some(OwnIsolation::Session) | None => Isolation::Session,
        },
        audience,
        authorization,
    };
    let options = caller.upstreams.catalogue().own();
    own.check(&name, options.allow_private).map_err(refused)?;
    let tenant = caller.principal().tenant();
    let definition = own.definition(tenant, &name).map_err(refused)?;
    let seen = upstream::all(&caller).await?;
    // One that can't be read any more takes no name but its own, which the write finds.
    let others: Vec<_> = seen.iter().filter_map(|one| own::definition(tenant, one).ok()).collect();
    caller.upstreams.catalogue().check_free(tenant, &definition, &others).map_err(refused)?;
    let (json, now) =
        (serde_json::to_string(&own).map_err(|e| Error::internal("writing an upstream", e))?, time::now());
    upstream::add(&caller, (&name, &json), (&seen, options.max_per_tenant), now).await?;
    let set = set_credentials(&caller).await?;
    let view = View::own(&definition, &own, now, caller.principal().email(), &set);
    let mut text =
        format!("Added the upstream {name}. Its tools are served with {:?} in front of their names.", own.prefix);
    for missing in view.missing() {
        text.push_str(&format!(" It needs the credential {missing}, which is not set yet: credential_set."));
    }
    Ok(Reply::new(view, text))
}

pub(super) async fn remove(caller: Caller, RemoveUpstream { name }: RemoveUpstream) -> Result<Reply<Removed>> {
    if !upstream::remove(&caller, &name, time::now()).await? {
        let configured = caller.upstreams.catalogue().configured();
        if configured.iter().any(|one| one.name == name && one.is_open_to(caller.principal())) {
            return Err(Error::NotAllowed(format!(
                "The upstream {name:?} is configured for this server, and whoever runs that can remove it. Tenants remove those that they have added."
            )));
        }
        return Err(Error::NotFound(format!(
            "There is no upstream {name:?} in this tenant. upstream_list lists them."
        )));
    }
    // To look again ends the sessions with it.
    caller.upstreams.open_to(&caller).await;
    Ok(Reply::new(Removed { removed: true }, format!("The upstream {name} is removed.")))
}

/// The names of the credentials that the tenant has.
pub(super) async fn set_credentials(caller: &Caller) -> Result<BTreeSet<String>> {
    Ok(credential::all(caller).await?.into_iter().map(|one| one.name).collect())
}
