//! Secrets that are set and never read.

use crate::auth::typed;
use crate::error::{Error, Result};
use crate::repository::credential::{self, Credential};
use crate::time;
use crate::tools::{Caller, Reply};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// The longest value, in bytes.
const LONGEST: usize = 16 << 10;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetCredential {
    /// The name by which upstreams refer to it, as in ${credential:NAME}.
    name: CredentialName,
    /// The secret itself.
    value: CredentialValue,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListCredentials {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveCredential {
    /// The credential's name, as in credential_list.
    name: CredentialName,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Set {
    name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Credentials {
    credentials: Vec<Credential>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Removed {
    removed: bool,
}

/// `[A-Za-z0-9_.-]{1,64}`.
#[derive(Debug)]
struct CredentialName(String);

/// What nobody is shown.
struct CredentialValue(Zeroizing<String>);

impl<'de> Deserialize<'de> for CredentialName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
            return Ok(Self(text));
        }
        Err(D::Error::custom("must be 1 to 64 letters, digits, `_`, `.` and `-`"))
    }
}

impl JsonSchema for CredentialName {
    fn schema_name() -> Cow<'static, str> {
        "CredentialName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$" })
    }
}

impl<'de> Deserialize<'de> for CredentialValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = typed(deserializer, "must be a string")?;
        if text.is_empty() || text.len() > LONGEST || text.contains('\0') {
            return Err(D::Error::custom("must be 1 to 16384 bytes of text, none of them zero"));
        }
        Ok(Self(text))
    }
}

impl JsonSchema for CredentialValue {
    fn schema_name() -> Cow<'static, str> {
        "CredentialValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password", "minLength": 1, "maxLength": LONGEST })
    }
}

pub(super) async fn set(caller: Caller, SetCredential { name, value }: SetCredential) -> Result<Reply<Set>> {
    let CredentialName(name) = name;
    credential::set(&caller, &name, &value.0, time::now()).await?;
    let text = format!(
        "The credential {name} is set. Upstreams get it where their definition says ${{credential:{name}}}; it is not shown again."
    );
    Ok(Reply::new(Set { name }, text))
}

pub(super) async fn list(caller: Caller, _: ListCredentials) -> Result<Reply<Credentials>> {
    let credentials = credential::all(&caller).await?;
    let line = |Credential { name, updated_at, updated_by, .. }: &Credential| {
        format!("\n- {name}, set {updated_at} by {updated_by}")
    };
    let lines: String = credentials.iter().map(line).collect();
    let tenant = caller.principal().tenant_name();
    let text = match &*lines {
        "" => format!("{tenant} has no credentials. credential_set sets one."),
        lines => format!("Credentials of {tenant}, whose values nobody is shown:{lines}"),
    };
    Ok(Reply::new(Credentials { credentials }, text))
}

pub(super) async fn remove(caller: Caller, RemoveCredential { name }: RemoveCredential) -> Result<Reply<Removed>> {
    let CredentialName(name) = name;
    if !credential::remove(&caller, &name, time::now()).await? {
        return Err(Error::NotFound(format!(
            "There is no credential {name:?} in this tenant. credential_list lists them."
        )));
    }
    Ok(Reply::new(Removed { removed: true }, format!("The credential {name} is removed.")))
}
