//! The crate's one error type.
//!
//! An [`Error`] carries two stories: what a caller may be told ([`std::fmt::Display`] and
//! [`Error::code`]) and, for faults of ours, what only the log may say. `mcp` is the one place
//! that turns it into a tool result or a JSON-RPC error.

use std::time::Duration;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong between a message and its answer.
///
/// The text of every variant but [`Error::Internal`] and [`Error::Unmet`] is written for the
/// caller: it says what was wrong and what to do about it, and holds no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The arguments of a call do not fit; names the field and the rule.
    #[error("{0}")]
    InvalidArguments(String),
    /// The connection has not signed in and the call needs it.
    #[error("{0}")]
    NotSignedIn(String),
    /// The signed-in role may not do this.
    #[error("{0}")]
    NotAllowed(String),
    /// Unknown, malformed, and another tenant's, all in one.
    #[error("{0}")]
    NotFound(String),
    /// The record is not what the caller last saw.
    #[error("{0}")]
    Conflict(String),
    /// Wrong email or password; never says which.
    #[error("{0}")]
    InvalidCredentials(String),
    /// A token that does not admit anybody; says in general why, and never holds the token.
    #[error("{0}")]
    InvalidToken(String),
    /// Too many failed sign-ins; try again after the given time.
    #[error("{message}")]
    TooManyAttempts {
        /// What to tell the caller.
        message: String,
        /// How long to wait.
        retry_after: Duration,
    },
    /// Too many requests just now; try again after the given time.
    #[error("{message}")]
    RateLimited {
        /// What to tell the caller.
        message: String,
        /// How long to wait, at least a second.
        retry_after: Duration,
    },
    /// A bound was hit.
    #[error("{0}")]
    Limit(String),
    /// The call needs something of the client that it did not say it can do.
    #[error("This needs a client with the capability {name}, which it did not declare.")]
    MissingClientCapability {
        /// Its name.
        name: &'static str,
        /// It alone as `ClientCapabilities`, in JSON.
        required: &'static str,
    },
    /// The client was asked for something and did not give it.
    #[error("{0}")]
    Unanswered(String),
    /// A server behind the gateway gave no answer; says which and why.
    #[error("{0}")]
    Upstream(String),
    /// What should be created is already there.
    #[error("{0}")]
    AlreadyExists(String),
    /// The server can't take this on just now; trying again soon may help.
    #[error("{0}")]
    Busy(String),
    /// A step of a write found nothing to work on; the tag says which. Whoever wrote the step
    /// turns this into an error with a meaning; nothing of the write was applied.
    #[error("a precondition of the write did not hold: {0}")]
    Unmet(&'static str),
    /// A setting that can't be used; stops the start.
    #[error("{0}")]
    Config(String),
    /// A fault of ours. The caller learns only that there was one.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// A stable word for programs, sent beside the text of a failed tool call.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidArguments(_) => "invalid_arguments",
            Self::NotSignedIn(_) => "not_signed_in",
            Self::NotAllowed(_) => "not_allowed",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::InvalidCredentials(_) => "invalid_credentials",
            Self::InvalidToken(_) => "invalid_token",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::RateLimited { .. } => "rate_limited",
            Self::Limit(_) => "limit",
            Self::MissingClientCapability { .. } => "missing_client_capability",
            Self::Unanswered(_) => "unanswered",
            Self::Upstream(_) => "upstream",
            Self::AlreadyExists(_) => "already_exists",
            Self::Busy(_) => "busy",
            Self::Unmet(_) | Self::Config(_) | Self::Internal(_) => "internal",
        }
    }

    /// After what time trying again may help, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts { retry_after, .. } | Self::RateLimited { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// Whether the fault is ours: its text belongs in the log and not in an answer.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.code() == "internal"
    }

    /// A fault of ours: what was being done, and what stood in the way.
    pub(crate) fn internal(doing: &str, cause: impl std::fmt::Display) -> Self {
        Self::Internal(format!("{doing}: {cause}"))
    }
}
