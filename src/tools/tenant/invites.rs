//! Invitations, as whoever makes them sees them.

use crate::auth::{hash_code, new_code};
use crate::error::{Error, Result};
use crate::repository::invite;
use crate::tenancy::Role;
use crate::time;
use crate::tools::{Caller, Reply};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What every code starts with, so that people and secret scanners know one.
const PREFIX: &str = "sessile_invite_";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invite {
    /// The role that the invited person gets; member unless told.
    #[serde(default = "member")]
    role: Role,
    /// For how many hours the code is good.
    #[serde(default)]
    expires_in_hours: Hours,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Invited {
    /// What the invited person passes to tenant_join.
    code: String,
    role: Role,
    expires_at: String,
}

/// From an hour to 30 days; 72 hours unless told.
#[derive(Debug, Clone, Copy)]
struct Hours(i64);

impl Hours {
    const MAX: i64 = 720;

    fn milliseconds(self) -> i64 {
        self.0 * 3_600_000
    }
}

impl Default for Hours {
    fn default() -> Self {
        Self(72)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hours = i64::deserialize(deserializer).ok().filter(|hours| (1..=Self::MAX).contains(hours));
        hours.map(Self).ok_or_else(|| D::Error::custom(format!("must be a whole number from 1 to {}", Self::MAX)))
    }
}

impl JsonSchema for Hours {
    fn schema_name() -> Cow<'static, str> {
        "Hours".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MAX, "default": Self::default().0 })
    }
}

fn member() -> Role {
    Role::Member
}

pub(super) async fn create(caller: Caller, Invite { role, expires_in_hours }: Invite) -> Result<Reply<Invited>> {
    if role > caller.principal().role() {
        return Err(Error::NotAllowed(format!(
            "Only an owner can invite an owner, and you are {}.",
            caller.principal().role().with_article()
        )));
    }
    let (code, now) = (new_code(PREFIX), time::now());
    let expires_at = now + expires_in_hours.milliseconds();
    invite::create(&caller, &hash_code(&code), role, expires_at, now).await?;
    let expires_at = time::text(expires_at);
    let text = format!(
        "Whoever signs in and calls tenant_join with the code {code} becomes {} of {}. It works once, until {expires_at}.",
        role.with_article(),
        caller.principal().tenant_name()
    );
    Ok(Reply::new(Invited { code, role, expires_at }, text))
}
