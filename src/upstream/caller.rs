//! Whose call it is that an upstream works on: where what belongs to the call goes.

use crate::session::{Channel, SessionLimits};
use crate::tenancy::{TenantId, UserId};
use crate::wire::{Capabilities, Object, RequestId, log_level, log_level_name, notification};
use tokio::sync::mpsc::Sender;

/// The client's side of a call.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The way on which the call came.
    pub(crate) channel: Channel,
    /// Who calls.
    pub(crate) whose: (TenantId, UserId),
    /// The progress token that the client gave, as JSON.
    pub(crate) progress_token: Option<Box<str>>,
    /// Which log messages it wants.
    pub(crate) logs: Logs,
    /// How it is asked for something.
    pub(crate) asks: Asks,
}

/// Which log messages a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logs {
    /// None.
    None,
    /// Those of at least this level, as an index into the eight of RFC 5424.
    From(u8),
    /// Whatever comes.
    All,
}

/// How a client is asked for something.
#[derive(Debug, Clone)]
pub(crate) enum Asks {
    /// By a request on the call's channel.
    ByRequest,
    /// By the result of its own request; whoever waits for the call's answer sees to that.
    InRounds {
        /// Where what is asked goes.
        asked: Sender<Asked>,
        /// What the client can be asked for.
        can: Capabilities,
    },
}

/// A request of an upstream's.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// By which the upstream knows it.
    pub(crate) id: RequestId,
    pub(crate) method: String,
    /// JSON; may be empty.
    pub(crate) params: String,
}

impl Logs {
    /// Whether a log message with these parameters is wanted.
    pub(super) fn want(self, params: &str) -> bool {
        let level = || Object::read(params).and_then(|params| params.text("level"));
        match self {
            Self::None => false,
            Self::All => true,
            Self::From(least) => level().and_then(|level| log_level(&level)).is_some_and(|level| level >= least),
        }
    }

    /// The name of the least severe level that is wanted.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::From(least) => log_level_name(least),
            Self::None | Self::All => None,
        }
    }
}

impl Caller {
    /// Passes a notification on.
    pub(super) fn tell(&self, method: &str, params: &str, limits: &SessionLimits) {
        if !self.channel.offer(notification(method, params), limits.max_queued_bytes) {
            tracing::debug!(session = %self.channel.session().id(), method, "dropped a notification: its reader is slow");
        }
    }
}
