//! API keys, as those who hold them see them.

use crate::auth::{hash_code, new_api_key};
use crate::error::{Error, Result};
use crate::repository::api_key::{self, ApiKey};
use crate::tenancy::{Proof, Role};
use crate::time;
use crate::tools::input::{Cursor, Key, Limit, Text, cut, more};
use crate::tools::{Caller, Reply};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateKey {
    /// What the key is for, to know it by later.
    name: Text<100>,
    /// The most that the key may do, up to one's own role; member, or one's own role if that is lower,
    /// unless told.
    #[serde(default)]
    role: Option<Role>,
    /// For how many days the key is good; until it is revoked unless told.
    #[serde(default)]
    expires_in_days: Option<Days>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListKeys {
    /// List the keys of all members; for admins.
    #[serde(default)]
    all: bool,
    /// How many keys a page has at the most.
    #[serde(default)]
    limit: Limit,
    /// The next_cursor of the page before.
    #[serde(default)]
    cursor: Option<Cursor<Uuid>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeKey {
    /// The key's id, as in auth_api_keys.
    key_id: Key,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Created {
    id: Uuid,
    name: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// The key itself, which is shown this once.
    key: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Keys {
    keys: Vec<ApiKey>,
    /// There are older ones: pass this as cursor to get them.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Revoked {
    revoked: bool,
}

/// From a day to ten years.
#[derive(Debug, Clone, Copy)]
struct Days(i64);

impl Days {
    const MAX: i64 = 3660;

    fn milliseconds(self) -> i64 {
        self.0 * 86_400_000
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = i64::deserialize(deserializer).ok().filter(|days| (1..=Self::MAX).contains(days));
        days.map(Self).ok_or_else(|| D::Error::custom(format!("must be a whole number from 1 to {}", Self::MAX)))
    }
}

impl JsonSchema for Days {
    fn schema_name() -> Cow<'static, str> {
        "Days".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MAX })
    }
}

pub(super) async fn create(caller: Caller, call: CreateKey) -> Result<Reply<Created>> {
    let CreateKey { name, role, expires_in_days } = call;
    let principal = caller.principal();
    if matches!(principal.proof(), Proof::ApiKey { .. }) {
        return Err(Error::NotAllowed("An API key does not make further keys. Sign in otherwise to make one.".into()));
    }
    let role = role.unwrap_or(Role::Member.min(principal.role()));
    if role > principal.role() {
        return Err(Error::NotAllowed(format!(
            "A key may do at most what you may, and you are {}.",
            principal.role().with_article()
        )));
    }
    let (key, now) = (new_api_key(), time::now());
    let expires_at = expires_in_days.map(|days| now + days.milliseconds());
    let id = api_key::create(&caller, (&name, &hash_code(&key)), role, expires_at, now).await?;
    let expires_at = expires_at.map(time::text);
    let until = expires_at.as_deref().unwrap_or("it is revoked");
    let text = format!(
        "The API key {key} acts as you, as {} of {}, until {until}. Keep it now: it is not shown again. Whoever has it can use it; if it gets lost, revoke it with auth_revoke_api_key ({id}).",
        role.with_article(),
        principal.tenant_name()
    );
    Ok(Reply::new(Created { id, name: name.into(), role, expires_at, key }, text))
}

pub(super) async fn list(caller: Caller, ListKeys { all, limit, cursor }: ListKeys) -> Result<Reply<Keys>> {
    if all && caller.principal().role() < Role::Admin {
        return Err(Error::NotAllowed("Only admins and owners see the keys of others.".into()));
    }
    let mut keys = api_key::page(&caller, all, cursor.map(|Cursor(id)| id), limit.get() + 1).await?;
    let next_cursor = cut(&mut keys, limit.get(), |key| key.id);
    let lines: String = keys.iter().map(line).collect();
    let more = more(next_cursor.as_deref());
    let text = format!("API keys in {}:{lines}{more}", caller.principal().tenant_name());
    Ok(Reply::new(Keys { keys, next_cursor }, text))
}

pub(super) async fn revoke(caller: Caller, RevokeKey { key_id }: RevokeKey) -> Result<Reply<Revoked>> {
    let principal = caller.principal();
    let found = api_key::find(&caller, key_id.as_str()).await?;
    let own = |key: &ApiKey| key.user_id == principal.user().uuid() || principal.role() >= Role::Admin;
    let Some(key) = found.filter(own) else {
        let id = key_id.as_str();
        return Err(Error::NotFound(format!(
            "There is no API key {id:?} that you could revoke. auth_api_keys lists them."
        )));
    };
    if matches!(principal.proof(), Proof::ApiKey { id, .. } if *id != key.id) {
        return Err(Error::NotAllowed(
            "An API key can revoke itself alone. Sign in otherwise to revoke others.".into(),
        ));
    }
    api_key::revoke(&caller, &key, time::now()).await?;
    let text = format!("The API key {:?} of {} works no more.", key.name, key.email);
    Ok(Reply::new(Revoked { revoked: true }, text))
}

fn line(key: &ApiKey) -> String {
    let ApiKey { id, name, email, role, created_at, expires_at, last_used_at, .. } = key;
    let until = expires_at.as_ref().map(|at| format!(", until {at}")).unwrap_or_default();
    let used = last_used_at.as_ref().map_or_else(|| ", never used".to_owned(), |at| format!(", last used {at}"));
    format!("\n- {name:?} of {email}, as {role}, since {created_at}{until}{used} (key_id {id})")
}
