//! What a sign-in needs of a gateway: its own tools, called by name.

use super::wrong;
use crate::auth::Token;
use crate::client::{CallError, Gateway, Profile, ToolResult};
use crate::error::Result;
use serde_json::{Value, json};
use zeroize::{Zeroize as _, Zeroizing};

/// Who is signed in.
pub(super) struct Identity {
    pub(super) email: String,
    pub(super) tenant: String,
    pub(super) tenant_id: String,
    pub(super) role: String,
    pub(super) proof: Option<String>,
    pub(super) until: Option<String>,
}

/// A key that stands for them.
pub(super) struct NewKey {
    pub(super) role: String,
    /// Its id, if we made it.
    pub(super) id: Option<String>,
    pub(super) expires_at: Option<String>,
    pub(super) token: Token,
}

impl Identity {
    /// Whether a profile is theirs, in this tenant.
    pub(super) fn is_in(&self, profile: &Profile) -> bool {
        self.tenant_id == profile.tenant_id && self.email.eq_ignore_ascii_case(&profile.email)
    }

    fn read(value: &Value) -> Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let read = || {
            Some(Self {
                email: text(&value["user"]["email"])?,
                tenant: text(&value["tenant"]["name"])?,
                tenant_id: text(&value["tenant"]["id"])?,
                role: text(&value["role"])?,
                proof: text(&value["proof"]),
                until: text(&value["until"]),
            })
        };
        read().ok_or_else(|| wrong("the gateway does not say who is signed in, as Sessile does"))
    }
}

/// Signs in, and goes over to the tenant that is wanted.
pub(super) async fn sign_in(
    gateway: &mut Gateway,
    email: &str,
    password: &str,
    tenant: Option<&str>,
) -> Result<Identity> {
    // By hand, so that nothing else has a copy of the password.
    let (email, mut quoted) =
        (json!(email), serde_json::to_string(password).map_err(|error| wrong(error.to_string()))?);
    let arguments = Zeroizing::new(format!(r#"{{"email":{email},"password":{quoted}}}"#));
    quoted.zeroize();
    let identity = told(gateway.call_tool("auth_sign_in", &arguments).await)?;
    let is_it =
        |tenant: &str| [&identity["tenant"]["id"], &identity["tenant"]["name"]].into_iter().any(|it| it == tenant);
    match tenant.filter(|tenant| !is_it(tenant)) {
        None => Identity::read(&identity),
        Some(tenant) => {
            let to = json!({ "to": tenant }).to_string();
            Identity::read(&told(gateway.call_tool("tenant_switch", &to).await)?)
        }
    }
}

/// Who is signed in, if anybody is.
pub(super) async fn whoami(gateway: &mut Gateway) -> Result<Option<Identity>> {
    let whoami = told(gateway.call_tool("auth_whoami", "{}").await)?;
    if whoami["signed_in"] == false { Ok(None) } else { Identity::read(&whoami).map(Some) }
}

/// Makes a key of whoever is signed in.
pub(super) async fn create(gateway: &mut Gateway, role: &str, days: u16) -> Result<NewKey> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name: String = format!("sessile login on {host}").chars().take(100).collect();
    let arguments = json!({ "name": name, "role": role, "expires_in_days": days }).to_string();
    let mut made = told(gateway.call_tool("auth_create_api_key", &arguments).await)
        .map_err(|why| wrong(format!("the sign-in is good, and yet there is no key to keep: {why}")))?;
    let Value::String(key) = made["key"].take() else { return Err(wrong("the gateway has made no key")) };
    let key = Zeroizing::new(key);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Ok(NewKey {
        role: text(&made["role"]).unwrap_or_else(|| role.to_owned()),
        id: text(&made["id"]),
        expires_at: text(&made["expires_at"]),
        token: Token::new(&key)?,
    })
}

/// Takes a key back. One that is good no more counts as taken back.
pub(super) async fn revoke(gateway: &mut Gateway, id: &str) -> Result<()> {
    let arguments = json!({ "key_id": id }).to_string();
    match gateway.call_tool("auth_revoke_api_key", &arguments).await {
        Ok(result) if result.code.as_deref() == Some("not_found") => Ok(()),
        // A connection that the key opened ends with it, perhaps before the answer is here.
        Err(CallError::Closed(closed)) if closed.code >= 4000 => Ok(()),
        other => told(other).map(drop),
    }
}

/// What a tool has for programs, or why it has nothing, for whoever signs in.
fn told(answer: Result<ToolResult, CallError>) -> Result<Value> {
    match answer {
        Ok(result) if result.failed => Err(wrong(result.text)),
        Ok(result) => Ok(result.value()),
        Err(CallError::Error(error)) if error.contains("-32602") || error.contains("-32601") => {
            Err(wrong("the gateway has no such sign-in of its own; give a key that it takes with --api-key-stdin"))
        }
        Err(error) => Err(wrong(error)),
    }
}
