//! A message as it leaves, with what a transport may want to know about it.

use super::codes::ErrorCode;
use std::time::Duration;

/// A response as text, and what it says, for transports whose framing repeats that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The message; empty where there is nothing to answer.
    pub text: String,
    /// What it says.
    pub outcome: Outcome,
}

/// What a response says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A result.
    Result,
    /// An error response.
    Error(ErrorCode),
    /// An error response to a request that came too soon, and how long to wait.
    TooSoon(Duration),
    /// A tool's failure: the word for it, and when to try again.
    ToolError {
        /// As [`Error::code`](crate::error::Error::code) has it.
        code: &'static str,
        /// How long to wait.
        retry_after: Option<Duration>,
    },
}

impl Outcome {
    /// A word for it, one of few.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Result => "ok",
            Self::TooSoon(_) => "rate_limited",
            Self::Error(ErrorCode::Internal) => "internal",
            Self::Error(_) => "refused",
            Self::ToolError { code, .. } => code,
        }
    }
}

impl Frame {
    /// No message at all.
    #[must_use]
    pub fn none() -> Self {
        String::new().into()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.text.is_empty()
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self { text, outcome: Outcome::Result }
    }
}
