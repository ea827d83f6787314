//! What a raw tool gives back.

use super::content::Content;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// A tool's result: content blocks, and data for programs.
#[derive(Debug, Clone)]
pub struct Output {
    content: Vec<Content>,
    structured: Option<Box<RawValue>>,
    is_error: bool,
    meta: Map<String, Value>,
}

impl Output {
    /// These blocks.
    #[must_use]
    pub fn new(content: Vec<Content>) -> Self {
        Self { content, structured: None, is_error: false, meta: Map::new() }
    }

    /// One block of text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(vec![Content::text(text)])
    }

    /// With data for programs, which fits the tool's output schema where it has one. Data that can't be JSON is left
    /// out.
    #[must_use]
    pub fn structured(mut self, data: &impl Serialize) -> Self {
        self.structured = to_raw_value(data).ok();
        self
    }

    /// With a member of `_meta`.
    #[must_use]
    pub fn meta(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.meta.insert(key.to_owned(), value.into());
        self
    }

    /// Says that the call failed, in a way that the caller can read and act on.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.is_error = true;
        self
    }

    pub(super) fn is_error(&self) -> bool {
        self.is_error
    }

    /// The members of the result and those of its `_meta`, as JSON.
    pub(super) fn into_members(self) -> (String, String) {
        let content = serde_json::to_string(&self.content).unwrap_or_else(|_| "[]".into());
        let mut members = format!(r#""content":{content}"#);
        if let Some(structured) = &self.structured {
            members.push_str(r#","structuredContent":"#);
            members.push_str(structured.get());
        }
        if self.is_error {
            members.push_str(r#","isError":true"#);
        }
        let meta = Value::Object(self.meta).to_string();
        (members, meta[1..meta.len() - 1].to_owned())
    }
}
