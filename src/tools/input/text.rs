//! Text with a length, email addresses, and what names a record.

use crate::store::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::ops::Deref;

/// Text of at least 1 and at most `MAX` characters, without white space around it and without
/// control characters other than line breaks and tabs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize>(String);

/// An email address, as far as it can be told without writing to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// What names a record, a user or a session. Whatever is no id names nothing, and so gets the same
/// answer as an id of nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl<const MAX: usize> Text<MAX> {
    /// Checks a text.
    ///
    /// # Errors
    /// Says which rule it breaks.
    pub fn new(text: &str) -> Result<Self, String> {
        // As many as came are counted: so says the schema.
        if text.chars().nth(MAX).is_some() {
            return Err(format!("must have at most {MAX} characters"));
        }
        let text = text.trim();
        match text {
            "" => Err("must not be empty".into()),
            _ if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) => {
                Err("must not hold control characters".into())
            }
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl Email {
    /// Checks an address.
    ///
    /// # Errors
    /// Says what an address looks like.
    pub fn new(text: &str) -> Result<Self, String> {
        let short = text.chars().nth(254).is_none();
        let text = text.trim();
        let plain = short && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let (local, domain) = text.rsplit_once('@').unwrap_or_default();
        let dotted = domain.split('.').count() >= 2 && domain.split('.').all(|label| !label.is_empty());
        if plain && !local.is_empty() && !local.contains('@') && dotted {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be an email address such as ada@example.com, of at most 254 characters".into())
        }
    }

    /// What the address is compared by.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl Key {
    /// The text to look up. Ids are lower case; nothing that is longer than an id can be one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! as_string {
    ($type:ty $(, const $n:ident)?) => {
        impl$(<const $n: usize>)? Deref for $type {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl$(<const $n: usize>)? From<$type> for String {
            fn from(text: $type) -> Self {
                text.0
            }
        }

        impl$(<const $n: usize>)? Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl$(<const $n: usize>)? From<&$type> for Value {
            fn from(text: &$type) -> Self {
                Self::Text(text.0.clone())
            }
        }
    };
}

as_string!(Text<MAX>, const MAX);
as_string!(Email);
as_string!(Key);

fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer)
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&string(deserializer)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&string(deserializer)?).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = string(deserializer)?;
        text.truncate(text.char_indices().nth(64).map_or(text.len(), |(at, _)| at));
        text.make_ascii_lowercase();
        Ok(Self(text))
    }
}

impl<const MAX: usize> JsonSchema for Text<MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Text{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX })
    }
}

impl JsonSchema for Email {
    fn schema_name() -> Cow<'static, str> {
        "Email".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "email", "maxLength": 254 })
    }
}

impl JsonSchema for Key {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid" })
    }
}
