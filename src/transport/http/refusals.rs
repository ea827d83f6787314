//! Requests that are not served, and what their clients are told.

use super::Refused;
use super::body::Unread;
use super::reply::json;
use crate::session::Refusal;
use crate::wire::{Answer, Era, ErrorCode, MODERN, RequestId, WireError};
use http::StatusCode;
use http::header::RETRY_AFTER;

pub(super) const NOT_ACCEPTABLE: &str =
    "Answers are JSON or a stream of events: accept application/json, text/event-stream.";
pub(super) const NO_METADATA: &str = r#"Invalid params: _meta needs "io.modelcontextprotocol/protocolVersion" and "io.modelcontextprotocol/clientCapabilities""#;
pub(super) const NEEDS_SESSION: &str = "Invalid request: this needs a session to tell of changes in. Open one with initialize, and name it in Mcp-Session-Id.";

/// A request that is not served, as a JSON-RPC error: to nobody, where its id is not known.
pub(super) fn refusal(status: StatusCode, id: Option<&RequestId>, error: &WireError) -> Refused {
    let answer = id.map_or_else(|| Answer::to_nobody(false), |id| Answer::to(id, Era::Modern));
    Box::new(json(status, answer.error(error).text))
}

/// The same where only a sentence has to be said.
pub(super) fn refused(status: StatusCode, message: &'static str) -> Refused {
    refusal(status, None, &WireError::new(ErrorCode::InvalidRequest, message))
}

/// Why a body was not read.
pub(super) fn unread(why: Unread) -> Refused {
    match why {
        Unread::TooLarge => refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This message is larger than the server takes; its setting limits.max_frame_bytes says how large one may be.",
        ),
        Unread::TooSlow => refused(StatusCode::REQUEST_TIMEOUT, "The body of the request took too long to arrive."),
        Unread::Broken => refused(StatusCode::BAD_REQUEST, "The body of the request could not be read."),
    }
}

/// Headers that do not repeat what the body says.
pub(super) fn mismatch(id: &RequestId, why: String) -> Refused {
    refusal(StatusCode::BAD_REQUEST, Some(id), &WireError::new(ErrorCode::HeaderMismatch, why))
}

/// A version that no revision has.
pub(super) fn unsupported(id: Option<&RequestId>, version: &str) -> Refused {
    let data = serde_json::json!({ "supported": [MODERN], "requested": version });
    let error = WireError::new(ErrorCode::UnsupportedProtocolVersion, "Unsupported protocol version");
    refusal(StatusCode::BAD_REQUEST, id, &error.with_data(&data))
}

/// A session that is not opened.
pub(super) fn no_room(id: Option<&RequestId>, refused: Refusal) -> Refused {
    tracing::warn!(refusal = ?refused, "refused a session over HTTP");
    let (status, retry_after, message) = match refused {
        Refusal::Draining => {
            (StatusCode::SERVICE_UNAVAILABLE, 5, "The server is shutting down. Try again in a moment.")
        }
        Refusal::Full => (
            StatusCode::SERVICE_UNAVAILABLE,
            30,
            "The server has as many sessions as it may. Its setting limits.max_sessions says how many.",
        ),
        Refusal::AddressFull => (
            StatusCode::TOO_MANY_REQUESTS,
            30,
            "You have as many sessions as you may, and all of them are in use. Close a stream, or end a session with DELETE.",
        ),
    };
    let mut response = refusal(status, id, &WireError::new(ErrorCode::Internal, message));
    response.headers_mut().insert(RETRY_AFTER, retry_after.into());
    response
}
