//! Configuration: flags beat environment beats file beats defaults, and a wrong setting is named.
//!
//! Every setting has one entry in [`SETTINGS`], from which the file, the environment and the
//! documentation of both follow: the key `limits.max_sessions` is `max_sessions` under `[limits]`
//! in the file and `SESSILE_LIMITS_MAX_SESSIONS` in the environment. The tables `[oidc.NAME]` and
//! `[upstream.NAME]` are in the file alone.

mod given;
mod oidc;
mod reload;
mod upstreams;
mod values;

use crate::auth::{PasswordOptions, ThrottleOptions};
use crate::error::{Error, Result};
use crate::server::{self, ServerOptions, TlsOptions, TokenSettings, TrustedProxies};
use crate::session::{RateOptions, ResumeLimits, SessionLimits};
use crate::store::StoreOptions;
use crate::tenancy::{MasterKeySource, Quotas};
use crate::upstream::OwnUpstreams;
use given::Given;
use std::path::Path;
use std::time::Duration;
use values::{days, entries, flag, log_format, number, seconds, socket, url, word};

pub use reload::Reload;

/// The file that is read where none is named, if there is one.
const DEFAULT_FILE: &str = "sessile.toml";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: String,
    /// How long to wait for another process that serves the database to end; at zero, such a one is an error, and the
    /// address is not shared with it.
    pub take_over: Duration,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where traces go, as OTLP over HTTP.
    pub otlp_endpoint: Option<String>,
    /// The rest, as the server takes it.
    pub server: ServerOptions,
    /// What was set, as it was written.
    given: Given,
}

/// A setting: its key, what it is for, and how it is put in its place.
#[derive(Debug)]
pub struct Setting {
    /// Its key, with its table.
    pub key: &'static str,
    /// What it means, with its unit.
    pub help: &'static str,
    set: fn(&mut Config, &str) -> Result<(), String>,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let server = ServerOptions {
            store: StoreOptions { url: "sqlite:sessile.db".into(), readers: 2 },
            tokens: TokenSettings {
                issuer: None,
                audience: None,
                access: Duration::from_secs(600),
                refresh: Duration::from_secs(30 * 86_400),
                rotate: Duration::from_secs(30 * 86_400),
            },
            oidc: Vec::new(),
            password: PasswordOptions {
                // OWASP's recommendation for argon2id.
                memory_kib: 19_456,
                iterations: 2,
                parallelism: 1,
                // The signed-in keep the other half of the machine.
                workers: (cores / 2).max(1),
                queue: 256,
            },
            throttle: ThrottleOptions { free_failures: 5, max_delay: Duration::from_secs(900) },
            quotas: Quotas { max_members: 1000, max_records: 1_000_000 },
            master_key: MasterKeySource::default(),
            own_upstreams: OwnUpstreams { max_per_tenant: 32, allow_private: false },
            sessions: SessionLimits {
                max_frame_bytes: 1 << 20,
                max_calls_in_flight: 64,
                max_queued_bytes: 4 << 20,
                // An agent connects when it starts, and its user signs in when there is a reason.
                unauthenticated: Duration::from_secs(3600),
                ping_interval: Duration::from_secs(30),
                idle_timeout: Duration::from_secs(90),
                write_timeout: Duration::from_secs(20),
                max_sessions: 10_000,
                max_sessions_per_address: 256,
                max_sessions_per_user: 64,
                http_idle: Duration::from_secs(1800),
                http_lifetime: Duration::from_secs(86_400),
                max_replay_bytes: 1 << 20,
                max_sessions_per_tenant: 2000,
                resume: ResumeLimits {
                    enabled: true,
                    wait: Duration::from_secs(120),
                    principal: Duration::from_secs(30 * 86_400),
                    max_bytes: 1 << 20,
                    max_messages: 1024,
                    max_waiting: 10_000,
                },
                rates: RateOptions { principal_per_second: 1000, tenant_per_second: 5000, address_per_second: 2000 },
                max_subscriptions: 256,
                max_questions: 16,
                // There is a person at the other end.
                answer_timeout: Duration::from_secs(300),
            },
            handshake: Duration::from_secs(10),
            drain: Duration::from_secs(10),
            allowed_origins: Vec::new(),
            public_url: None,
            allowed_hosts: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            tls: None,
            crm: true,
            upstreams: Vec::new(),
            metrics: None,
        };
        let listen = "127.0.0.1:7400".into();
        let take_over = Duration::ZERO;
        Self { listen, take_over, log_format: LogFormat::Text, otlp_endpoint: None, server, given: Given::default() }
    }
}

