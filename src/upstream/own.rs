//! Upstreams that a tenant's admins add: what may be said of one, and how it is kept.
//!
//! They are reached by HTTP and are never commands, and only their own tenant has them.

mod url;

use super::definition::{
    Allowed, AuthorizationOptions, Definition, EraChoice, IdentityOptions, Isolation, Reach, Tenants, UpstreamLimits,
};
use super::template::Template;
use crate::error::{Error, Result};
use crate::repository::upstream::{self, Stored};
use crate::tenancy::{Role, TenantId, TenantScope};
use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use wildmatch::WildMatch;

/// How long a token is good that says who calls.
const IDENTITY: Duration = Duration::from_secs(300);
/// Headers of one upstream.
const MOST_HEADERS: usize = 32;
/// The longest value of one, before credentials are filled in, in bytes.
const HEADER: usize = 4096;
/// Patterns of tools that are allowed, and of those that are denied.
const MOST_PATTERNS: usize = 100;
/// Headers that are not a tenant's to set: they belong to the transport and to MCP.
const RESERVED: [&str; 17] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "last-event-id",
    "origin",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "traceparent",
];

/// An upstream as a tenant's admin describes it, and as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Own {
    pub(crate) url: String,
    pub(crate) prefix: String,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) role: Role,
    #[serde(default)]
    pub(crate) allow: Vec<String>,
    #[serde(default)]
    pub(crate) deny: Vec<String>,
    pub(crate) isolation: Isolation,
    #[serde(default)]
    pub(crate) audience: Option<String>,
    #[serde(default)]
    pub(crate) authorization: Option<Authorization>,
}

/// How people authorize the gateway at it, with OAuth.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Authorization {
    /// What one admin authorizes serves the whole tenant; otherwise each user does it for themselves.
    #[serde(default)]
    per_tenant: bool,
    /// The client id that the gateway has there; it registers itself unless told.
    #[serde(default)]
    #[schemars(length(min = 1, max = 500))]
    client_id: Option<String>,
    /// The secret that belongs to it, as ${credential:NAME}.
    #[serde(default)]
    #[schemars(length(min = 1, max = 500))]
    client_secret: Option<String>,
    /// What to ask for; what the upstream says unless told.
    #[serde(default)]
    #[schemars(length(max = 50))]
    scopes: Vec<String>,
}

/// The upstreams that the tenant of a scope has added, as definitions, by name. One that can't be read is left out
/// and logged.
///
/// # Errors
/// [`Error::Internal`] when the store fails.
pub(crate) async fn definitions(scope: &TenantScope) -> Result<Vec<Arc<Definition>>> {
    let tenant = scope.principal().tenant();
    let stored = upstream::all(scope).await?;
    let read = stored.iter().filter_map(|one| match definition(tenant, one) {
        Ok(definition) => Some(Arc::new(definition)),
        Err(error) => {
            tracing::error!(%tenant, upstream = one.name, %error, "an upstream of a tenant can't be read");
            None
        }
    });
    Ok(read.collect())
}

/// The definition of one that is kept.
pub(crate) fn definition(tenant: TenantId, stored: &Stored) -> Result<Definition> {
    let own: Own = serde_json::from_str(&stored.definition).map_err(|e| Error::internal("reading an upstream", e))?;
    own.definition(tenant, &stored.name).map_err(|rule| Error::internal("reading an upstream", rule))
}

impl Own {
    /// Refuses what a tenant may not say.
    ///
    /// # Errors
    /// The field, what is wrong, and what to do.
    pub(crate) fn check(&self, name: &str, allow_private: bool) -> Result<(), String> {
        check_name(name)?;
        check_prefix(&self.prefix)?;
        let url = url::check(&self.url, allow_private).map_err(|rule| format!("url: {rule}"))?;
        if self.headers.len() > MOST_HEADERS {
            return Err(format!("headers: there may be {MOST_HEADERS} at the most"));
        }
        for (header, value) in &self.headers {
            check_header(header, value).map_err(|rule| format!("headers: {header:?}: {rule}"))?;
        }
        let authorizes = |header: &String| header.eq_ignore_ascii_case("authorization");
        let ways = usize::from(self.headers.keys().any(authorizes))
            + usize::from(self.audience.is_some())
            + usize::from(self.authorization.is_some());
        if ways > 1 {
            return Err("an Authorization header, audience and authorization each say what is sent as Authorization; give one of them".into());
        }
        for (field, patterns) in [("allow", &self.allow), ("deny", &self.deny)] {
            if patterns.len() > MOST_PATTERNS || patterns.iter().any(|one| one.is_empty() || one.len() > 128) {
                return Err(format!("{field}: must be at most {MOST_PATTERNS} patterns of 1 to 128 bytes"));
            }
        }
        if self.isolation == Isolation::Shared {
            return Err("isolation: must be session or tenant".into());
        }
        if let Some(audience) = &self.audience {
            url::check_audience(audience, &url).map_err(|rule| format!("audience: {rule}"))?;
        }
        let Some(authorization) = &self.authorization else { return Ok(()) };
        authorization.check(self.isolation).map_err(|rule| format!("authorization: {rule}"))
    }

