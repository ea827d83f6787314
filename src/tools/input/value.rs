//! Amounts, currencies, dates, times, page sizes, and changes to a field.

use crate::store::Value;
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// An exact amount of money, from 0 to 999,999,999,999.9999, with up to four decimals. Kept as
/// whole ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(i64);

impl Amount {
    /// Decimals that are kept.
    const SCALE: u32 = 4;
    /// The largest amount, in ten-thousandths.
    const MAX: i64 = 9_999_999_999_999_999;

    /// Reads a decimal.
    ///
    /// # Errors
    /// Says what an amount looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            r#"must be a decimal such as "12500.00", from 0 to 999999999999.9999, with at most 4 decimals"#.to_owned()
        };
        let plain =
            text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.starts_with(|c: char| c.is_ascii_digit());
        let decimal = Decimal::from_str_exact(text).ok().filter(|_| plain).ok_or_else(wrong)?.normalize();
        if decimal.scale() > Self::SCALE {
            return Err(wrong());
        }
        let units = decimal.mantissa() * 10i128.pow(Self::SCALE - decimal.scale());
        i64::try_from(units).ok().filter(|units| *units <= Self::MAX).map(Self).ok_or_else(wrong)
    }

    /// An amount of this many ten-thousandths.
    #[must_use]
    pub fn stored(units: i64) -> Self {
        Self(units)
    }

    /// This many ten-thousandths as a decimal: at least two decimals, no more than needed.
    #[must_use]
    pub fn text(units: i128) -> String {
        let decimal = Decimal::from_i128_with_scale(units, Self::SCALE).normalize();
        if decimal.scale() < 2 { format!("{decimal:.2}") } else { decimal.to_string() }
    }

    /// In ten-thousandths.
    #[must_use]
    pub fn units(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&Self::text(self.0.into()))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

/// Reads text, and numbers as far as they come through exactly.
struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(r#"a decimal such as "12500.00""#)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
        Amount::parse(text).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Amount, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Amount, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Amount, E> {
        let shortest = number.to_string();
        if shortest.bytes().filter(u8::is_ascii_digit).count() > 15 {
            return Err(E::custom("a number of more than 15 digits is not exact: give the amount as a string"));
        }
        self.visit_str(&shortest)
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"], "pattern": r"^\d{1,12}(\.\d{1,4})?$", "minimum": 0 })
    }
}

/// Text of a fixed form: checked on the way in, plain text from then on.
macro_rules! formed {
    ($(#[$doc:meta])* $name:ident, $check:expr, $rule:literal, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
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

/// A point in time, as RFC 3339, kept in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(i64);

impl Time {
    /// In milliseconds since 1970.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<jiff::Timestamp>()
            .map(|at| Self(at.as_millisecond()))
            .map_err(|_| D::Error::custom("must be a time with a zone, as in 2026-01-31T09:30:00Z"))
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// How many entries a page may have: 1 to `MAX`, 25 unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<const MAX: usize = 100>(usize);

impl<const MAX: usize> Limit<MAX> {
    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }
}

impl<const MAX: usize> Default for Limit<MAX> {
    fn default() -> Self {
        Self(25.min(MAX))
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Limit<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom(format!("must be a whole number from 1 to {MAX}"));
        let number = u64::deserialize(deserializer).map_err(|_| wrong())?;
        usize::try_from(number).ok().filter(|n| (1..=MAX).contains(n)).map(Self).ok_or_else(wrong)
    }
}

impl<const MAX: usize> JsonSchema for Limit<MAX> {
    fn schema_name() -> Cow<'static, str> {
        format!("Limit{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX, "default": 25.min(MAX) })
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

    /// Whether the field is left as it is.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
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

#[cfg(test)]
mod tests {
    use super::Amount;

    #[test]
    fn amounts_are_exact_and_have_one_spelling() {
        let spelled = |text: &str| Amount::parse(text).map(|amount| amount.to_string());
        for (given, shown) in [
            ("0", "0.00"),
            ("12500", "12500.00"),
            ("12500.5", "12500.50"),
            ("0.0001", "0.0001"),
            ("1.2300", "1.23"),
            ("999999999999.9999", "999999999999.9999"),
        ] {
            assert_eq!(spelled(given).as_deref(), Ok(shown), "{given}");
        }
        for wrong in ["", "-1", "+1", ".5", "1e3", "1,000", "0.00001", "1000000000000", "abc", "1_000", " 1"] {
            assert!(spelled(wrong).is_err(), "{wrong}");
        }
    }
}
