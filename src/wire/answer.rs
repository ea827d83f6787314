//! Responses and notifications, written straight into the frame that leaves.

use super::codes::{ErrorCode, ErrorDetail, WireError};
use super::frame::{Frame, Outcome};
use super::id::RequestId;
use super::version::Era;
use serde::Serialize;
use std::sync::Arc;

/// Under which name every modern result says who the server is.
const SERVER_INFO: &str = r#""io.modelcontextprotocol/serverInfo":"#;
/// Who it is, unless it was told otherwise.
const SESSILE: &str = concat!(r#"{"name":"sessile","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);

/// A response under construction: the id is written, and then a result or an error.
#[derive(Debug, Clone)]
pub struct Answer {
    buffer: Vec<u8>,
    /// Where the id ends: an error after a result was begun starts again from here.
    id_end: usize,
    era: Era,
    /// The `Implementation` that modern results name, where it is not Sessile itself.
    server: Option<Arc<str>>,
}

impl Answer {
    /// A response to the request with this id.
    #[must_use]
    pub fn to(id: &RequestId, era: Era) -> Self {
        let mut buffer = Vec::with_capacity(512);
        buffer.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        id.write_json(&mut buffer);
        Self { id_end: buffer.len(), buffer, era, server: None }
    }

    /// A response to something whose id can't be read.
    #[must_use]
    pub fn to_nobody(null_id: bool) -> Self {
        let mut buffer = Vec::with_capacity(128);
        buffer.extend_from_slice(if null_id {
            br#"{"jsonrpc":"2.0","id":null"#.as_slice()
        } else {
            br#"{"jsonrpc":"2.0""#
        });
        Self { id_end: buffer.len(), buffer, era: Era::Legacy, server: None }
    }

    /// Names another server than Sessile in a modern result: an `Implementation`, as JSON.
    #[must_use]
    pub fn served_by(mut self, server: Option<&Arc<str>>) -> Self {
        self.server = server.filter(|_| self.era == Era::Modern).cloned();
        self
    }

    /// The era in which the request is served.
    #[must_use]
    pub fn era(&self) -> Era {
        self.era
    }

    /// A result of members that are JSON already, such as `"tools":[]`; may be empty.
    #[must_use]
    pub fn members(mut self, members: &str) -> Frame {
        self.open_result("complete", "");
        self.raw(members);
        self.close_result()
    }

    /// A result that says how long and for whom it may be kept, where the era says such things.
    #[must_use]
    pub fn cacheable(mut self, members: &str, ttl_ms: u64, public: bool) -> Frame {
        self.open_result("complete", "");
        if self.era == Era::Modern {
            let scope = if public { "public" } else { "private" };
            self.raw(&format!(r#""ttlMs":{ttl_ms},"cacheScope":"{scope}","#));
        }
        self.raw(members);
        self.close_result()
    }

    /// A tool's result: its data and the same for people.
    #[must_use]
    pub fn tool_result(mut self, structured: &impl Serialize, text: &str) -> Frame {
        self.open_result("complete", "");
        self.raw(r#""content":[{"type":"text","text":"#);
        self.json(text);
        self.raw(r#"}],"structuredContent":"#);
        self.json(structured);
        self.close_result()
    }

    /// A tool's result whose members are JSON already, with members of its `_meta`, which may be none.
    #[must_use]
    pub fn tool_output(mut self, members: &str, meta: &str, is_error: bool) -> Frame {
        self.open_result("complete", meta);
        self.raw(members);
        let frame = self.close_result();
        if is_error {
            return Frame { outcome: Outcome::ToolError { code: "tool_error", retry_after: None }, ..frame };
        }
        frame
    }

    /// A result that asks the client for something and to make its request again with that.
    #[must_use]
    pub fn input_required(mut self, requests: &str, state: &str) -> Frame {
        self.open_result("input_required", "");
        self.raw(r#""inputRequests":"#);
        self.raw(requests);
        self.raw(r#","requestState":"#);
        self.json(state);
        self.close_result()
    }

    /// The result that ends a subscription: nothing but what it is and which one.
    #[must_use]
    pub fn ended(mut self, meta: &str) -> Frame {
        self.raw(r#","result":{"resultType":"complete","#);
        self.raw(meta);
        self.close_result()
    }

    /// A tool's failure, which its caller can read and act on.
    #[must_use]
    pub fn tool_error(mut self, error: &crate::error::Error) -> Frame {
        let retry_after = error.retry_after();
        let detail = serde_json::to_string(&ErrorDetail::of(error)).unwrap_or_default();
        self.open_result("complete", &format!(r#""dev.sessile/error":{detail}"#));
        self.raw(r#""content":[{"type":"text","text":"#);
        self.json(&error.to_string());
        self.raw(r#"}],"isError":true"#);
        Frame { outcome: Outcome::ToolError { code: error.code(), retry_after }, ..self.close_result() }
    }

    /// An error response.
    #[must_use]
    pub fn error(mut self, error: &WireError) -> Frame {
        self.buffer.truncate(self.id_end);
        self.raw(r#","error":{"code":"#);
        self.raw(&(error.code as i32).to_string());
        self.raw(r#","message":"#);
        self.json(&error.message);
        if let Some(data) = &error.data {
            self.raw(r#","data":"#);
            self.raw(data);
        }
        self.raw("}}");
        let outcome = error.retry_after.map_or(Outcome::Error(error.code), Outcome::TooSoon);
        Frame { outcome, ..self.text() }
    }

    fn open_result(&mut self, kind: &str, meta: &str) {
        self.raw(r#","result":{"#);
        let modern = self.era == Era::Modern;
        if modern {
            self.raw(r#""resultType":""#);
            self.raw(kind);
            self.raw(r#"","#);
        }
        if modern || !meta.is_empty() {
            self.raw(r#""_meta":{"#);
            if modern {
                let server = self.server.take();
                self.raw(SERVER_INFO);
                self.raw(server.as_deref().unwrap_or(SESSILE));
            }
            if modern && !meta.is_empty() {
                self.raw(",");
            }
            self.raw(meta);
            self.raw("},");
        }
    }

    /// Closes the result; a comma that nothing followed goes.
    fn close_result(mut self) -> Frame {
        if self.buffer.last() == Some(&b',') {
            self.buffer.pop();
        }
        self.raw("}}");
        self.text()
    }

    fn raw(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    fn json(&mut self, value: &(impl Serialize + ?Sized)) {
        if serde_json::to_writer(&mut self.buffer, value).is_err() {
            // A type of ours that can't be JSON is a mistake in its `Serialize`; keep the frame whole.
            debug_assert!(false, "an answer could not be written as JSON");
            self.raw("null");
        }
    }

    fn text(self) -> Frame {
        let text = String::from_utf8(self.buffer).unwrap_or_else(|_| {
            let code = ErrorCode::Internal as i32;
            format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"internal error"}}}}"#)
        });
        text.into()
    }
}

/// A notification with parameters that are JSON already; may be empty.
#[must_use]
pub fn notification(method: &str, params: &str) -> String {
    said(r#"{"jsonrpc":"2.0","method":"#, "", "", method, params)
}

/// A request with parameters that are JSON already; may be empty.
#[must_use]
pub fn request(id: i64, method: &str, params: &str) -> String {
    said(r#"{"jsonrpc":"2.0","id":"#, itoa::Buffer::new().format(id), r#","method":"#, method, params)
}

/// A message in one piece: what comes first, an id, what is between that and the method, and the rest.
fn said(first: &str, id: &str, between: &str, method: &str, params: &str) -> String {
    // Others may call their methods what they like.
    let method = serde_json::Value::from(method).to_string();
    let before = if params.is_empty() { "" } else { r#","params":"# };
    [first, id, between, &method, before, params, "}"].concat()
}
