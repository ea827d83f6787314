//! Content blocks, of which the results of tools and the messages of prompts are made.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Value, json};

/// A content block.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Content(Value);

impl Content {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self(json!({ "type": "text", "text": text.into() }))
    }

    /// An image of this media type.
    #[must_use]
    pub fn image(bytes: &[u8], mime_type: &str) -> Self {
        Self(json!({ "type": "image", "data": STANDARD.encode(bytes), "mimeType": mime_type }))
    }

    /// A sound of this media type.
    #[must_use]
    pub fn audio(bytes: &[u8], mime_type: &str) -> Self {
        Self(json!({ "type": "audio", "data": STANDARD.encode(bytes), "mimeType": mime_type }))
    }

    /// A resource that comes along.
    #[must_use]
    pub fn embedded(contents: &Contents) -> Self {
        Self(json!({ "type": "resource", "resource": contents }))
    }

    /// A resource that can be read.
    #[must_use]
    pub fn link(uri: &str, name: &str) -> Self {
        Self(json!({ "type": "resource_link", "uri": uri, "name": name }))
    }

    /// A block that is JSON already.
    #[must_use]
    pub fn json(block: Value) -> Self {
        Self(block)
    }

    /// The same with one more member, such as `annotations`, `title` or `_meta`.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        if let Some(block) = self.0.as_object_mut() {
            block.insert(member.to_owned(), value.into());
        }
        self
    }
}

/// What a resource holds.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Contents(Value);

impl Contents {
    /// Text of this media type.
    #[must_use]
    pub fn text(uri: &str, mime_type: &str, text: impl Into<String>) -> Self {
        Self(json!({ "uri": uri, "mimeType": mime_type, "text": text.into() }))
    }

    /// Bytes of this media type.
    #[must_use]
    pub fn bytes(uri: &str, mime_type: &str, bytes: &[u8]) -> Self {
        Self(json!({ "uri": uri, "mimeType": mime_type, "blob": STANDARD.encode(bytes) }))
    }
}
