//! The parameters of all methods, read in one go.

use crate::observe::TraceContext;
use crate::wire::{Era, MODERN, Meta, Text, WireError};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a method's parameters may hold. Each method picks what it knows.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Params<'a> {
    #[serde(borrow, default, rename = "_meta")]
    pub(super) meta: Option<Meta<'a>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) uri: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) cursor: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) level: Option<Text<'a>>,
    #[serde(borrow, default, rename = "protocolVersion")]
    pub(super) protocol_version: Option<Text<'a>>,
    #[serde(borrow, default, rename = "clientInfo")]
    pub(super) client_info: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requestId")]
    pub(super) request_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) notifications: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "ref")]
    pub(super) reference: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) argument: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) context: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) capabilities: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "inputResponses")]
    pub(super) input_responses: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requestState")]
    pub(super) request_state: Option<Text<'a>>,
}

impl<'a> Params<'a> {
    pub(super) fn read(raw: Option<&'a RawValue>) -> Result<Self, WireError> {
        let Some(raw) = raw else { return Ok(Self::default()) };
        serde_json::from_str(raw.get()).map_err(|error| WireError::invalid_params(format!("Invalid params: {error}")))
    }

    /// In which era the request is to be served: with a protocol version on it, it is modern.
    pub(super) fn era(&self) -> Era {
        match &self.meta {
            Some(meta) if meta.protocol_version.is_some() => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// The span of the client's that the request is made in, if it says so.
    pub(super) fn trace_context(&self) -> Option<TraceContext> {
        let meta = self.meta.as_ref()?;
        let text = |raw: Option<&RawValue>| serde_json::from_str::<String>(raw?.get()).ok();
        TraceContext::read(&text(meta.traceparent)?, text(meta.tracestate).as_deref())
    }

    /// Checks what a modern request has to carry (2026-07-28, Base Protocol, `_meta`).
    pub(super) fn check_modern(&self) -> Result<(), WireError> {
        let meta = self.meta.as_ref();
        let version = meta.and_then(|meta| meta.protocol_version.as_deref()).unwrap_or_default();
        if version != MODERN {
            let data = serde_json::json!({ "supported": [MODERN], "requested": version });
            let code = crate::wire::ErrorCode::UnsupportedProtocolVersion;
            return Err(WireError::new(code, "Unsupported protocol version").with_data(&data));
        }
        if !meta.and_then(|meta| meta.client_capabilities).is_some_and(|raw| raw.get().starts_with('{')) {
            return Err(WireError::invalid_params(
                r#"Invalid params: _meta needs "io.modelcontextprotocol/clientCapabilities", an object (it may be empty)"#,
            ));
        }
        Ok(())
    }

    /// The progress token, which has to be a string or a whole number.
    pub(super) fn progress_token(&self) -> Result<Option<Box<RawValue>>, WireError> {
        let Some(token) = self.meta.as_ref().and_then(|meta| meta.progress_token) else { return Ok(None) };
        if crate::wire::RequestId::parse(token.get()).is_none() {
            return Err(WireError::invalid_params(
                "Invalid params: _meta.progressToken must be a string or a whole number",
            ));
        }
        Ok(Some(token.to_owned()))
    }
}
