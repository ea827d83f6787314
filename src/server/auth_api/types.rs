//! What travels at the endpoints. Their JSON Schemas are in the OpenAPI document, so they say all of what is
//! checked: lengths, and patterns too.

use crate::auth::{Secret, Token, Tokens, typed};
use crate::tenancy::{Named, Role};
use crate::time::Time;
use crate::tools::input::{Email, Text};
use crate::tools::{TenantChoice, User};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignUp {
    /// The new account's email address.
    #[schemars(schema_with = "email")]
    pub(super) email: Email,
    /// Its password, of 8 to 1,024 characters, counted in Unicode's normalisation form C.
    #[schemars(schema_with = "password")]
    pub(super) password: Secret,
    /// What the new tenant is called, such as a company's name.
    #[schemars(schema_with = "text")]
    pub(super) tenant_name: Text<200>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The account's email address.
    #[schemars(schema_with = "email")]
    pub(super) email: Email,
    /// The account's password.
    #[schemars(schema_with = "password")]
    pub(super) password: Secret,
    /// The code of an invitation to another tenant, to become a member of it and sign in there.
    #[serde(default)]
    #[schemars(schema_with = "optional_text")]
    pub(super) invitation: Option<Text<200>>,
    /// The tenant to sign in to, by its id or its name; the one used last, or the invitation's, unless given.
    #[serde(default)]
    #[schemars(schema_with = "optional_text")]
    pub(super) tenant: Option<Text<200>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refresh {
    /// The newest refresh token of a sign-in. It is good for one use.
    #[schemars(schema_with = "refresh_token")]
    pub(super) refresh_token: RefreshToken,
}

/// What may be a refresh token.
#[derive(Debug)]
pub(crate) struct RefreshToken(Token);

/// Who has signed in, and how to go on.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SignedIn {
    pub(super) user: User,
    pub(super) tenant: Named,
    pub(super) role: Role,
    /// All tenants that one is a member of.
    pub(super) tenants: Vec<TenantChoice>,
    pub(super) tokens: Tokens,
}

/// Whose token it is.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Me {
    pub(super) user: User,
    pub(super) tenant: Named,
    /// The role as it is now, whatever the token says of it.
    pub(super) role: Role,
    /// What the request was proved with.
    #[schemars(extend("enum" = ["access_token", "api_key", "external"]))]
    pub(super) proof: &'static str,
    /// When the sign-in or the key ends by itself, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time")]
    pub(super) until: Option<Time>,
    /// All tenants that one is a member of; left out where the token is good in one tenant alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<TenantChoice>")]
    pub(super) tenants: Option<Vec<TenantChoice>>,
}

/// What went wrong.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(crate) struct ErrorBody<'a> {
    /// A stable word, for programs.
    #[schemars(extend("enum" = [
        "invalid_arguments", "not_signed_in", "invalid_credentials", "invalid_token", "not_allowed", "not_found",
        "method_not_allowed", "timeout", "conflict", "already_exists", "too_large", "unsupported_media_type",
        "too_many_attempts", "limit", "internal", "busy"
    ]))]
    pub(super) error: &'a str,
    /// What was wrong and what to do about it, for people.
    pub(super) message: &'a str,
    /// The same as the header Retry-After.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", range(min = 1))]
    pub(super) retry_after_seconds: Option<u64>,
}

impl RefreshToken {
    const MAX: usize = 200;

    pub(super) fn token(&self) -> &Token {
        &self.0
    }
}

impl<'de> Deserialize<'de> for RefreshToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = "must be a refresh token, as a sign-in or the last refresh gave it";
        let text = typed(deserializer, rule)?;
        if text.len() > Self::MAX {
            return Err(D::Error::custom(rule));
        }
        Token::new(&text).map(Self).map_err(|_| D::Error::custom(rule))
    }
}

/// The characters that are white space, and the control characters, as members of a pattern's class. Patterns
/// are read by many languages, whose `\s` differ.
macro_rules! pattern {
    (@ space) => { r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000" };
    (@ control) => { r"\x00-\x1f\x7f-\x9f" };
    (@ control_in_text) => { r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f" };
    (@ $text:literal) => { $text };
    ($($part:tt)*) => { concat!($(pattern!(@ $part)),*) };
}

/// What [`Email`] takes.
const EMAIL: &str = pattern!(
    "^[" space "]*[^@" space control "]+@[^@." space control "]+(\\.[^@." space control "]+)+[" space "]*$"
);
/// What [`Text`] takes.
const TEXT: &str = pattern!(
    "^[" space "]*[^" space control "]([^" control_in_text "]*[^" space control "])?[" space "]*$"
);

fn email(_: &mut SchemaGenerator) -> Schema {
    // Without a format: addresses that no validator takes for one are let pass, since only mail can tell.
    json_schema!({ "type": "string", "maxLength": 254, "pattern": EMAIL })
}

fn password(_: &mut SchemaGenerator) -> Schema {
    let (least, most) = (Secret::MIN, Secret::MAX);
    json_schema!({ "type": "string", "format": "password", "writeOnly": true, "minLength": least, "maxLength": most })
}

fn text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": TEXT })
}

fn optional_text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "minLength": 1, "maxLength": 200, "pattern": TEXT })
}

fn refresh_token(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "writeOnly": true, "minLength": 1, "maxLength": RefreshToken::MAX, "pattern": "^[!-~]+$"
    })
}
