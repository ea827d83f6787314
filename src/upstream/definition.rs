//! What an upstream is: how it is reached, who may use it, and its bounds.

use super::template::Template;
use crate::tenancy::{Principal, Role, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use wildmatch::WildMatch;

/// An MCP server behind the gateway, as it was configured or added by a tenant's admin.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Its name: `[a-z0-9][a-z0-9_-]{0,31}`.
    pub name: String,
    /// What the names of its tools and prompts begin with for clients; may be empty.
    pub prefix: String,
    /// How it is reached.
    pub reach: Reach,
    /// The tenants whose members may use it.
    pub tenants: Tenants,
    /// The least role that may use it.
    pub role: Role,
    /// Which of its tools are served, by the names that it gives them.
    pub tools: Allowed,
    /// Whom one session with it belongs to.
    pub isolation: Isolation,
    /// Which revision of MCP it is spoken to in.
    pub era: EraChoice,
    /// Its bounds.
    pub limits: UpstreamLimits,
    /// The token that it is sent with each request, where it is to be told so who calls.
    pub identity: Option<IdentityOptions>,
    /// How it is authorized at, where a person has to.
    pub authorization: Option<AuthorizationOptions>,
    /// Whether a tenant has added it: then it is reached at public addresses only, unless more is configured.
    pub added: bool,
}

/// How an upstream is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Reach {
    /// A child process that speaks on its standard input and output.
    Command {
        /// The program, and its arguments. No credential can be among them: others can read a command line.
        command: Vec<String>,
        /// Its environment, besides the few variables that every child gets.
        environment: BTreeMap<String, Template>,
        /// Where it runs; the server's own directory unless set.
        directory: Option<PathBuf>,
    },
    /// Streamable HTTP, of either era.
    Http {
        /// Its endpoint.
        url: Template,
        /// What is sent with each request.
        headers: BTreeMap<String, Template>,
    },
    /// MCP over a WebSocket.
    WebSocket {
        /// Its endpoint, `ws://` or `wss://`.
        url: Template,
        /// What is sent with the upgrade.
        headers: BTreeMap<String, Template>,
    },
    /// An HTTP API with an OpenAPI 3.x description, whose operations become tools.
    OpenApi {
        /// The description: a URL, or a file when there is no `://` in it.
        document: String,
        /// Where the API is; what the description says unless set.
        base_url: Option<Template>,
        /// What is sent with each request.
        headers: BTreeMap<String, Template>,
        /// What is added to each request's query.
        query: BTreeMap<String, Template>,
        /// Only operations with one of these tags; all unless set.
        tags: BTreeSet<String>,
    },
}

/// Tenants that may use an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenants {
    /// Every tenant.
    All,
    /// Those with these ids, in lower case.
    Only(BTreeSet<String>),
}

/// Which tools are served, by patterns with `*` and `?`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Allowed {
    /// Those that match one of these; all when there is none.
    pub allow: Vec<WildMatch>,
    /// But none that matches one of these.
    pub deny: Vec<WildMatch>,
}

/// Whom one session with an upstream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// One session of a client. (Over HTTP without sessions: one user in one tenant with one credential.)
    #[default]
    Session,
    /// All members of a tenant.
    Tenant,
    /// Everybody.
    Shared,
}

/// Which revision of MCP an upstream is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EraChoice {
    /// The one that whoever opens the session speaks, if it knows that, else the other.
    #[default]
    Auto,
    /// The one with `initialize`, up to 2025-11-25.
    Legacy,
    /// 2026-07-28.
    Modern,
}

/// The bounds of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamLimits {
    /// How long a session may take to open.
    pub open: Duration,
    /// How long one of its lists may take before others' are served without it.
    pub list: Duration,
    /// How long a call may take.
    pub call: Duration,
    /// How long a session may be without use before it is closed.
    pub idle: Duration,
    /// The largest message that is read from it, in bytes.
    pub max_message_bytes: usize,
    /// Sessions with it of one tenant.
    pub max_sessions_per_tenant: usize,
    /// Sessions with it in all.
    pub max_sessions: usize,
}

/// A token that says who calls, for one upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityOptions {
    /// Its audience.
    pub audience: String,
    /// How long it is good.
    pub lifetime: Duration,
}

/// How a person authorizes the gateway at an upstream (OAuth 2.1, authorization code with PKCE).
#[derive(Debug, Clone, PartialEq)]
pub struct AuthorizationOptions {
    /// Whether what one admin authorized serves the whole tenant; each user does it for themselves otherwise.
    pub per_tenant: bool,
    /// The client id; registered dynamically unless set.
    pub client_id: Option<String>,
    /// The client's secret.
    pub client_secret: Option<Template>,
    /// What is asked for; what the upstream's metadata says unless set.
    pub scopes: Vec<String>,
}

impl Definition {
    /// One that is open to everybody, with all of its tools, under its name: what a configuration says that says no
    /// more than where it is.
    #[must_use]
    pub fn new(name: &str, reach: Reach) -> Self {
        Self {
            name: name.to_owned(),
            prefix: format!("{name}_"),
            reach,
            tenants: Tenants::All,
            role: Role::Viewer,
            tools: Allowed::default(),
            isolation: Isolation::Session,
            era: EraChoice::Auto,
            limits: UpstreamLimits::default(),
            identity: None,
            authorization: None,
            added: false,
        }
    }

    /// Whether who is signed in may use it.
    #[must_use]
    pub fn is_open_to(&self, principal: &Principal) -> bool {
        principal.role() >= self.role && self.is_open_in(principal.tenant())
    }

    /// Whether members of this tenant may use it, if their role is high enough.
    pub(crate) fn is_open_in(&self, tenant: TenantId) -> bool {
        match &self.tenants {
            Tenants::All => true,
            Tenants::Only(ids) => ids.contains(&tenant.to_string()),
        }
    }
}

impl Allowed {
    /// Whether the tool with this name is served.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let any = |patterns: &[WildMatch]| patterns.iter().any(|pattern| pattern.matches(name));
        (self.allow.is_empty() || any(&self.allow)) && !any(&self.deny)
    }
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self {
            open: Duration::from_secs(30),
            list: Duration::from_secs(10),
            call: Duration::from_secs(300),
            idle: Duration::from_secs(3600),
            max_message_bytes: 16 << 20,
            max_sessions_per_tenant: 256,
            max_sessions: 2000,
        }
    }
}
