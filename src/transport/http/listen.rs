//! The stream of a `subscriptions/listen` request: open until the client goes, the server stops, or whoever
//! asked may not listen any more.

use super::sse::{self, COMMENT, Pulse};
use crate::mcp::{Dispatcher, Running};
use crate::session::{EndReason, Open};
use bytes::Bytes;
use futures_util::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// A subscription and the session that is registered for it.
pub(super) struct ListenStream {
    open: Open,
    dispatcher: Arc<Dispatcher>,
    queue: Vec<String>,
    reviewing: Option<Running>,
    outgoing: bool,
    done: bool,
    opened: Instant,
    pulse: Pulse,
}

impl ListenStream {
    /// A stream that begins with the message that acknowledges the subscription.
    pub(super) fn new(open: Open, dispatcher: Arc<Dispatcher>, acknowledged: String) -> Self {
        let pulse = Pulse::new(dispatcher.manager().limits().ping_interval);
        let (queue, opened) = (vec![acknowledged], Instant::now());
        Self { open, dispatcher, queue, reviewing: None, outgoing: true, done: false, opened, pulse }
    }

    /// Ends the subscription in order: the request gets its answer.
    fn end(&mut self, reason: EndReason) {
        tracing::info!(session = %self.open.id(), %reason, "subscription ended");
        self.queue.extend(self.dispatcher.farewell(&self.open));
        self.done = true;
    }

    fn is_stranger_for_too_long(&self) -> bool {
        !self.open.is_signed_in() && self.opened.elapsed() >= self.dispatcher.manager().limits().unauthenticated
    }

    /// Takes note of what others want of the session.
    fn attend(&mut self, cx: &mut Context<'_>) {
        self.open.watch_for_attention(cx);
        if let Some(running) = &mut self.reviewing
            && Pin::new(running).poll(cx).is_ready()
        {
            self.reviewing = None;
            self.outgoing = true;
        }
        if self.open.take_attention() {
            self.outgoing = true;
        }
        // A review is asked for when something changed; and what was proved may end by itself.
        if self.reviewing.is_none() && (self.open.take_review() || self.open.is_stale()) {
            let mut running = self.dispatcher.reviewing(&self.open);
            self.outgoing = true;
            if Pin::new(&mut running).poll(cx).is_pending() {
                self.reviewing = Some(running);
            }
        }
        if let Some(reason) = self.open.ended() {
            self.end(reason);
        } else if self.reviewing.is_none() && std::mem::take(&mut self.outgoing) {
            self.queue.extend(self.dispatcher.outgoing(&self.open));
        }
    }
}

impl Drop for ListenStream {
    fn drop(&mut self) {
        if !self.done {
            tracing::info!(session = %self.open.id(), reason = %EndReason::ClientClosed, "subscription ended");
        }
    }
}

impl Stream for ListenStream {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = &mut *self;
        if this.queue.is_empty() && !this.done {
            this.attend(cx);
        }
        if !this.queue.is_empty() {
            let events: String = this.queue.drain(..).map(|message| sse::event(None, &message)).collect();
            return Poll::Ready(Some(events.into()));
        }
        if this.done {
            return Poll::Ready(None);
        }
        std::task::ready!(this.pulse.poll_beat(cx));
        if this.is_stranger_for_too_long() {
            this.end(EndReason::NotSignedIn);
        }
        // Polled again at once, it looks whether what was proved still stands.
        Poll::Ready(Some(COMMENT))
    }
}