macro_rules! settings {
    ($($key:literal, $help:literal, |$config:ident, $text:ident| $set:expr;)*) => {
        &[$(Setting { key: $key, help: $help, set: |$config, $text| $set }),*]
    };
}

/// All settings, in the order in which they are documented.
pub const SETTINGS: &[Setting] = settings![
    "listen", "Address and port to listen on.", |c, t| { c.listen = t.to_owned(); Ok(()) };
    "database_url", "`sqlite:PATH`.", |c, t| { c.server.store.url = t.to_owned(); Ok(()) };
    "take_over_seconds", "How long to wait for the process that serves the database to end, and to take its place; 0 does not wait.",
        |c, t| { let mut n = 0; number(t, 0, 3600, &mut n).map(|()| c.take_over = Duration::from_secs(n)) };
    "log_format", "`text` or `json`.", |c, t| log_format(t).map(|format| c.log_format = format);
    "allowed_origins", "Web origins that may connect besides the server's own, comma-separated in the environment.",
        |c, t| { c.server.allowed_origins = entries(t).map(str::to_owned).collect(); Ok(()) };
    "public_url", "The URL at which clients reach the server, without a path.", |c, t| server::public_url(t).map(|url| c.server.public_url = Some(url));
    "allowed_hosts", "Host names that requests may be for, besides the server's address and the public URL's host, comma-separated in the environment.",
        |c, t| entries(t).map(server::allowed_host).collect::<Result<_, _>>().map(|hosts| c.server.allowed_hosts = hosts);
    "trusted_proxies", "Addresses and networks of proxies whose `X-Forwarded-For` is believed, comma-separated in the environment.", |c, t| t.parse().map(|proxies| c.server.trusted_proxies = proxies);
    "tls.cert", "File of the TLS certificate and its chain, as PEM; `tls.key` is needed with it.", |c, t| { tls(c).cert = t.into(); Ok(()) };
    "tls.key", "File of the certificate's private key, as PEM.", |c, t| { tls(c).key = t.into(); Ok(()) };
    "crm", "Whether the built-in CRM's tools, resources and prompts are served.", |c, t| flag(t, &mut c.server.crm);
    "metrics.listen", "Address and port at which `GET /metrics` is answered, for Prometheus.", |c, t| socket(t, &mut c.server.metrics);
    "otlp.endpoint", "Where traces go, as OTLP over HTTP.", |c, t| url(t, &mut c.otlp_endpoint);
    "tokens.issuer", "The issuer that access tokens name; `public_url` unless set.", |c, t| url(t, &mut c.server.tokens.issuer);
    "tokens.audience", "The audience that access tokens name; the issuer's `/mcp` unless set.", |c, t| word(t, &mut c.server.tokens.audience);
    "tokens.access_seconds", "How long an access token is good.", |c, t| seconds(t, &mut c.server.tokens.access);
    "tokens.refresh_seconds", "How long a refresh token is good, if it is not used.", |c, t| seconds(t, &mut c.server.tokens.refresh);
    "tokens.rotate_days", "How old the key that signs access tokens gets, in days.", |c, t| days(t, &mut c.server.tokens.rotate);
    "master_key_file", "File of the master key that seals credentials; `SESSILE_MASTER_KEY` holds the key itself instead.", |c, t| { c.server.master_key.file = Some(t.into()); Ok(()) };
    "upstreams.allow_private", "Whether upstreams that tenants add may have private addresses: `true` or `false`.", |c, t| flag(t, &mut c.server.own_upstreams.allow_private);
    "limits.max_frame_bytes", "The largest message that is read, in bytes.", |c, t| number(t, 1024, 1 << 30, &mut c.server.sessions.max_frame_bytes);
    "limits.max_calls_in_flight", "Calls of one connection that run at once.", |c, t| number(t, 1, 10_000, &mut c.server.sessions.max_calls_in_flight);
    "limits.max_queued_bytes", "Output that waits for one client, in bytes.", |c, t| number(t, 1024, 1 << 30, &mut c.server.sessions.max_queued_bytes);
    "limits.unauthenticated_seconds", "How long a connection may stay without a sign-in.", |c, t| seconds(t, &mut c.server.sessions.unauthenticated);
    "limits.ping_interval_seconds", "How long nothing has to come before the server pings.", |c, t| seconds(t, &mut c.server.sessions.ping_interval);
    "limits.idle_timeout_seconds", "How long nothing has to come, not even a pong, before the session ends.", |c, t| seconds(t, &mut c.server.sessions.idle_timeout);
    "limits.write_timeout_seconds", "How long a client may leave what was sent to it unread.", |c, t| seconds(t, &mut c.server.sessions.write_timeout);
    "limits.max_sessions", "Sessions in all.", |c, t| number(t, 1, 10_000_000, &mut c.server.sessions.max_sessions);
    "limits.max_sessions_per_address", "Sessions from one address.", |c, t| number(t, 1, 10_000_000, &mut c.server.sessions.max_sessions_per_address);
    "limits.max_sessions_per_user", "Signed-in sessions of one user.", |c, t| number(t, 1, 10_000_000, &mut c.server.sessions.max_sessions_per_user);
    "limits.http_idle_seconds", "How long a session over HTTP may be without a request or an open stream.", |c, t| seconds(t, &mut c.server.sessions.http_idle);
    "limits.http_lifetime_seconds", "How long a session over HTTP may last.", |c, t| seconds(t, &mut c.server.sessions.http_lifetime);
    "limits.max_replay_bytes", "What one session over HTTP was told on streams that is kept for a client that was cut off, in bytes.", |c, t| number(t, 0, 1 << 30, &mut c.server.sessions.max_replay_bytes);
    "limits.max_subscriptions", "Subscriptions of one session.", |c, t| number(t, 1, 1_000_000, &mut c.server.sessions.max_subscriptions);
    "limits.max_questions", "Requests to one client (legacy sampling, elicitation, roots) that wait for its answer.", |c, t| number(t, 1, 10_000, &mut c.server.sessions.max_questions);
    "limits.answer_timeout_seconds", "How long a client may take to answer one.", |c, t| seconds(t, &mut c.server.sessions.answer_timeout);
    "limits.handshake_seconds", "How long the request on a new connection may take to arrive.", |c, t| seconds(t, &mut c.server.handshake);
    "limits.drain_seconds", "How long calls in flight may take to finish at shutdown.", |c, t| seconds(t, &mut c.server.drain);
    "limits.max_upstreams_per_tenant", "Upstreams that one tenant may add.", |c, t| number(t, 0, 1000, &mut c.server.own_upstreams.max_per_tenant);
    "resume.enabled", "Whether a WebSocket session goes on after its connection was lost: `true` or `false`.", |c, t| flag(t, &mut c.server.sessions.resume.enabled);
    "resume.wait_seconds", "How long a session without a connection waits for its client.", |c, t| seconds(t, &mut c.server.sessions.resume.wait);
    "resume.principal_days", "How long a client can sign in with what resumes its session, in days.", |c, t| days(t, &mut c.server.sessions.resume.principal);
    "resume.max_bytes", "What one session has said and its client has not acknowledged, in bytes.", |c, t| number(t, 0, 1 << 30, &mut c.server.sessions.resume.max_bytes);
    "resume.max_messages", "The same in messages.", |c, t| number(t, 0, 1_000_000, &mut c.server.sessions.resume.max_messages);
    "resume.max_waiting", "Sessions without a connection, in all.", |c, t| number(t, 0, 10_000_000, &mut c.server.sessions.resume.max_waiting);
    "quotas.max_members_per_tenant", "Members of one tenant.", |c, t| number(t, 1, 10_000_000, &mut c.server.quotas.max_members);
    "quotas.max_records_per_tenant", "Business records of one tenant.", |c, t| number(t, 1, 1_000_000_000_000, &mut c.server.quotas.max_records);
    "quotas.max_sessions_per_tenant", "Signed-in sessions in one tenant.", |c, t| number(t, 1, 10_000_000, &mut c.server.sessions.max_sessions_per_tenant);
    "rates.principal_per_second", "Requests a second of one user in one tenant, and twice as many at once; 0 is no limit.", |c, t| number(t, 0, 1_000_000_000, &mut c.server.sessions.rates.principal_per_second);
    "rates.tenant_per_second", "Requests a second of all users of one tenant, and twice as many at once; 0 is no limit.", |c, t| number(t, 0, 1_000_000_000, &mut c.server.sessions.rates.tenant_per_second);
    "rates.address_per_second", "Requests a second from one address, and twice as many at once; 0 is no limit.", |c, t| number(t, 0, 1_000_000_000, &mut c.server.sessions.rates.address_per_second);
    "password.memory_kib", "argon2id: memory of one hash, in KiB.", |c, t| number(t, 8, 4 << 20, &mut c.server.password.memory_kib);
    "password.iterations", "argon2id: passes over that memory.", |c, t| number(t, 1, 100, &mut c.server.password.iterations);
    "password.parallelism", "argon2id: lanes.", |c, t| number(t, 1, 64, &mut c.server.password.parallelism);
    "password.workers", "Passwords that are checked at once; half the cores unless set.", |c, t| number(t, 1, 1024, &mut c.server.password.workers);
    "password.queue", "Sign-ins that may wait for that.", |c, t| number(t, 1, 1_000_000, &mut c.server.password.queue);
    "sign_in.free_failures", "Failed sign-ins of an account before there is a delay; an address has ten times as many.", |c, t| number(t, 1, 1000, &mut c.server.throttle.free_failures);
    "sign_in.max_delay_seconds", "The longest delay after failed sign-ins.", |c, t| seconds(t, &mut c.server.throttle.max_delay);
    "store.readers", "Threads for reads that may take long.", |c, t| number(t, 1, 256, &mut c.server.store.readers);
];

