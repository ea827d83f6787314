//! The answers that the bridge gives itself, where none of the gateway's can come.

use super::pending::{Kind, Waiting};
use crate::wire::{Answer, ErrorCode, RequestId, WireError};
use serde_json::json;

/// Why a request has no answer of the gateway's: a word for programs, and what to tell whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) text: String,
}

impl Fault {
    pub(super) fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// It can't be said whether the request was carried out; says why not.
    pub(super) fn unknown(request: &Waiting, why: &str) -> Self {
        let advice = match request.kind {
            Kind::CallTool => {
                "The call may or may not have been carried out. Look whether it was (list or read what it should have \
                 changed) before you repeat it."
            }
            _ => "The request may or may not have been carried out. Look before you repeat it.",
        };
        Self::new("outcome_unknown", format!("{why} {advice}"))
    }

    /// The answer to a request.
    pub(super) fn answer(&self, request: &Waiting) -> String {
        let answer = Answer::to(&request.id, request.era());
        let detail = json!({ "code": self.code });
        if request.kind == Kind::CallTool {
            let members = format!(r#""content":{},"isError":true"#, json!([{ "type": "text", "text": self.text }]));
            return answer.tool_output(&members, &format!(r#""dev.sessile/error":{detail}"#), true).text;
        }
        answer.error(&WireError::new(ErrorCode::Internal, self.text.clone()).with_data(&detail)).text
    }
}

/// What is said of a message that is no request, and to whom.
pub(super) fn refusal(id: Option<&RequestId>, null_id: bool, error: &WireError) -> String {
    let answer = match id {
        Some(id) => Answer::to(id, crate::wire::Era::Legacy),
        None => Answer::to_nobody(null_id),
    };
    answer.error(error).text
}
