//! An upstream's answer on its way to whoever asked.

use crate::wire::{ErrorCode, Frame, Object, Outcome, RequestId, Response};
use memchr::memmem;

/// An answer as it came.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    text: String,
    parts: Response,
}

impl Reply {
    pub(super) fn new(text: &str, parts: Response) -> Self {
        Self { text: text.to_owned(), parts }
    }

    /// Whether it is an error.
    pub(crate) fn is_error(&self) -> bool {
        self.parts.is_error
    }

    /// The result or the error, as JSON.
    pub(crate) fn payload(&self) -> &str {
        &self.text[self.parts.payload.clone()]
    }

    /// Whether the result or the error has this text somewhere, which has to be looked for in all of it.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        memmem::find(self.payload().as_bytes(), text.as_bytes()).is_some()
    }

    /// The code of the error that it is.
    pub(crate) fn error_code(&self) -> Option<i64> {
        let error = self.is_error().then(|| Object::read(self.payload())).flatten()?;
        error.get("code")?.parse().ok()
    }

    /// The message of the error that it is.
    pub(crate) fn error_message(&self) -> Option<String> {
        self.is_error().then(|| Object::read(self.payload())).flatten()?.text("message")
    }

    /// The answer to a client's request with this id. The members, if there are some, come first in the result.
    pub(crate) fn frame(&self, id: &RequestId, members: &str) -> Frame {
        let Response { id: id_at, payload, .. } = &self.parts;
        let mut text = String::with_capacity(self.text.len() + members.len() + 24);
        let begin = payload.start + 1;
        let inserted = |text: &mut String, range: std::ops::Range<usize>| {
            if !members.is_empty() && range.contains(&begin) {
                text.push_str(&self.text[range.start..begin]);
                text.push_str(members);
                if !self.text[begin..].trim_ascii_start().starts_with('}') {
                    text.push(',');
                }
                text.push_str(&self.text[begin..range.end]);
            } else {
                text.push_str(&self.text[range]);
            }
        };
        inserted(&mut text, 0..id_at.start);
        text.push_str(&id.as_json());
        inserted(&mut text, id_at.end..self.text.len());
        Frame { text, outcome: self.outcome() }
    }

    fn outcome(&self) -> Outcome {
        let known = [
            ErrorCode::MethodNotFound,
            ErrorCode::InvalidParams,
            ErrorCode::InvalidRequest,
            ErrorCode::ResourceNotFound,
            ErrorCode::MissingClientCapability,
        ];
        // Other codes say nothing to a transport.
        let code = self.error_code();
        if let Some(known) = known.into_iter().find(|known| code == Some(i64::from(*known as i32))) {
            return Outcome::Error(known);
        }
        if self.is_error() {
            Outcome::Error(ErrorCode::Internal)
        } else if self.mentions(r#""isError":true"#) {
            Outcome::ToolError { code: "tool_error", retry_after: None }
        } else {
            Outcome::Result
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Passing;

    fn reply(text: &str) -> Reply {
        Reply::new(text, Passing::read(text).expect("it is a message").response.expect("it is a response"))
    }

    #[test]
    fn only_the_id_is_another_one() {
        let id = RequestId::parse(r#""x""#).expect("it is an id");
        let frame = |text: &str, members: &str| reply(text).frame(&id, members).text;
        let first = r#"{"jsonrpc":"2.0","id":7,"result":{ "a" : 1.0},"more":[1]}"#;
        assert_eq!(frame(first, ""), r#"{"jsonrpc":"2.0","id":"x","result":{ "a" : 1.0},"more":[1]}"#);
        assert_eq!(frame(first, r#""n":1"#), r#"{"jsonrpc":"2.0","id":"x","result":{"n":1, "a" : 1.0},"more":[1]}"#);
        let last = r#"{"result":{ },"id":7,"jsonrpc":"2.0"}"#;
        assert_eq!(frame(last, r#""n":1"#), r#"{"result":{"n":1 },"id":"x","jsonrpc":"2.0"}"#);
    }

    #[test]
    fn an_error_says_its_code() {
        let error = reply(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#);
        assert!(error.is_error());
        assert_eq!(error.error_code(), Some(-32601));
        let frame = error.frame(&RequestId::parse("1").expect("it is an id"), "");
        assert_eq!(frame.outcome, Outcome::Error(ErrorCode::MethodNotFound));
    }
}
