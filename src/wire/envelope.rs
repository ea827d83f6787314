//! A JSON-RPC message, borrowed from its frame.

use super::codes::{ErrorCode, WireError};
use super::id::RequestId;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A string that borrows from the frame where it has no escapes. (An `Option<Cow<str>>` would
/// always own.)
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The members of a JSON-RPC message, whatever else it has.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub(super) jsonrpc: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) method: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) error: Option<&'a RawValue>,
}

/// A `null` is there too: `"id": null` is not the same as no id.
fn present<'de: 'a, 'a, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A request.
#[derive(Debug)]
pub struct Request<'a> {
    /// Its id.
    pub id: RequestId,
    /// Its method.
    pub method: Text<'a>,
    /// Its parameters, unread.
    pub params: Option<&'a RawValue>,
}

/// What came in a frame.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// A request, to be answered.
    Request(Request<'a>),
    /// A notification, never answered.
    Notification {
        /// Its method.
        method: Text<'a>,
        /// Its parameters, unread.
        params: Option<&'a RawValue>,
    },
    /// A response to a request of the server's.
    Response {
        /// The id of that request, where it is one.
        id: Option<RequestId>,
        /// Its result, or else its error.
        answer: Result<&'a RawValue, &'a RawValue>,
    },
    /// An array of messages, each to be parsed for itself.
    Batch(Vec<&'a RawValue>),
}

/// Reads a frame.
///
/// # Errors
/// The error to answer with, and the id to answer to where one could be read.
pub fn parse(text: &str) -> Result<Incoming<'_>, (Option<RequestId>, WireError)> {
    let nobody = |code, message: String| (None, WireError::new(code, message));
    if text.trim_ascii_start().starts_with('[') {
        return match serde_json::from_str(text) {
            Ok(messages) => Ok(Incoming::Batch(messages)),
            Err(error) => Err(nobody(ErrorCode::Parse, format!("Parse error: {error}"))),
        };
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            let example = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
            nobody(ErrorCode::InvalidRequest, format!("Invalid request: {error}. A request looks like {example}"))
        } else {
            nobody(ErrorCode::Parse, format!("Parse error: {error}"))
        }
    })?;
    envelope.classify()
}

impl<'a> Envelope<'a> {
    fn classify(self) -> Result<Incoming<'a>, (Option<RequestId>, WireError)> {
        let id = self.id.and_then(|raw| RequestId::parse(raw.get()));
        let invalid = |message: &'static str, id| Err((id, WireError::new(ErrorCode::InvalidRequest, message)));
        if self.jsonrpc.as_deref() != Some("2.0") {
            return invalid(r#"Invalid request: "jsonrpc" must be "2.0""#, id);
        }
        if let Some(params) = self.params
            && !params.get().starts_with('{')
        {
            return invalid(r#"Invalid request: "params" must be an object"#, id);
        }
        match (self.method, self.id, id) {
            (Some(method), None, _) => Ok(Incoming::Notification { method, params: self.params }),
            (Some(method), Some(_), Some(id)) => Ok(Incoming::Request(Request { id, method, params: self.params })),
            (Some(_), Some(_), None) => invalid(r#"Invalid request: "id" must be a string or a whole number"#, None),
            (None, _, id) => match (self.result, self.error) {
                (Some(result), None) => Ok(Incoming::Response { id, answer: Ok(result) }),
                (_, Some(error)) => Ok(Incoming::Response { id, answer: Err(error) }),
                (None, None) => invalid(r#"Invalid request: "method" is missing"#, id),
            },
        }
    }
}

/// The `_meta` of a request's parameters, as far as the server reads it.
#[derive(Debug, Default, Deserialize)]
pub struct Meta<'a> {
    /// To be sent back with each progress notification.
    #[serde(borrow, default, rename = "progressToken")]
    pub progress_token: Option<&'a RawValue>,
    /// The revision of this request; its presence makes the request a modern one.
    #[serde(borrow, default, rename = "io.modelcontextprotocol/protocolVersion")]
    pub protocol_version: Option<Text<'a>>,
    /// What the client can do, required in the modern era.
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientCapabilities")]
    pub client_capabilities: Option<&'a RawValue>,
    /// Who the client says it is.
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientInfo")]
    pub client_info: Option<&'a RawValue>,
    /// The least severe log message that the client wants for this request.
    #[serde(borrow, default, rename = "io.modelcontextprotocol/logLevel")]
    pub log_level: Option<Text<'a>>,
    /// The client's own span (W3C Trace Context), as it was sent.
    #[serde(borrow, default)]
    pub traceparent: Option<&'a RawValue>,
    /// What goes with it.
    #[serde(borrow, default)]
    pub tracestate: Option<&'a RawValue>,
}
