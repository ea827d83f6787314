//! What the transport has to know of a message before the dispatcher gets it: what kind it is, and what the
//! headers have to repeat.

use crate::wire::{self, Incoming, RequestId, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A message, as far as the transport reads it.
pub(super) enum Message<'a> {
    Request(Asked<'a>),
    Notification,
    Response,
    Batch,
    /// It is none; the dispatcher says what is wrong with it.
    Unreadable,
}

/// A request.
pub(super) struct Asked<'a> {
    pub(super) id: RequestId,
    pub(super) method: Text<'a>,
    pub(super) params: Mirror<'a>,
}

/// The parameters that headers repeat.
#[derive(Default, Deserialize)]
pub(super) struct Mirror<'a> {
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<Meta<'a>>,
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) uri: Option<Text<'a>>,
    #[serde(borrow, default, rename = "taskId")]
    task: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) arguments: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<Text<'a>>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        match wire::parse(text) {
            Ok(Incoming::Request(request)) => {
                // What does not fit is the dispatcher's to complain of.
                let params = request.params.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
                Self::Request(Asked { id: request.id, method: request.method, params })
            }
            Ok(Incoming::Notification { .. }) => Self::Notification,
            Ok(Incoming::Response { .. }) => Self::Response,
            Ok(Incoming::Batch(_)) => Self::Batch,
            Err(_) => Self::Unreadable,
        }
    }

    /// The request, if it is one.
    pub(super) fn asked(&self) -> Option<&Asked<'a>> {
        match self {
            Self::Request(asked) => Some(asked),
            _ => None,
        }
    }
}

impl Asked<'_> {
    /// The version that the request itself is in, which makes it a modern one.
    pub(super) fn version(&self) -> Option<&str> {
        self.params.meta.as_ref()?.version.as_deref()
    }

    /// Whether the metadata that a modern request needs is missing.
    pub(super) fn lacks_metadata(&self) -> bool {
        let capabilities = self.params.meta.as_ref().and_then(|meta| meta.capabilities);
        self.version().is_none() || !capabilities.is_some_and(|raw| raw.get().starts_with('{'))
    }

    /// Whether it is `initialize`, which opens a session.
    pub(super) fn opens_session(&self) -> bool {
        &*self.method == "initialize" && self.version().is_none()
    }

    /// What `Mcp-Name` has to say, where the method has such a thing.
    pub(super) fn name(&self) -> Option<&str> {
        match &*self.method {
            "tools/call" | "prompts/get" => self.params.name.as_deref(),
            "resources/read" => self.params.uri.as_deref(),
            // Of the extension for tasks.
            "tasks/get" | "tasks/update" | "tasks/cancel" => self.params.task.as_deref(),
            _ => None,
        }
    }
}