    /// What it is, for its tenant.
    ///
    /// # Errors
    /// What is wrong with a template.
    pub(crate) fn definition(&self, tenant: TenantId, name: &str) -> Result<Definition, String> {
        let headers = self.headers.iter().map(|(name, value)| Ok((name.clone(), Template::parse(value)?)));
        let patterns = |texts: &[String]| texts.iter().map(|text| WildMatch::new(text)).collect();
        let authorization = self.authorization.as_ref().map(Authorization::options).transpose()?;
        Ok(Definition {
            name: name.to_owned(),
            prefix: self.prefix.clone(),
            reach: Reach::Http { url: Template::parse(&self.url)?, headers: headers.collect::<Result<_, String>>()? },
            tenants: Tenants::Only(BTreeSet::from([tenant.to_string()])),
            role: self.role,
            tools: Allowed { allow: patterns(&self.allow), deny: patterns(&self.deny) },
            isolation: self.isolation,
            era: EraChoice::Auto,
            limits: UpstreamLimits::default(),
            identity: self.audience.clone().map(|audience| IdentityOptions { audience, lifetime: IDENTITY }),
            authorization,
            added: true,
        })
    }

    /// Where it is, without what may be secret.
    pub(crate) fn shown_url(&self) -> String {
        self.url.split(['?', '#']).next().unwrap_or_default().to_owned()
    }
}

impl Authorization {
    fn check(&self, isolation: Isolation) -> Result<(), String> {
        if !self.per_tenant && isolation == Isolation::Tenant {
            return Err("with isolation tenant, all members share what is authorized: set per_tenant".into());
        }
        if let Some(secret) = &self.client_secret {
            let has_place = Template::parse(secret)?.credentials().next().is_some();
            if !has_place {
                return Err(bare("client_secret"));
            }
        }
        let word = |text: &String| (1..=500).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if self.scopes.len() > 50 || !self.scopes.iter().chain(&self.client_id).all(word) {
            return Err("client_id and scopes must be words, of which there may be 50".into());
        }
        Ok(())
    }

    fn options(&self) -> Result<AuthorizationOptions, String> {
        Ok(AuthorizationOptions {
            per_tenant: self.per_tenant,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_deref().map(Template::parse).transpose()?,
            scopes: self.scopes.clone(),
        })
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let all = name.bytes().all(|b| fits(b) || matches!(b, b'_' | b'-'));
    if all && name.len() <= 32 && name.bytes().next().is_some_and(fits) {
        return Ok(());
    }
    Err("name: must be 1 to 32 lower-case letters, digits, `_` and `-`, and begin with a letter or digit".into())
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if (1..=48).contains(&prefix.len()) && prefix.bytes().all(fits) {
        return Ok(());
    }
    Err("prefix: must be 1 to 48 letters, digits, `_`, `-` and `.`".into())
}

fn check_header(header: &str, value: &str) -> Result<(), String> {
    let name: HeaderName = header.parse().map_err(|_| "is no name of a header")?;
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("mcp-") || name.as_str().starts_with("sec-") {
        return Err("can't be set; the gateway sets it where it is needed".into());
    }
    if value.len() > HEADER || !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return Err(format!("its value must be at most {HEADER} visible ASCII characters"));
    }
    let has_place = Template::parse(value)?.credentials().next().is_some();
    let scheme = ["bearer ", "basic ", "token "].iter().any(|scheme| value.to_ascii_lowercase().starts_with(scheme));
    if !has_place && (scheme || is_secret(name.as_str())) {
        return Err(bare(header));
    }
    Ok(())
}

/// Whether what has this name is a secret, as far as it can be told.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let ends = ["authorization", "key", "token", "secret", "password", "cookie", "credential", "apikey"];
    ends.iter().any(|end| name == *end || name.ends_with(&format!("-{end}")))
        || matches!(name.as_str(), "sig" | "signature" | "auth" | "x-auth" | "access-key-id" | "pwd")
}

fn bare(what: &str) -> String {
    format!(
        "{what} looks like a secret, which others could read here. Keep it with credential_set, and write ${{credential:NAME}} in its place"
    )
}
