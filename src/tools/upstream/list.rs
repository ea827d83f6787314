//! Upstreams as those see them who may use them.

use super::add::set_credentials;
use crate::error::Result;
use crate::repository::upstream;
use crate::tenancy::Role;
use crate::time;
use crate::tools::{Caller, Reply};
use crate::upstream::own::{self, Own};
use crate::upstream::{Definition, Isolation, Reach, credentials_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListUpstreams {}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Upstreams {
    upstreams: Vec<View>,
}

/// An upstream, without anything secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct View {
    name: String,
    /// What the names of its tools and prompts begin with.
    prefix: String,
    /// Whether it is configured for the server, or the tenant has added it.
    origin: Origin,
    kind: Kind,
    /// Where it is, without its query; only of the tenant's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The least role that may use it.
    role: Role,
    /// Whom one session with it belongs to.
    isolation: Isolation,
    /// The credentials that it needs of the tenant.
    credentials: Vec<Needed>,
    /// When it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    added_at: Option<String>,
    /// The email address of who added it.
    #[serde(skip_serializing_if = "Option::is_none")]
    added_by: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    Configured,
    Own,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Command,
    Http,
    WebSocket,
    OpenApi,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Needed {
    name: String,
    /// Whether it is set.
    set: bool,
}

pub(super) async fn list(caller: Caller, _: ListUpstreams) -> Result<Reply<Upstreams>> {
    let (principal, set) = (caller.principal(), set_credentials(&caller).await?);
    let mine = |definition: &Definition| definition.is_open_to(principal);
    let configured = caller.upstreams.catalogue().configured();
    let mut upstreams: Vec<_> =
        configured.iter().filter(|one| mine(one)).map(|one| View::new(one, Origin::Configured, &set)).collect();
    for stored in upstream::all(&caller).await? {
        let read = own::definition(principal.tenant(), &stored).ok().zip(serde_json::from_str(&stored.definition).ok());
        // One that can't be read is in the log.
        let Some((definition, own)) = read.filter(|(definition, _)| mine(definition)) else { continue };
        upstreams.push(View::own(&definition, &own, stored.created_at, &stored.created_by, &set));
    }
    let lines: String = upstreams.iter().map(line).collect();
    let text = match &*lines {
        "" => format!("There are no upstreams that you may use in {}.", principal.tenant_name()),
        lines => format!("Upstreams that you may use in {}:{lines}", principal.tenant_name()),
    };
    Ok(Reply::new(Upstreams { upstreams }, text))
}

impl View {
    pub(super) fn own(definition: &Definition, own: &Own, added: i64, by: &str, set: &BTreeSet<String>) -> Self {
        Self {
            url: Some(own.shown_url()),
            added_at: Some(time::text(added)),
            added_by: Some(by.to_owned()),
            ..Self::new(definition, Origin::Own, set)
        }
    }

    fn new(definition: &Definition, origin: Origin, set: &BTreeSet<String>) -> Self {
        let needed = |name: &str| Needed { name: name.to_owned(), set: set.contains(name) };
        Self {
            name: definition.name.clone(),
            prefix: definition.prefix.clone(),
            origin,
            kind: match definition.reach {
                Reach::Command { .. } => Kind::Command,
                Reach::Http { .. } => Kind::Http,
                Reach::WebSocket { .. } => Kind::WebSocket,
                Reach::OpenApi { .. } => Kind::OpenApi,
            },
            url: None,
            role: definition.role,
            isolation: definition.isolation,
            credentials: credentials_of(definition).into_iter().map(needed).collect(),
            added_at: None,
            added_by: None,
        }
    }

    /// The credentials that it needs and that are not set.
    pub(super) fn missing(&self) -> impl Iterator<Item = &str> {
        self.credentials.iter().filter(|needed| !needed.set).map(|needed| needed.name.as_str())
    }
}

fn line(view: &View) -> String {
    let View { name, prefix, origin, url, role, .. } = view;
    let whose = if *origin == Origin::Own { "the tenant's own" } else { "configured" };
    let at = url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
    let missing: Vec<_> = view.missing().collect();
    let missing = if missing.is_empty() { String::new() } else { format!("; not set: {}", missing.join(", ")) };
    format!("\n- {name} ({whose}{at}), tools begin with {prefix:?}, for the role {role} and above{missing}")
}
