//! Why a command that talks to a gateway came to nothing, and the exit status that says so.

use super::terminal::{clean_lines, err};
use crate::client::{CallError, GatewayUrl, OpenError, ToolResult};
use std::process::ExitCode;

/// What went wrong, for the person and for the script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Its kind.
    pub(super) kind: Kind,
    /// What to say of it.
    pub(super) text: String,
}

/// Kinds of failure, each an exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any other.
    Other = 1,
    /// What was typed does not fit.
    Usage = 2,
    /// Nobody is signed in, or whoever is may not.
    NotAllowed = 3,
    /// The tool failed.
    Tool = 4,
    /// There is no connection, or it was lost.
    Unreachable = 5,
    /// It took too long.
    TimedOut = 6,
    /// There is no such tool.
    NotFound = 7,
    /// Whoever asked for it took it back: as shells say of Ctrl-C.
    Interrupted = 130,
}

impl Failure {
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// What was typed does not fit.
    pub(super) fn usage(why: impl Into<String>) -> Self {
        Self::new(Kind::Usage, why)
    }

    /// There is no gateway to talk to.
    pub(super) fn open(url: &GatewayUrl, error: &OpenError) -> Self {
        let (kind, advice) = match error {
            _ if error.is_about_the_token() => (Kind::NotAllowed, " Is the token or API key a good one?"),
            OpenError::Handshake(CallError::TimedOut(_)) => (Kind::TimedOut, ""),
            _ => (Kind::Unreachable, ""),
        };
        Self::new(kind, format!("{url}: {error}{advice}"))
    }

    /// There was no result.
    pub(super) fn call(error: &CallError) -> Self {
        let unknown = "; whether it was carried out is not known";
        match error {
            CallError::Error(_) => Self::new(Kind::Other, error.to_string()),
            CallError::Closed(_) => Self::new(Kind::Unreachable, format!("{error}{unknown}")),
            CallError::TimedOut(_) => Self::new(Kind::TimedOut, format!("{error}{unknown}")),
        }
    }

    /// A tool failed.
    pub(super) fn tool(result: &ToolResult) -> Self {
        let kind = match result.code.as_deref() {
            Some("not_signed_in" | "not_allowed" | "invalid_credentials" | "invalid_token") => Kind::NotAllowed,
            _ => Kind::Tool,
        };
        let code = result.code.as_deref().map(|code| format!("{code}: ")).unwrap_or_default();
        Self::new(kind, format!("{code}{}", result.text))
    }

    /// Says what went wrong, and gives the exit status.
    pub(super) fn tell(&self) -> ExitCode {
        err(&format!("sessile: {}", clean_lines(&self.text)));
        ExitCode::from(self.kind as u8)
    }
}
