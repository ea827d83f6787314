//! What is configured about an issuer, and what of it can be used.

use crate::error::{Error, Result};
use crate::tenancy::Role;
use jsonwebtoken::Algorithm;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use uuid::Uuid;

/// An issuer whose tokens are accepted.
#[derive(Debug, Clone)]
pub struct OidcOptions {
    /// What the configuration calls it.
    pub name: String,
    /// Its URL, exactly as its tokens name it.
    pub issuer: String,
    /// What tokens for this server name as their audience.
    pub audience: String,
    /// The algorithms that it may sign with.
    pub algorithms: Vec<String>,
    /// The ids of the tenants that it may let people into; a single `*` stands for all of them.
    pub tenants: Vec<String>,
    /// The claim that names the tenant; not needed when there is one tenant only.
    pub tenant_claim: Option<String>,
    /// The claim that names roles. With it, a token's role is the highest that its user gets.
    pub role_claim: Option<String>,
    /// What the values of that claim mean.
    pub roles: BTreeMap<String, Role>,
    /// The role of those whose token names none of these.
    pub default_role: Option<Role>,
    /// Whether who was never here is made a user and a member.
    pub provision: bool,
    /// The claim with the email address that is shown of its users.
    pub email_claim: String,
    /// How often its keys are fetched anew.
    pub refresh_every: Duration,
    /// How often a token that names an unknown key may have them fetched.
    pub unknown_key_every: Duration,
}

impl OidcOptions {
    /// An issuer for one tenant, whose users are members there already.
    #[must_use]
    pub fn new(name: &str, issuer: &str, audience: &str, tenant: &str) -> Self {
        Self {
            name: name.into(),
            issuer: issuer.into(),
            audience: audience.into(),
            algorithms: ["RS256", "ES256", "EdDSA"].map(str::to_owned).into(),
            tenants: vec![tenant.into()],
            tenant_claim: None,
            role_claim: None,
            roles: BTreeMap::new(),
            default_role: None,
            provision: false,
            email_claim: "email".into(),
            refresh_every: Duration::from_secs(3600),
            unknown_key_every: Duration::from_secs(10),
        }
    }

    /// Whether it may let people into every tenant there is.
    pub(super) fn serves_all(&self) -> bool {
        self.tenants == ["*"]
    }

    /// Whether it may let people into this tenant.
    pub(super) fn serves(&self, tenant: &str) -> bool {
        self.serves_all() || self.tenants.iter().any(|served| served == tenant)
    }

    /// Checks what has to hold, and gives the algorithms.
    pub(super) fn check(&self) -> Result<Vec<Algorithm>> {
        if !is_issuer(&self.issuer) {
            return Err(self.wrong("issuer", "must be an https:// URL without query, or http:// on a loopback address"));
        }
        if self.audience.is_empty() {
            return Err(self.wrong("audience", "must name what tokens for this server are for"));
        }
        let ids = !self.tenants.is_empty() && self.tenants.iter().all(|id| id.parse::<Uuid>().is_ok());
        if !ids && !self.serves_all() {
            let rule = "must be the ids of the tenants that the issuer may let people into, or \"*\" alone for all";
            return Err(self.wrong("tenants", rule));
        }
        if self.tenant_claim.is_none() && (self.tenants.len() > 1 || self.serves_all()) {
            return Err(self.wrong("tenant_claim", "has to be set when there are several tenants"));
        }
        if self.role_claim.is_some() && self.roles.is_empty() {
            return Err(self.wrong("roles", "has to say what the values of role_claim mean"));
        }
        if self.role_claim.is_none() && !self.roles.is_empty() {
            return Err(self.wrong("role_claim", "has to be set when there are roles"));
        }
        if self.provision && self.role_claim.is_none() && self.default_role.is_none() {
            return Err(self.wrong("default_role", "has to be set for provision, or role_claim and roles"));
        }
        if self.algorithms.is_empty() {
            return Err(self.wrong("algorithms", "must name at least one"));
        }
        self.algorithms.iter().map(|name| self.algorithm(name)).collect()
    }

    pub(super) fn wrong(&self, key: &str, rule: &str) -> Error {
        Error::Config(format!("oidc.{}.{key}: {rule}", self.name))
    }

    fn algorithm(&self, name: &str) -> Result<Algorithm> {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        // None that signs with a secret: whoever can check such a token can make one.
        let known = [ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512];
        let found = known.into_iter().find(|algorithm| format!("{algorithm:?}") == name);
        found.ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|algorithm| format!("{algorithm:?}")).collect();
            self.wrong("algorithms", &format!("must be of {}, not {name:?}", names.join(", ")))
        })
    }
}

/// Whether a URL is one from which keys may be fetched: nobody on the way can change them.
pub(super) fn is_safe(url: &reqwest::Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether a URL is on this machine.
pub(super) fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn is_issuer(text: &str) -> bool {
    let plain = |url: &reqwest::Url| url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    text.parse().is_ok_and(|url: reqwest::Url| is_safe(&url) && plain(&url))
}