impl Config {
    /// Puts the settings together.
    ///
    /// `flags` are keys with values; `environment` looks a variable up. The file is the one that
    /// is named, or `sessile.toml` where there is one.
    ///
    /// # Errors
    /// [`Error::Config`], one line that names the setting and where it came from.
    pub fn load(
        file: Option<&Path>,
        flags: &[(&str, String)],
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let mut config = Self::default();
        let default_file = Path::new(DEFAULT_FILE);
        let file = file.or_else(|| default_file.exists().then_some(default_file));
        if let Some(path) = file {
            config.read_file(path)?;
        }
        for setting in SETTINGS {
            let variable = variable(setting.key);
            if let Some(value) = environment(&variable) {
                config.set(setting, &value, &variable)?;
            }
        }
        // No setting: it is in no file, and is never shown.
        config.server.master_key.given = environment("SESSILE_MASTER_KEY").map(Into::into);
        for (key, value) in flags {
            let setting = find(key).ok_or_else(|| Error::Config(format!("{key}: there is no such setting")))?;
            config.set(setting, value, &format!("--{}", key.replace(['_', '.'], "-")))?;
        }
        config.check()?;
        Ok(config)
    }

    fn read_file(&mut self, path: &Path) -> Result<()> {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).map_err(|e| Error::Config(format!("config: cannot read {shown}: {e}")))?;
        let mut table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
            let line = e.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Error::Config(format!("config: {shown}, line {line}: {}", e.message()))
        })?;
        let wrong = |e| Error::Config(format!("{e} (in {shown})"));
        if let Some(issuers) = table.remove("oidc") {
            self.given.note("oidc", &format!("{issuers:?}"));
            self.server.oidc = oidc::read(issuers).map_err(wrong)?;
        }
        if let Some(upstreams) = table.remove("upstream") {
            self.server.upstreams = upstreams::read(upstreams).map_err(wrong)?;
        }
        for (key, value) in flatten(&table) {
            let setting =
                find(&key).ok_or_else(|| Error::Config(format!("{key}: there is no such setting (in {shown})")))?;
            let value = plain(value).ok_or_else(|| {
                Error::Config(format!(
                    "{key}: must be a string, a number, true or false, or a list of strings (in {shown})"
                ))
            })?;
            self.set(setting, &value, &shown.to_string())?;
        }
        Ok(())
    }

    fn set(&mut self, setting: &Setting, value: &str, source: &str) -> Result<()> {
        self.given.note(setting.key, value);
        (setting.set)(self, value)
            .map_err(|rule| Error::Config(format!("{}: {rule}, not {value:?} (from {source})", setting.key)))
    }

    /// What settings have to be together.
    fn check(&self) -> Result<()> {
        let sessions = &self.server.sessions;
        if sessions.idle_timeout <= sessions.ping_interval {
            return Err(Error::Config(
                "limits.idle_timeout_seconds: must be more than limits.ping_interval_seconds".into(),
            ));
        }
        if let Some(TlsOptions { cert, key, .. }) = &self.server.tls {
            for (given, missing, path) in [("tls.cert", "tls.key", key), ("tls.key", "tls.cert", cert)] {
                if path.as_os_str().is_empty() {
                    return Err(Error::Config(format!("{missing}: has to be set together with {given}")));
                }
            }
        }
        Ok(())
    }
}

fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

fn variable(key: &str) -> String {
    format!("SESSILE_{}", key.replace('.', "_").to_uppercase())
}

/// The keys of a file with their tables.
fn flatten(table: &toml::Table) -> Vec<(String, &toml::Value)> {
    let mut flat = Vec::new();
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => {
                flat.extend(inner.iter().map(|(name, value)| (format!("{key}.{name}"), value)))
            }
            value => flat.push((key.clone(), value)),
        }
    }
    flat
}

fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<_>> = items.iter().map(toml::Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

fn tls(config: &mut Config) -> &mut TlsOptions {
    config.server.tls.get_or_insert_default()
}

#[cfg(test)]
mod tests;
