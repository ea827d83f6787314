//! Which message on a request's stream is its answer.

use crate::wire::Text;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Whether a message is the response to the request with this id. It is read up to its result only: an id behind that
/// is taken to be the right one.
pub(super) fn is_answer(text: &str, id: i64) -> bool {
    let mut seen = Seen { id, other: false, response: false };
    // The rest is not read, so there is an error as a rule.
    let _ = (&mut seen).deserialize(&mut serde_json::Deserializer::from_str(text));
    seen.response && !seen.other
}

/// Whether all of a text is an error response to the request with this id; its message, then.
pub(super) fn error_message(text: &str, id: i64) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Response<'a> {
        id: i64,
        #[serde(borrow)]
        error: Error<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Error<'a> {
        #[serde(rename = "code")]
        _code: i64,
        #[serde(borrow)]
        message: Cow<'a, str>,
    }
    let response: Response<'_> = serde_json::from_str(text).ok()?;
    (response.id == id).then_some(response.error.message)
}

struct Seen {
    id: i64,
    /// There is the id of another request.
    other: bool,
    response: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Seen {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Seen {
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
                "id" => {
                    let id = members.next_value::<&RawValue>()?.get();
                    self.other = id != itoa::Buffer::new().format(self.id);
                }
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
    use super::{error_message, is_answer};

    #[test]
    fn responses_are_answers_and_requests_and_notifications_are_none() {
        for answer in [
            r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
            r#"{"id": 7, "error": {}}"#,
            r#"{"result":{"method":"x"},"jsonrpc":"2.0","id":7}"#,
            r#" { "_x" : [ { "id" : 8 } ] , "id" : 7 , "result" : 1 }"#,
        ] {
            assert!(is_answer(answer, 7), "{answer}");
        }
        for other in [
            r#"{"jsonrpc":"2.0","id":8,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":"7","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#,
            r#"{"params":{"result":1},"method":"notifications/progress"}"#,
            r#"[{"id":7,"result":{}}]"#,
            "garbage",
            "",
        ] {
            assert!(!is_answer(other, 7), "{other}");
        }
    }

    #[test]
    fn only_a_whole_error_response_to_the_request_says_something() {
        let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no \"x\""}}"#;
        assert_eq!(error_message(error, 7).as_deref(), Some(r#"no "x""#));
        assert_eq!(error_message(error, 8), None);
        for other in [r#"{"id":null,"error":{"code":1,"message":""}}"#, r#"{"id":7,"result":{}}"#, "", r#"{"id":7"#] {
            assert_eq!(error_message(other, 7), None, "{other}");
        }
    }
}
