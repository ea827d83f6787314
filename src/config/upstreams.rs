//! The tables `[upstream.NAME]`, one for each MCP server behind the gateway.
//!
//! How keys are written is known here. What has to hold of a definition whatever it came from, and between several,
//! is known where definitions are.

use super::values::{LONGEST, without_values};
use crate::tenancy::Role;
use crate::upstream::{
    Allowed, AuthorizationOptions, Definition, EraChoice, IdentityOptions, Isolation, Reach, Template, Tenants,
    UpstreamLimits,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use wildmatch::WildMatch;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    command: Option<Vec<String>>,
    url: Option<String>,
    ws: Option<String>,
    openapi: Option<String>,
    env: Option<BTreeMap<String, String>>,
    cwd: Option<PathBuf>,
    headers: Option<BTreeMap<String, String>>,
    query: Option<BTreeMap<String, String>>,
    base_url: Option<String>,
    tags: Option<BTreeSet<String>>,
    prefix: Option<String>,
    tenants: Option<Vec<String>>,
    role: Option<Role>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    isolation: Isolation,
    era: Option<EraChoice>,
    open_seconds: Option<u64>,
    list_seconds: Option<u64>,
    call_seconds: Option<u64>,
    idle_seconds: Option<u64>,
    max_message_bytes: Option<u64>,
    max_sessions: Option<u64>,
    max_sessions_per_tenant: Option<u64>,
    identity: Option<Identity>,
    authorization: Option<Authorization>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    audience: String,
    seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authorization {
    per: Per,
    client_id: Option<String>,
    client_secret: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Per {
    Tenant,
    User,
}

/// How long a token that says who calls is good, unless it is set.
const IDENTITY_SECONDS: u64 = 300;

/// The upstreams in the file, or what is wrong and where.
pub(super) fn read(upstreams: toml::Value) -> Result<Vec<Definition>, String> {
    let toml::Value::Table(upstreams) = upstreams else {
        return Err("upstream: must hold a table for each upstream, such as [upstream.files]".into());
    };
    upstreams
        .into_iter()
        .map(|(name, table)| upstream(&name, table).map_err(|wrong| format!("upstream.{name}.{wrong}")))
        .collect()
}

/// An upstream, or the key that is wrong and why.
fn upstream(name: &str, table: toml::Value) -> Result<Definition, String> {
    let mut table: Table = serde_path_to_error::deserialize(table).map_err(|error| {
        let (path, wrong) = (error.path().to_string(), without_values(error.inner().message()));
        if path == "." { format!("{}: {wrong}", unknown_key(&wrong)) } else { format!("{path}: {wrong}") }
    })?;
    let reach = table.reach()?;
    let definition = Definition {
        name: name.to_owned(),
        prefix: table.prefix.take().unwrap_or_else(|| format!("{name}_")),
        reach,
        tenants: tenants(table.tenants.take())?,
        role: table.role.unwrap_or(Role::Viewer),
        tools: Allowed { allow: patterns(&table.allow), deny: patterns(&table.deny) },
        isolation: table.isolation,
        era: table.era.unwrap_or_default(),
        limits: table.limits()?,
        identity: table.identity.take().map(identity).transpose()?,
        authorization: table.authorization.take().map(authorization).transpose()?,
        added: false,
    };
    definition.check()?;
    Ok(definition)
}

impl Table {
    fn reach(&mut self) -> Result<Reach, String> {
        let given: Vec<_> = [
            ("command", self.command.is_some()),
            ("url", self.url.is_some()),
            ("ws", self.ws.is_some()),
            ("openapi", self.openapi.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect();
        let [way] = given[..] else {
            return Err(match &given[..] {
                [] => {
                    "command: is missing; write one of command, url, ws and openapi, which say how it is reached".into()
                }
                [one, other, ..] => format!("{other}: is there besides {one}; keep one of them"),
                [_] => unreachable!("that is the one"),
            });
        };
        self.check_keys(way)?;
        let headers = templates("headers", self.headers.take())?;
        Ok(match way {
            "command" => Reach::Command {
                command: self.command.take().unwrap_or_default(),
                environment: templates("env", self.env.take())?,
                directory: self.cwd.take().map(directory).transpose()?,
            },
            "url" => Reach::Http { url: template(way, &self.url.take().unwrap_or_default())?, headers },
            "ws" => Reach::WebSocket { url: template(way, &self.ws.take().unwrap_or_default())?, headers },
            _ => Reach::OpenApi {
                document: document(self.openapi.take().unwrap_or_default())?,
                base_url: self.base_url.take().map(|url| template("base_url", &url)).transpose()?,
                headers,
                query: templates("query", self.query.take())?,
                tags: self.tags.take().unwrap_or_default(),
            },
        })
    }

    /// Refuses keys that mean nothing for what is reached in this way.
    fn check_keys(&self, way: &str) -> Result<(), String> {
        for (key, given, ways) in [
            ("env", self.env.is_some(), &["command"][..]),
            ("cwd", self.cwd.is_some(), &["command"]),
            ("headers", self.headers.is_some(), &["url", "ws", "openapi"]),
            ("query", self.query.is_some(), &["openapi"]),
            ("base_url", self.base_url.is_some(), &["openapi"]),
            ("tags", self.tags.is_some(), &["openapi"]),
            ("era", self.era.is_some(), &["command", "url", "ws"]),
        ] {
            if given && !ways.contains(&way) {
                return Err(format!("{key}: goes with {}, and not with {way}; remove it", ways.join(", ")));
            }
        }
        Ok(())
    }

    fn limits(&self) -> Result<UpstreamLimits, String> {
        let usual = UpstreamLimits::default();
        let count = |key, given: Option<u64>, usual: usize, least, most| match given {
            None => Ok(usual),
            Some(number) => {
                within(key, number, least, most).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
            }
        };
        Ok(UpstreamLimits {
            open: time("open_seconds", self.open_seconds, usual.open)?,
            list: time("list_seconds", self.list_seconds, usual.list)?,
            call: time("call_seconds", self.call_seconds, usual.call)?,
            idle: time("idle_seconds", self.idle_seconds, usual.idle)?,
            max_message_bytes: count(
                "max_message_bytes",
                self.max_message_bytes,
                usual.max_message_bytes,
                1024,
                1 << 30,
            )?,
            max_sessions: count("max_sessions", self.max_sessions, usual.max_sessions, 1, 10_000_000)?,
            max_sessions_per_tenant: count(
                "max_sessions_per_tenant",
                self.max_sessions_per_tenant,
                usual.max_sessions_per_tenant,
                1,
                10_000_000,
            )?,
        })
    }
}

fn tenants(given: Option<Vec<String>>) -> Result<Tenants, String> {
    let Some(ids) = given else { return Ok(Tenants::All) };
    if ids.is_empty() {
        return Err("tenants: is empty, so nobody could use it; write ids of tenants, or [\"*\"] for all".into());
    }
    if ids == ["*"] {
        return Ok(Tenants::All);
    }
    let id = |text: String| match text.parse::<uuid::Uuid>() {
        Ok(id) => Ok(id.to_string()),
        Err(_) => Err(format!(
            "tenants: {text:?} is no tenant's id; `sessile admin tenants list` shows them, and [\"*\"] is all"
        )),
    };
    ids.into_iter().map(id).collect::<Result<_, _>>().map(Tenants::Only)
}

fn patterns(texts: &[String]) -> Vec<WildMatch> {
    texts.iter().map(|text| WildMatch::new(text)).collect()
}

fn identity(Identity { audience, seconds }: Identity) -> Result<IdentityOptions, String> {
    if audience.is_empty() {
        return Err("identity.audience: is empty; write what the upstream looks for in aud, such as its URL".into());
    }
    let lifetime = within("identity.seconds", seconds.unwrap_or(IDENTITY_SECONDS), 10, 3600)?;
    Ok(IdentityOptions { audience, lifetime: Duration::from_secs(lifetime) })
}

fn authorization(read: Authorization) -> Result<AuthorizationOptions, String> {
    let Authorization { per, client_id, client_secret, scopes } = read;
    if client_secret.is_some() && client_id.is_none() {
        return Err("authorization.client_id: is missing; it goes with client_secret".into());
    }
    let fits = |scope: &String| !scope.is_empty() && scope.bytes().all(|c| c.is_ascii_graphic());
    if let Some(scope) = scopes.iter().find(|scope| !fits(scope)) {
        return Err(format!("authorization.scopes: {scope:?} is no scope; write each as a text of its own"));
    }
    let client_secret = client_secret.map(|secret| template("authorization.client_secret", &secret)).transpose()?;
    Ok(AuthorizationOptions { per_tenant: matches!(per, Per::Tenant), client_id, client_secret, scopes })
}

fn templates(key: &str, texts: Option<BTreeMap<String, String>>) -> Result<BTreeMap<String, Template>, String> {
    let texts = texts.unwrap_or_default().into_iter();
    texts.map(|(name, text)| Ok((name.clone(), template(&format!("{key}.{name}"), &text)?))).collect()
}

fn template(key: &str, text: &str) -> Result<Template, String> {
    Template::parse(text).map_err(|wrong| format!("{key}: {wrong}"))
}

fn directory(path: PathBuf) -> Result<PathBuf, String> {
    if path.to_string_lossy().contains("${credential:") {
        return Err("cwd: cannot use ${credential:…}, since others can read it; put it into env".into());
    }
    match path.is_dir() {
        true => Ok(path),
        false => Err(format!("cwd: there is no directory {}; make it, or name another", path.display())),
    }
}

fn document(text: String) -> Result<String, String> {
    if !text.contains("://") && !text.contains("${") && !PathBuf::from(&text).is_file() {
        return Err(format!("openapi: there is no file {text}; write its path, or a URL that begins with https://"));
    }
    Ok(text)
}

fn time(key: &str, given: Option<u64>, usual: Duration) -> Result<Duration, String> {
    given.map_or(Ok(usual), |seconds| within(key, seconds, 1, LONGEST).map(Duration::from_secs))
}

fn within(key: &str, number: u64, least: u64, most: u64) -> Result<u64, String> {
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(format!("{key}: must be a whole number from {least} to {most}, not {number}"))
}

/// The key that serde does not know or misses.
fn unknown_key(message: &str) -> &str {
    message.split('`').nth(1).unwrap_or("?")
}

#[cfg(test)]
mod tests;
