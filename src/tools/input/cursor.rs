//! Cursors: where the next page of a list starts, as text that means nothing to its holder.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use std::borrow::Cow;

/// The key of the last entry of a page; the next page starts behind it. It grants nothing: a key
/// that somebody made up only ever starts a page of their own tenant's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<K>(pub K);

/// Cuts a list that was read with one entry more than the page has, and makes the cursor of the
/// next page if there is one.
pub(crate) fn cut<T, K: Serialize>(entries: &mut Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Option<String> {
    if entries.len() <= limit {
        return None;
    }
    entries.truncate(limit);
    let json = serde_json::to_vec(&key(entries.last()?)).ok()?;
    Some(URL_SAFE_NO_PAD.encode(json))
}

/// Tells people, and models that read nothing but text, how to get at the next page.
pub(crate) fn more(next_cursor: Option<&str>) -> String {
    next_cursor.map_or_else(String::new, |cursor| format!("\nThere are more: call again with cursor {cursor:?}."))
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Cursor<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("is no cursor of this list; start again without one");
        let text = String::deserialize(deserializer).map_err(|_| wrong())?;
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        serde_json::from_slice(&json).map(Self).map_err(|_| wrong())
    }
}

impl<K> JsonSchema for Cursor<K> {
    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_not_the_last_has_a_cursor_that_reads_back_as_its_last_key() {
        let mut all = vec![(1i64, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())];
        let text = cut(&mut all, 2, Clone::clone).map(serde_json::Value::from);
        let read = text.and_then(|text| serde_json::from_value::<Cursor<(i64, String)>>(text).ok());
        assert_eq!(read, Some(Cursor((2, "b".to_owned()))));
        assert_eq!(all.len(), 2);
        assert_eq!(cut(&mut all, 2, Clone::clone), None, "there is nothing behind the last page");
    }
}
