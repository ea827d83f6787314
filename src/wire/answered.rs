//! Which request a message answers, without reading the answer.

use super::envelope::Text;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The id, as JSON, of the request that a message answers; none for what is no response. A message is read up to its
/// result or error only, and an id behind that is not seen.
#[must_use]
pub fn answered(text: &str) -> Option<Option<&str>> {
    let mut seen = Seen { id: None, response: false };
    // The rest is not read, so there is an error as a rule.
    let _ = (&mut seen).deserialize(&mut serde_json::Deserializer::from_str(text));
    seen.response.then_some(seen.id)
}

struct Seen<'de> {
    id: Option<&'de str>,
    response: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Seen<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Seen<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<(), M::Error> {
        while let Some(name) = members.next_key::<Text<'de>>()? {
            match &*name {
                "result" | "error" => {
                    self.response = true;
                    return Ok(());
                }
                "method" => return Ok(()),
                "id" => self.id = Some(members.next_value::<&RawValue>()?.get()),
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::answered;

    #[test]
    fn an_answer_is_read_up_to_where_it_begins() {
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, Some(Some("7"))),
            (r#"{"id": "a" , "error": and so on"#, Some(Some(r#""a""#))),
            (r#"{"result":{"method":"x"},"id":7}"#, Some(None)),
            (r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#, None),
            (r#"{"params":{"result":1},"method":"a"}"#, None),
            (r#"[{"id":7,"result":{}}]"#, None),
            ("garbage", None),
        ] {
            assert_eq!(answered(text), expected, "{text}");
        }
    }
}
