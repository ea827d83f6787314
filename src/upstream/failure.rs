//! Why an upstream did not answer.

/// Why a request to an upstream has no answer. What it says is for the caller and the log, and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// It could not be reached, so nothing was sent.
    #[error("could not be reached: {0}")]
    Unreachable(String),
    /// It is not tried just now, after it failed again and again.
    #[error("is not tried again for another {seconds} s, because {why}")]
    Resting {
        /// How long that goes on.
        seconds: u64,
        /// What happened the last time.
        why: String,
    },
    /// As many sessions with it are open as may be.
    #[error("can't be opened: {0}")]
    Full(String),
    /// Its session is not known to it any more; it did not look at the request.
    #[error("has forgotten the session")]
    Forgotten,
    /// It refuses the credential that it is sent, or wants one. What its `WWW-Authenticate` says, where it does.
    #[error("refuses the gateway's credential")]
    Unauthorized(Option<String>),
    /// A person has to let the gateway use it first, and has not; says what came of that.
    #[error("{0}")]
    NotAuthorized(String),
    /// It answered with an HTTP status that is no answer.
    #[error("answered with HTTP status {0}")]
    Status(u16),
    /// It ended, or the connection with it did, before it answered. Whether it did what it was asked is not known.
    #[error("ended before it answered ({0}); whether it did what it was asked is not known")]
    Ended(String),
    /// It did not answer in time. Whether it did what it was asked is not known.
    #[error("did not answer within {0} s; whether it did what it was asked is not known")]
    TimedOut(u64),
    /// It answered with more than may be read.
    #[error("answered with more than {0} bytes, which is the limit")]
    TooLarge(usize),
    /// What it answered is no MCP.
    #[error("gave an answer that can't be read: {0}")]
    Unreadable(String),
    /// What would be sent can't be put together, such as when a credential is not there.
    #[error("can't be called: {0}")]
    Incomplete(String),
}

impl Failure {
    /// Whether the upstream has certainly not begun what it was asked, so that asking again does nothing twice.
    #[must_use]
    pub fn nothing_was_done(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Resting { .. }
                | Self::Full(_)
                | Self::Forgotten
                | Self::Unauthorized(_)
                | Self::NotAuthorized(_)
                | Self::Incomplete(_)
        )
    }

    /// A word for it, for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Resting { .. } => "resting",
            Self::Full(_) => "full",
            Self::Forgotten => "forgotten",
            Self::Unauthorized(_) => "unauthorized",
            Self::NotAuthorized(_) => "not_authorized",
            Self::Status(_) => "status",
            Self::Ended(_) => "ended",
            Self::TimedOut(_) => "timed_out",
            Self::TooLarge(_) => "too_large",
            Self::Unreadable(_) => "unreadable",
            Self::Incomplete(_) => "incomplete",
        }
    }
}
