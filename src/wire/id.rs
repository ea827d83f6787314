//! Request ids, kept as they came.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// The id of a request: a string or a whole number, in the spelling in which it came.
#[derive(Debug, Clone)]
pub struct RequestId(Spelling);

#[derive(Debug, Clone)]
enum Spelling {
    /// A number that is written as we would write it; nearly all ids are one.
    Number(i64),
    /// Any other number.
    OddNumber(Box<str>),
    /// A string, as JSON; and what it says, where it is written with escapes.
    Text { raw: Box<str>, unescaped: Option<Box<str>> },
}

impl RequestId {
    /// Reads an id as MCP allows it: a string or a whole number, not null.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim_ascii();
        if raw.starts_with('"') {
            let unescaped =
                if raw.contains('\\') { Some(serde_json::from_str::<String>(raw).ok()?.into()) } else { None };
            return Some(Self(Spelling::Text { raw: raw.into(), unescaped }));
        }
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let plain = digits == "0" && raw == "0" || !digits.starts_with('0');
        Some(Self(match raw.parse() {
            Ok(number) if plain => Spelling::Number(number),
            _ => Spelling::OddNumber(raw.into()),
        }))
    }

    /// The number that it is, if it is one as we write them.
    #[must_use]
    pub fn as_number(&self) -> Option<i64> {
        match self.0 {
            Spelling::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The id as JSON, as it came.
    #[must_use]
    pub fn as_json(&self) -> Cow<'_, str> {
        match &self.0 {
            Spelling::Number(number) => number.to_string().into(),
            Spelling::OddNumber(raw) | Spelling::Text { raw, .. } => Cow::Borrowed(raw),
        }
    }

    /// Appends the id as JSON, as it came.
    pub fn write_json(&self, buffer: &mut Vec<u8>) {
        match &self.0 {
            Spelling::Number(number) => buffer.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
            Spelling::OddNumber(raw) | Spelling::Text { raw, .. } => buffer.extend_from_slice(raw.as_bytes()),
        }
    }

    /// What identifies it: a string and a number are never the same.
    fn identity(&self) -> (u8, i64, &str) {
        match &self.0 {
            Spelling::Number(number) => (0, *number, ""),
            Spelling::OddNumber(raw) => (1, 0, raw),
            Spelling::Text { raw, unescaped } => (2, 0, unescaped.as_deref().unwrap_or_else(|| raw.trim_matches('"'))),
        }
    }
}

impl PartialEq for RequestId {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for RequestId {}

impl Hash for RequestId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.as_json())
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn ids_are_strings_and_whole_numbers_only() {
        for good in ["0", "-0", "1", "-7", "123456789012345678901234567890", r#""a""#, r#""""#, r#""1""#] {
            assert_eq!(RequestId::parse(good).expect(good).as_json(), good);
        }
        for bad in ["null", "1.5", "1e3", "true", "{}", "[]", "-", ""] {
            assert!(RequestId::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_same_string_in_two_spellings_is_one_id_and_a_number_is_no_string() {
        let id = |raw| RequestId::parse(raw).expect(raw);
        assert_eq!(id(r#""a""#), id(r#""\u0061""#));
        assert_ne!(id(r#""1""#), id("1"));
    }
}
