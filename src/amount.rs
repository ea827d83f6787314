//! Amounts of money: whole ten-thousandths in the store, decimals outside.

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
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
