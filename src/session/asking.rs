//! Requests to a legacy client.

use super::SessionLimits;
use super::channel::Channel;
use super::question::{ClientAnswer, OpenQuestion};
use crate::wire::{notification, request};

/// Why a client gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unasked {
    /// It has as many questions to answer as may be.
    TooMany,
    /// It took too long.
    TimedOut,
}

impl Channel {
    /// Makes a request to a legacy client and waits for what it answers. Dropped before, it tells the client that nobody
    /// waits any longer.
    ///
    /// # Errors
    /// Says why there is no answer.
    pub async fn ask(&self, limits: &SessionLimits, method: &str, params: &str) -> Result<ClientAnswer, Unasked> {
        let open = self.session().question(limits.max_questions).ok_or(Unasked::TooMany)?;
        let mut asking = Request { open, channel: self, max_queued_bytes: limits.max_queued_bytes };
        self.send(request(asking.open.id(), method, params), limits.max_queued_bytes);
        match tokio::time::timeout(limits.answer_timeout, asking.open.answer()).await {
            Ok(Some(answer)) => Ok(answer),
            _ => Err(Unasked::TimedOut),
        }
    }
}

/// A request to a client that has no answer yet.
struct Request<'a> {
    open: OpenQuestion,
    channel: &'a Channel,
    max_queued_bytes: usize,
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        if self.open.withdraw() {
            let params = format!(r#"{{"requestId":{},"reason":"The call that asked is over."}}"#, self.open.id());
            self.channel.send(notification("notifications/cancelled", &params), self.max_queued_bytes);
        }
    }
}
