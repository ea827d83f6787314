//! Streamable HTTP, of both eras: each message is a request of its own, and what comes back may be a stream.
//!
//! A legacy upstream has a session, which it names with its first answer, and a stream for what concerns no request. It
//! can cut streams, to be asked later how they go on. A modern one has none of these. Nothing here knows what messages
//! say, but for the few words that transports have to know.

mod answer;
mod events;
mod exchange;
mod headers;
mod listening;
mod state;
mod stream;
#[cfg(test)]
mod tests;

use super::failure::Failure;
use super::link::{Inbox, Link, Outgoing, Purpose};
use super::outbound::Outbound;
use super::outward::Outward;
use exchange::Exchange;
use state::{Key, State};
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// A link to an upstream that speaks Streamable HTTP. Nothing is sent before the first message.
///
/// # Errors
/// None yet: whether the upstream is there shows with the first message.
pub(crate) fn open(
    outward: Outward,
    outbound: &Outbound,
    inbox: Arc<dyn Inbox>,
    tasks: &TaskTracker,
) -> Result<Box<dyn Link>, Failure> {
    let limit = outward.definition().limits.max_message_bytes;
    let (outbound, tasks) = (outbound.clone(), tasks.clone());
    Ok(Box::new(HttpLink(Arc::new(Exchange {
        outward,
        outbound,
        inbox,
        tasks,
        limit,
        state: State::default().into(),
    }))))
}

#[derive(Debug)]
struct HttpLink(Arc<Exchange>);

impl Link for HttpLink {
    fn send(&self, message: Outgoing) {
        let mut state = self.0.state.lock();
        if state.is_modern() && is_not_sent_in_the_modern_era(&message.purpose) {
            return;
        }
        let turn = state.turn(&message.purpose);
        let key = match &message.purpose {
            Purpose::Request { id, .. } => Key::Request(*id),
            Purpose::Notification { .. } | Purpose::Response => state.other(),
        };
        let exchange = Arc::clone(&self.0);
        self.0.run(&mut state, key, async move { exchange.deliver(message, turn).await });
    }

    fn forget(&self, id: i64) {
        let running = &mut self.0.state.lock().running;
        // Its stream is closed by that, which cancels it in the modern era. One that was answered ends by itself.
        if running.get(&Key::Request(id)).is_some_and(|running| !running.answered)
            && let Some(running) = running.remove(&Key::Request(id))
        {
            running.task.abort();
        }
    }

    fn agreed(&self, version: &str) {
        self.0.state.lock().version = Some(version.to_owned());
    }
}

impl Drop for HttpLink {
    fn drop(&mut self) {
        let state = &mut *self.0.state.lock();
        for (_, running) in state.running.drain() {
            running.task.abort();
        }
        if state.session.is_some() && !state.over && tokio::runtime::Handle::try_current().is_ok() {
            let exchange = Arc::clone(&self.0);
            self.0.tasks.spawn(async move { exchange.end_session().await });
        }
        (state.over, state.told) = (true, true);
    }
}

/// In the modern era a closed stream says that a request is cancelled, and upstreams ask nothing.
fn is_not_sent_in_the_modern_era(purpose: &Purpose) -> bool {
    match purpose {
        Purpose::Request { .. } => false,
        Purpose::Notification { method } => method == "notifications/cancelled",
        Purpose::Response => true,
    }
}
