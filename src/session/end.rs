//! Why a session ends, by name; `docs/websocket-binding.md` lists the same table.

/// Why a session ended. Each has a close code and a text for the WebSocket close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The client closed.
    ClientClosed,
    /// The connection broke without a close.
    ConnectionLost,
    /// The server shuts down.
    Draining,
    /// The peer broke the WebSocket protocol.
    ProtocolError,
    /// A binary frame came.
    BinaryFrame,
    /// A text frame was not UTF-8.
    InvalidUtf8,
    /// A message was larger than the limit.
    MessageTooBig,
    /// Something went wrong on our side.
    Internal,
    /// Nobody signed in within the time for that.
    NotSignedIn,
    /// Nothing came, not even a pong.
    Idle,
    /// The client did not read what was sent to it.
    SlowReader,
    /// Somebody with the right to ended the session.
    Ended,
    /// The user's password was changed in another session.
    PasswordChanged,
    /// The user is no longer a member of the tenant.
    MembershipEnded,
    /// The token or key that the session was opened with was taken back.
    CredentialRevoked,
    /// The time of that token or key is over.
    CredentialExpired,
    /// The user's account was disabled.
    AccountDisabled,
    /// The tenant was suspended.
    TenantSuspended,
    /// Its client goes on elsewhere: on a newer connection, or with an older session on this one.
    Superseded,
    /// Its connection was lost, and its client did not come back in time.
    NotResumed,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::ClientClosed,
        Self::ConnectionLost,
        Self::Draining,
        Self::ProtocolError,
        Self::BinaryFrame,
        Self::InvalidUtf8,
        Self::MessageTooBig,
        Self::Internal,
        Self::NotSignedIn,
        Self::Idle,
        Self::SlowReader,
        Self::Ended,
        Self::PasswordChanged,
        Self::MembershipEnded,
        Self::CredentialRevoked,
        Self::CredentialExpired,
        Self::AccountDisabled,
        Self::TenantSuspended,
        Self::Superseded,
        Self::NotResumed,
    ];

    /// The setting that it is the limit of, if it is one.
    pub(crate) fn setting(self) -> Option<&'static str> {
        match self {
            Self::MessageTooBig => Some("limits.max_frame_bytes"),
            Self::NotSignedIn => Some("limits.unauthenticated_seconds"),
            Self::Idle => Some("limits.idle_timeout_seconds"),
            Self::SlowReader => Some("limits.max_queued_bytes"),
            _ => None,
        }
    }

    /// Whether it takes away that somebody is signed in, so that nothing resumes the session.
    #[must_use]
    pub fn takes_back(self) -> bool {
        (4004..=4010).contains(&self.close_code())
    }

    /// Its name, in logs and as the close frame's reason.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientClosed => "client-closed",
            Self::ConnectionLost => "connection-lost",
            Self::Draining => "draining",
            Self::ProtocolError => "protocol-error",
            Self::BinaryFrame => "binary-frame",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::MessageTooBig => "message-too-big",
            Self::Internal => "internal-error",
            Self::NotSignedIn => "not-signed-in",
            Self::Idle => "idle",
            Self::SlowReader => "slow-reader",
            Self::Ended => "session-ended",
            Self::PasswordChanged => "password-changed",
            Self::MembershipEnded => "membership-ended",
            Self::CredentialRevoked => "credential-revoked",
            Self::CredentialExpired => "credential-expired",
            Self::AccountDisabled => "account-disabled",
            Self::TenantSuspended => "tenant-suspended",
            Self::Superseded => "superseded",
            Self::NotResumed => "not-resumed",
        }
    }

    /// The WebSocket close code (RFC 6455 section 7.4; from 4000 on, this binding's own). 1005 and
    /// 1006 are never sent: they stand for a close without a code and for none at all.
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::ClientClosed => 1000,
            Self::Draining => 1001,
            Self::ProtocolError => 1002,
            Self::BinaryFrame => 1003,
            Self::ConnectionLost | Self::NotResumed => 1006,
            Self::InvalidUtf8 => 1007,
            Self::MessageTooBig => 1009,
            Self::Internal => 1011,
            Self::NotSignedIn => 4001,
            Self::Idle => 4002,
            Self::SlowReader => 4003,
            Self::Ended => 4004,
            Self::PasswordChanged => 4005,
            Self::MembershipEnded => 4006,
            Self::CredentialRevoked => 4007,
            Self::CredentialExpired => 4008,
            Self::AccountDisabled => 4009,
            Self::TenantSuspended => 4010,
            Self::Superseded => 4011,
        }
    }
}

impl std::fmt::Display for EndReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
