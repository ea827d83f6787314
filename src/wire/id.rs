//! Request ids, kept as they came.

use std::hash::{Hash, Hasher};

/// The id of a request: a string or a whole number, in the spelling in which it came.
#[derive(Debug, Clone)]
pub struct RequestId {
    raw: Box<str>,
    /// The string behind `raw`, where it is written with escapes.
    unescaped: Option<Box<str>>,
}

impl RequestId {
    /// Reads an id as MCP allows it: a string or a whole number, not null.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim_ascii();
        if raw.starts_with('"') {
            let unescaped =
                if raw.contains('\\') { Some(serde_json::from_str::<String>(raw).ok()?.into()) } else { None };
            return Some(Self { raw: raw.into(), unescaped });
        }
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        whole.then(|| Self { raw: raw.into(), unescaped: None })
    }

    /// The id as JSON, as it came.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.raw
    }

    /// What identifies it: a string and a number are never the same.
    fn identity(&self) -> (bool, &str) {
        if !self.raw.starts_with('"') {
            return (false, &self.raw);
        }
        (true, self.unescaped.as_deref().unwrap_or_else(|| self.raw.trim_matches('"')))
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
        f.write_str(&self.raw)
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn ids_are_strings_and_whole_numbers_only() {
        for good in ["1", "-7", "123456789012345678901234567890", r#""a""#, r#""""#, r#""1""#] {
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
