//! Points in time: milliseconds since 1970 in the store, RFC 3339 in UTC outside.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A time as RFC 3339 text in UTC, to the millisecond.
pub(crate) fn text(milliseconds: i64) -> String {
    // Straight into the text: nearly every answer has a time or two.
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let mut text = String::with_capacity(24);
    match Timestamp::from_millisecond(milliseconds).map(|at| PRINTER.print_timestamp(&at, &mut text)) {
        Ok(Ok(())) => text,
        _ => milliseconds.to_string(),
    }
}

/// A point in time: RFC 3339 outside, kept in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(i64);

impl Time {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self(now())
    }

    /// This many milliseconds after 1970 began.
    #[must_use]
    pub fn stored(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// When a day begins, in UTC.
    #[must_use]
    pub fn start_of(day: Date) -> Self {
        let timestamp = day.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp());
        Self(timestamp.as_millisecond())
    }

    /// To the minute, for people.
    pub(crate) fn minute(self) -> String {
        let timestamp = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        timestamp.strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// The day it is on, in UTC.
    #[must_use]
    pub fn date(self) -> Date {
        let timestamp = Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH);
        timestamp.to_zoned(TimeZone::UTC).date()
    }

    /// In milliseconds since 1970.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&text(self.0))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<Timestamp>()
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
