//! What a client has asked and what it was told: every response has to be one that is due, and every
//! message has to fit the schema of its revision.

use super::{schema, tool_schemas};
use serde_json::Value;
use sessile::wire::{Era, LATEST_LEGACY};

/// The requests of one connection that have no answer yet.
pub(super) struct Ledger {
    /// In which era the connection's client speaks.
    era: Era,
    /// The version that an `initialize` has agreed on.
    version: String,
    due: Vec<Due>,
}

struct Due {
    id: Value,
    method: String,
    era: Era,
    tool: Option<String>,
}

impl Ledger {
    pub(super) fn new(era: Era) -> Self {
        Self { era, version: LATEST_LEGACY.into(), due: Vec::new() }
    }

    /// Notes what an `initialize` has agreed on.
    pub(super) fn agree_on(&mut self, version: &str) {
        self.version = version.to_owned();
    }

    /// Notes the requests in a frame that is about to be sent.
    pub(super) fn expect_answers(&mut self, frame: &str) {
        match serde_json::from_str(frame) {
            Ok(Value::Array(batch)) => batch.iter().for_each(|message| self.expect_answer(message)),
            Ok(message) => self.expect_answer(&message),
            Err(_) => {}
        }
    }

    /// Notes that a request was cancelled.
    pub(super) fn forget(&mut self, id: &Value) {
        self.due.retain(|due| due.id != *id);
    }

    /// Checks a frame, and gives what it holds.
    pub(super) fn check(&mut self, frame: &str) -> Value {
        let value: Value = serde_json::from_str(frame).unwrap_or_else(|error| panic!("no JSON: {error}: {frame}"));
        match &value {
            Value::Array(batch) => {
                assert_eq!(self.version, "2025-03-26", "this revision has no batches: {frame}");
                assert!(!batch.is_empty(), "a batch is never empty");
                batch.iter().for_each(|message| self.check_message(message));
            }
            message => self.check_message(message),
        }
        value
    }

    fn check_message(&mut self, message: &Value) {
        if message.get("method").is_some() {
            return match message.get("id") {
                None => schema::check_notification(message),
                Some(_) => schema::check_request(self.era, message),
            };
        }
        let Some(id) = message.get("id") else { return schema::check_error(self.era, message) };
        if id.is_null() && self.version.as_str() < LATEST_LEGACY {
            // The schema that is checked against is newer than this revision, which wants it so.
            let mut message = message.clone();
            message.as_object_mut().expect("it has an id").remove("id");
            return schema::check_error(self.era, &message);
        }
        let due = self.due.iter().position(|due| due.id == *id);
        let due = self.due.remove(due.unwrap_or_else(|| panic!("no answer was due: {message}")));
        if message.get("error").is_some() {
            return schema::check_error(due.era, message);
        }
        schema::check_result(due.era, &due.method, message);
        if let Some(tool) = due.tool {
            tool_schemas::check_result(&tool, &message["result"]);
        }
    }

    fn expect_answer(&mut self, message: &Value) {
        let Some(id) = message.get("id").filter(|id| id.is_string() || id.is_number()) else { return };
        if message.get("method").is_none() && (message.get("result").or(message.get("error"))).is_some() {
            return;
        }
        let modern = message.pointer("/params/_meta/io.modelcontextprotocol~1protocolVersion").is_some();
        let era = if modern { Era::Modern } else { Era::Legacy };
        let method = message["method"].as_str().unwrap_or_default().to_owned();
        let tool = message.pointer("/params/name").and_then(Value::as_str).map(str::to_owned);
        let tool = tool.filter(|_| method == "tools/call");
        self.due.push(Due { id: id.clone(), method, era, tool });
    }
}
