//! A message on its way through: only its id is changed.

use super::envelope::{Envelope, Text};
use super::id::RequestId;
use serde_json::value::RawValue;
use std::ops::Range;

/// A message of a peer's, as far as it has to be read to be passed on.
#[derive(Debug)]
pub struct Passing<'a> {
    /// Its method, if it is a request or a notification.
    pub method: Option<Text<'a>>,
    /// Its parameters.
    pub params: Option<&'a str>,
    /// Its id.
    pub id: Option<RequestId>,
    /// What it answers, if it is a response.
    pub response: Option<Response>,
}

/// Where in a response is what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The id.
    pub id: Range<usize>,
    /// The result or the error.
    pub payload: Range<usize>,
    /// Whether it is an error.
    pub is_error: bool,
}

impl<'a> Passing<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &'a str) -> Result<Self, String> {
        // serde would also take an array, as the members in their order.
        if !text.trim_ascii_start().starts_with('{') {
            return Err("it is no object".into());
        }
        let members: Envelope<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if members.jsonrpc.as_deref() != Some("2.0") {
            return Err(r#""jsonrpc" is not "2.0""#.into());
        }
        let at = |raw: &RawValue| {
            let start = raw.get().as_ptr().addr() - text.as_ptr().addr();
            start..start + raw.get().len()
        };
        let id = members.id.and_then(|raw| RequestId::parse(raw.get()));
        let response = match (&members.method, members.id, members.result, members.error) {
            (Some(_), ..) => None,
            (None, Some(id), _, Some(error)) => Some(Response { id: at(id), payload: at(error), is_error: true }),
            (None, Some(id), Some(result), None) => Some(Response { id: at(id), payload: at(result), is_error: false }),
            _ => return Err("it is neither a request nor an answer to one".into()),
        };
        if members.method.is_some() && members.id.is_some() && id.is_none() {
            return Err("its id is neither a string nor a whole number".into());
        }
        let params = members.params.map(RawValue::get).filter(|params| params.starts_with('{'));
        Ok(Self { method: members.method, params, id, response })
    }
}

#[cfg(test)]
mod tests {
    use super::Passing;

    #[test]
    fn a_response_says_where_its_parts_are() {
        let text = r#" {"x":1, "result" : {"a":[1.0]}, "id": 17 , "jsonrpc":"2.0"}"#;
        let passing = Passing::read(text).expect("it is a response");
        let response = passing.response.expect("it is a response");
        assert_eq!((&text[response.id], &text[response.payload], response.is_error), ("17", r#"{"a":[1.0]}"#, false));
        assert_eq!(passing.id.and_then(|id| id.as_number()), Some(17));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#,
            r#"["2.0",1]"#,
        ] {
            assert!(Passing::read(text).is_err(), "{text}");
        }
    }
}
