//! Currencies, dates, page sizes, and changes to a field.

use crate::store::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error as _};
use std::borrow::Cow;

/// Text of a fixed form: checked on the way in, plain text from then on.
macro_rules! formed {
    ($(#[$doc:meta])* $name:ident, $check:expr, $rule:literal, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        pub struct $name(String);

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(formed: $name) -> Self {
                formed.0
            }
        }

        impl From<&$name> for Value {
            fn from(formed: &$name) -> Self {
                Self::Text(formed.0.clone())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(D::Error::custom($rule)) }
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

formed!(
    /// A currency by its ISO 4217 code. The form alone is checked: the list changes.
    Currency,
    |text| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()),
    "must be an ISO 4217 code such as EUR",
    { "type": "string", "pattern": "^[A-Z]{3}$" }
);

formed!(
    /// A day, as YYYY-MM-DD.
    Date,
    |text| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
    "must be a date as YYYY-MM-DD",
    { "type": "string", "format": "date" }
);

formed!(
    /// What a caller names a call by, to repeat it and not have it done twice.
    IdempotencyKey,
    |text| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()),
    "must be 1 to 128 visible ASCII characters, without spaces",
    {
        "type": "string",
        "minLength": 1,
        "maxLength": 128,
        "pattern": "^[!-~]+$",
        "description": "Makes this call safe to repeat: make up a key for each thing to add, such as a UUID, and if no \
                        answer comes, call again with the same key and arguments; it is added once, and the answer \
                        has repeated: true. Kept for 24 hours."
    }
);

/// How many entries a page may have: 1 to `MAX`, `USUAL` unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<const MAX: usize = 100, const USUAL: usize = 25>(usize);

impl<const MAX: usize, const USUAL: usize> Limit<MAX, USUAL> {
    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }
}

impl<const MAX: usize, const USUAL: usize> Default for Limit<MAX, USUAL> {
    fn default() -> Self {
        Self(USUAL.min(MAX))
    }
}

impl<'de, const MAX: usize, const USUAL: usize> Deserialize<'de> for Limit<MAX, USUAL> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom(format!("must be a whole number from 1 to {MAX}"));
        let number = u64::deserialize(deserializer).map_err(|_| wrong())?;
        usize::try_from(number).ok().filter(|n| (1..=MAX).contains(n)).map(Self).ok_or_else(wrong)
    }
}

impl<const MAX: usize, const USUAL: usize> JsonSchema for Limit<MAX, USUAL> {
    fn schema_name() -> Cow<'static, str> {
        format!("Limit{MAX}Or{USUAL}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX, "default": USUAL.min(MAX) })
    }
}

/// A change to a field that may be empty: absent leaves it, `null` empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Empty it.
    Clear,
    /// Put this in.
    Set(T),
}

impl<T> Patch<T> {
    /// What the field holds afterwards, if it holds `current` now.
    pub fn apply<U: From<T>>(self, current: Option<U>) -> Option<U> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::Set(value) => Some(value.into()),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Patch<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Patch{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Option::<T>::json_schema(generator)
    }
}

/// A change to a field that is never empty: absent leaves it, `null` is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given<T>(Option<T>);

impl<T> Given<T> {
    /// Changes the field.
    pub fn set<U: From<T>>(self, field: &mut U) {
        if let Some(value) = self.0 {
            *field = value.into();
        }
    }

    /// Whether the field is to hold something else.
    #[must_use]
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }
}

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

impl<T: JsonSchema> JsonSchema for Given<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
