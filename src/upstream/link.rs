//! What moves messages to an upstream session and back.

use super::failure::Failure;
use std::fmt::Debug;

/// A way to one upstream session. Dropping it ends that session and all that was started for it.
pub(crate) trait Link: Debug + Send + Sync {
    /// Hands a message over, and never waits. A request that can't be delivered is [`Inbox::failed`].
    fn send(&self, message: Outgoing);

    /// Nobody waits for the answer to this request any more. (The notification that cancels it is a message of its own.)
    fn forget(&self, _id: i64) {}

    /// Which revision both sides speak from now on, once that is known.
    fn agreed(&self, _version: &str) {}
}

/// A message on its way to an upstream.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// A whole JSON-RPC message. There may be line breaks between its tokens.
    pub(crate) text: String,
    /// What it is.
    pub(crate) purpose: Purpose,
}

/// What a message is, for transports that have to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A request, to be answered or failed.
    Request {
        /// Its id.
        id: i64,
        /// Its method.
        method: String,
        /// `params.name` of a tool or prompt, or `params.uri` of a resource, or else nothing.
        name: Option<String>,
        /// Headers that repeat arguments (2026-07-28, Custom Headers from Tool Parameters): names and raw values.
        repeated: Vec<(String, String)>,
    },
    /// A notification.
    Notification {
        /// Its method.
        method: String,
    },
    /// The answer to a request of the upstream's.
    Response,
}

/// Where what comes from an upstream goes. None of these waits.
pub(crate) trait Inbox: Debug + Send + Sync {
    /// A message has come; `of` is the request on whose stream it came, where requests have streams of their own.
    fn message(&self, text: &str, of: Option<i64>);

    /// A request gets no answer.
    fn failed(&self, id: i64, failure: Failure);

    /// Nothing comes any more: all requests that have no answer get none.
    fn ended(&self, failure: Failure);
}
