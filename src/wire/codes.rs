//! Error codes, and an error as it goes out.

use crate::error::Error;
use std::borrow::Cow;
use std::time::Duration;

/// What a caller is told of a fault of ours.
pub const INTERNAL: &str = "Internal error: the call failed on the server; its log says why.";

/// What a request to resume a session is told that is not the first message.
pub const RESUME_FIRST: &str =
    "Invalid request: dev.sessile/resume has to be the first message on a WebSocket; open another one for it";

/// The JSON-RPC error codes that the server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ErrorCode {
    /// The frame is not JSON.
    Parse = -32700,
    /// It is JSON, but no request.
    InvalidRequest = -32600,
    /// There is no such method.
    MethodNotFound = -32601,
    /// The parameters don't fit the method; also unknown tools, prompts and cursors.
    InvalidParams = -32602,
    /// A fault of ours.
    Internal = -32603,
    /// Legacy only: there is no such resource. (The modern era has `InvalidParams` for it.)
    ResourceNotFound = -32002,
    /// Modern over HTTP only: what the headers repeat is not what the body says.
    HeaderMismatch = -32020,
    /// Modern only: the request needs something that its client has not declared.
    MissingClientCapability = -32021,
    /// Modern only: the version on the request is not served.
    UnsupportedProtocolVersion = -32022,
}

/// An error response without its id.
#[derive(Debug, Clone)]
pub struct WireError {
    /// The code.
    pub code: ErrorCode,
    /// One sentence for whoever reads the client's log.
    pub message: Cow<'static, str>,
    /// More, as JSON.
    pub data: Option<String>,
    /// When the same request may be answered otherwise, where it only came too soon.
    pub retry_after: Option<Duration>,
}

impl WireError {
    /// An error without data.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None, retry_after: None }
    }

    /// A failure that programs are told the code of.
    pub(crate) fn failed(error: &Error) -> Self {
        let message = if error.is_internal() { INTERNAL.into() } else { error.to_string() };
        Self::new(ErrorCode::Internal, message).with_data(&ErrorDetail::of(error))
    }

    /// What a request is told that came too soon after too many others.
    pub(crate) fn too_soon(error: &Error) -> Self {
        let retry_after = error.retry_after();
        Self { retry_after, ..Self::new(ErrorCode::Internal, error.to_string()).with_data(&ErrorDetail::of(error)) }
    }

    /// Parameters that don't fit.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::InvalidParams, message)
    }

    /// What a modern client is told when the error is that it lacks a capability.
    #[must_use]
    pub fn missing_capability(error: &Error) -> Option<Self> {
        let Error::MissingClientCapability { required, .. } = error else { return None };
        let data = Some(format!(r#"{{"requiredCapabilities":{required}}}"#));
        Some(Self { data, ..Self::new(ErrorCode::MissingClientCapability, error.to_string()) })
    }

    /// With data.
    #[must_use]
    pub fn with_data(mut self, data: &impl serde::Serialize) -> Self {
        self.data = serde_json::to_string(data).ok();
        self
    }
}

/// What programs are told of a failure, beside its text.
#[derive(Debug, serde::Serialize)]
pub(crate) struct ErrorDetail {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
}

impl ErrorDetail {
    pub(crate) fn of(error: &crate::error::Error) -> Self {
        Self { code: error.code(), retry_after_seconds: error.retry_after().map(|wait| wait.as_secs()) }
    }
}
