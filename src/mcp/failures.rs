//! What is said of failures on the way to a result that is no tool's.

use crate::error::Error;
use crate::wire::{Era, ErrorCode, INTERNAL, WireError};
use serde_json::json;

/// A failure as an error response.
pub(super) fn failed(error: &Error, era: Era) -> WireError {
    if error.is_internal() {
        tracing::error!(%error, "a request failed");
        return WireError::new(ErrorCode::Internal, INTERNAL);
    }
    if let Some(missing) = WireError::missing_capability(error).filter(|_| era == Era::Modern) {
        return missing;
    }
    let ours = matches!(error, Error::Busy(_) | Error::Limit(_) | Error::Unanswered(_));
    WireError::new(if ours { ErrorCode::Internal } else { ErrorCode::InvalidParams }, error.to_string())
}

/// Unknown, malformed and foreign URIs all look like this.
pub(super) fn not_found(uri: &str, era: Era) -> WireError {
    let code = match era {
        Era::Legacy => ErrorCode::ResourceNotFound,
        Era::Modern => ErrorCode::InvalidParams,
    };
    WireError::new(code, "Resource not found").with_data(&json!({ "uri": uri }))
}

/// The same, where a sign-in may show the resource.
pub(super) fn not_signed_in(uri: &str, era: Era) -> WireError {
    let mut error = not_found(uri, era);
    error.message = "Resource not found: nobody is signed in; call auth_sign_in first, and over HTTP send the access token that it gives".into();
    error
}

pub(super) fn missing(name: &str) -> WireError {
    WireError::invalid_params(format!("Invalid params: {name:?} is missing"))
}

pub(super) fn no_such_level(level: &str) -> WireError {
    WireError::invalid_params(format!(
        "Invalid params: {level:?} is no log level; there are debug, info, notice, warning, error, critical, alert and emergency"
    ))
}

/// A request state that can't be gone on from.
pub(super) fn no_such_state() -> WireError {
    WireError::invalid_params(
        "Invalid params: requestState is not what the server gave out for this request, or it is too old; make the request again without it",
    )
}
