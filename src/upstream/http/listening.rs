//! The stream of a legacy upstream for what concerns no request.

use super::events::Events;
use super::exchange::{Exchange, Kind, kind};
use super::stream::wait;
use crate::upstream::Failure;
use http::StatusCode;
use std::sync::Arc;
use tokio::time::sleep;
use tracing::debug;

impl Exchange {
    /// Listens for as long as the link is there, if the upstream has such a stream.
    pub(super) fn start_listening(self: &Arc<Self>) {
        let state = &mut *self.state.lock();
        if state.is_modern() || state.over {
            return;
        }
        let key = state.other();
        let exchange = Arc::clone(self);
        self.run(state, key, async move { exchange.listen().await });
    }

    async fn listen(&self) {
        let mut events = Events::new(self.limit);
        let mut failures = 0;
        loop {
            match self.get(events.last()).await {
                Ok(response) if response.status().is_success() => {
                    if kind(&response) != Kind::Events {
                        return;
                    }
                    failures = 0;
                    if let Err(failure) = self.drain(response.into_body(), &mut events, None).await {
                        // What could not be read would come again.
                        events.forget_last();
                        self.note(&failure);
                    }
                }
                Ok(response) => {
                    let status = response.status();
                    if self.is_forgotten(response).await {
                        self.forgotten(Failure::Forgotten);
                        self.tell_end();
                        return;
                    }
                    if events.last().is_some() && status == StatusCode::BAD_REQUEST {
                        // It may not know the event any more.
                        events.forget_last();
                    } else if !may_change(status) {
                        return;
                    }
                    failures += 1;
                }
                Err(failure) => {
                    failures += 1;
                    self.note(&failure);
                }
            }
            sleep(wait(&events, failures)).await;
        }
    }

    fn note(&self, failure: &Failure) {
        let (upstream, unit) = (&self.outward.definition().name, self.outward.unit());
        debug!(upstream, unit, %failure, "the stream for what concerns no request broke off");
    }
}

/// Whether it is worth asking again after this status: a credential may be renewed, an upstream come back.
fn may_change(status: StatusCode) -> bool {
    let refused =
        [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    refused.contains(&status) || status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
}
