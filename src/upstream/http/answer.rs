//! Which message on a request's stream is its answer.

use crate::wire::{Text, answered};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Whether a message is the response to the request with this id. It is read up to its result only: an id behind that
/// is taken to be the right one.
pub(super) fn is_answer(text: &str, id: i64) -> bool {
    match answered(text) {
        Some(Some(raw)) => raw == itoa::Buffer::new().format(id),
        Some(None) => true,
        None => false,
    }
}

/// Whether all of a text is an error response to the request with this id.
pub(super) fn is_error(text: &str, id: i64) -> bool {
    let response: Option<ErrorResponse<'_>> = serde_json::from_str(text).ok();
    response.is_some_and(|response| response.id.is_some_and(|raw| raw.get() == itoa::Buffer::new().format(id)))
}

/// Whether a text is an error about the session as a whole. Not every upstream has a status for that, and some say it
/// in words only, to no request in particular.
pub(super) fn is_about_session(text: &str) -> bool {
    let response: Option<ErrorResponse<'_>> = serde_json::from_str(text).ok();
    response.is_some_and(|ErrorResponse { error, .. }| {
        [-32000, -32001, -32600].contains(&error.code) && error.message.to_ascii_lowercase().contains("session")
    })
}

#[derive(Deserialize)]
struct ErrorResponse<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    error: ErrorObject<'a>,
}

#[derive(Deserialize)]
struct ErrorObject<'a> {
    code: i64,
    #[serde(borrow)]
    message: Text<'a>,
}

#[cfg(test)]
mod tests {
    use super::{is_about_session, is_answer, is_error};

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
    fn only_a_whole_error_response_to_the_request_is_one() {
        let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no \"x\""}}"#;
        assert!(is_error(error, 7) && !is_error(error, 8) && !is_about_session(error));
        for other in [r#"{"id":null,"error":{"code":1,"message":""}}"#, r#"{"id":7,"result":{}}"#, "", r#"{"id":7"#] {
            assert!(!is_error(other, 7), "{other}");
        }
    }

    #[test]
    fn that_a_session_is_not_known_is_said_in_several_ways() {
        for (id, code, message, expected) in [
            ("", -32000, "Bad Request: No valid session ID provided", true),
            (r#""id":null,"#, -32001, "Session not found", true),
            (r#""id":"server-error","#, -32600, "Invalid or missing session", true),
            (r#""id":7,"#, -32000, "unknown session", true),
            ("", -32602, "session is no such argument", false),
            ("", -32000, "Bad Request", false),
        ] {
            let text = format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":{code},"message":"{message}"}}}}"#);
            assert_eq!(is_about_session(&text), expected, "{text}");
        }
    }
}
