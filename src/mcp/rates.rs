//! What a request gets that comes too soon after too many others.

use super::dispatcher::Step;
use super::exchange::Exchange;
use crate::wire::{RequestId, WireError};

impl Exchange<'_> {
    /// The answer to a request that comes too soon; none for one that may go on. A handshake and a sign of
    /// life always may.
    pub(super) fn too_soon(&self, method: &str) -> Option<Result<Step, (RequestId, WireError)>> {
        if matches!(method, "initialize" | "ping") {
            return None;
        }
        let error = self.dispatcher.manager.check_rates(self.session().peer(), self.principal()).err()?;
        if method == "tools/call" {
            return Some(Ok(Step::Answer(self.answer().tool_error(&error))));
        }
        Some(Err((self.id.clone(), WireError::too_soon(&error))))
    }
}
