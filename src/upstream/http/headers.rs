//! The headers of MCP over HTTP, in both eras.

use crate::upstream::Purpose;
use crate::wire::{MODERN, Meta};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;

pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
pub(super) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAMETER: &str = "mcp-param-";

/// Whether a revision has no sessions, and headers that repeat what a message says.
pub(super) fn is_modern(version: &str) -> bool {
    version >= MODERN
}

/// The revision that a message itself says it is in.
pub(super) fn version_of(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        params: Params<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Params<'a> {
        #[serde(borrow, rename = "_meta")]
        meta: Meta<'a>,
    }
    let message: Message<'_> = serde_json::from_str(text).ok()?;
    message.params.meta.protocol_version.map(|version| version.to_string())
}

/// Adds what repeats a message of the modern era.
pub(super) fn repeat(purpose: &Purpose, headers: &mut HeaderMap) {
    let (method, name, repeated) = match purpose {
        Purpose::Request { method, name, repeated, .. } => (method, name.as_deref(), &repeated[..]),
        Purpose::Notification { method } => (method, None, &[][..]),
        Purpose::Response => return,
    };
    headers.insert(METHOD, value(method));
    if let Some(name) = name {
        headers.insert(NAME, value(name));
    }
    for (name, text) in repeated {
        // What an upstream calls them is never to become another header than one of these.
        let mut name = name.to_ascii_lowercase();
        if !name.starts_with(PARAMETER) {
            name.insert_str(0, PARAMETER);
        }
        if let Ok(name) = HeaderName::try_from(name) {
            headers.insert(name, value(text));
        }
    }
}

/// A value as it may be in a header: as it is, or else in base64.
fn value(text: &str) -> HeaderValue {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
        && text.trim_ascii().len() == text.len()
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let text = if plain { Cow::Borrowed(text) } else { format!("=?base64?{}?=", STANDARD.encode(text)).into() };
    HeaderValue::from_str(&text).expect("it has visible characters, spaces and tabs only")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_coded_as_the_specification_shows() {
        for (text, expected) in [
            ("us-west1", "us-west1"),
            ("a b\tc", "a b\tc"),
            ("", ""),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("\u{7f}", "=?base64?fw==?="),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn arguments_become_parameter_headers_and_no_others() {
        let repeated = [("Mcp-Param-Region", "eu"), ("Authorization", "x"), ("bad name", "y")];
        let repeated = repeated.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let method = "tools/call".to_owned();
        let mut headers = HeaderMap::new();
        repeat(&Purpose::Request { id: 1, method, name: Some("t\u{e4}".to_owned()), repeated }, &mut headers);
        let mut all: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect();
        all.sort();
        let expected = [
            "mcp-method: tools/call",
            "mcp-name: =?base64?dMOk?=",
            "mcp-param-authorization: x",
            "mcp-param-region: eu",
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn a_message_says_its_revision_in_its_metadata() {
        let text = r#"{"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        assert_eq!(version_of(text).as_deref(), Some(MODERN));
        assert_eq!(version_of(r#"{"method":"ping"}"#), None);
        assert!(is_modern(MODERN) && !is_modern("2025-11-25"));
    }
}
