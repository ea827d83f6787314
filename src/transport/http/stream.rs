//! The streams of a legacy session: a call's, which goes on while its client is away, and that of what the
//! session has to say unasked.

use super::call::{Call, Said};
use super::log::{Reader, UNASKED};
use super::session::{Active, Held};
use super::sse::{self, COMMENT, Pulse};
use crate::mcp::Dispatcher;
use crate::session::EndReason;
use bytes::Bytes;
use futures_util::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_util::task::TaskTracker;

/// Runs a call to its end, whoever reads its stream; without a stream, nobody does.
pub(super) async fn run(mut call: Call<Held>, stream: Option<u64>) {
    let session = Arc::clone(call.hold.session());
    let _written = Written { session: call.hold.session().enter(), stream };
    loop {
        let said = poll_fn(|cx| call.poll_said(cx)).await;
        let Some(stream) = stream else {
            match said {
                Said::Messages(_) => continue,
                Said::Answer(_) | Said::Nothing => return,
            }
        };
        match said {
            Said::Messages(messages) => messages.iter().for_each(|message| session.logs.say(stream, message)),
            Said::Answer(answer) => {
                return answer.iter().for_each(|frame| session.logs.say(stream, &frame.text));
            }
            Said::Nothing => return,
        }
    }
}

/// A stream that somebody writes; dropping this ends it.
struct Written {
    session: Active,
    stream: Option<u64>,
}

impl Drop for Written {
    fn drop(&mut self) {
        self.stream.into_iter().for_each(|stream| self.session.logs.finish(stream));
    }
}

/// A call whose client waits for the answer: should it go, the call goes on.
pub(super) struct Awaited {
    call: Option<Call<Held>>,
    tasks: TaskTracker,
}

impl Awaited {
    pub(super) fn new(call: Call<Held>, tasks: &TaskTracker) -> Self {
        Self { call: Some(call), tasks: tasks.clone() }
    }

    pub(super) fn call(&mut self) -> Option<&mut Call<Held>> {
        self.call.as_mut()
    }

    /// Has the call go on by itself, and say on this stream what it says.
    pub(super) fn release(mut self, stream: u64) {
        if let Some(call) = self.call.take() {
            self.tasks.spawn(run(call, Some(stream)));
        }
    }

    /// Forgets the call, which has been answered.
    pub(super) fn forget(mut self) {
        self.call = None;
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.tasks.spawn(run(call, None));
        }
    }
}

/// Somebody reads a stream of a session.
pub(super) struct LogStream {
    session: Active,
    dispatcher: Arc<Dispatcher>,
    reader: Reader,
    /// What the client gets first, so that it knows where to go on.
    beginning: Option<Bytes>,
    pulse: Pulse,
}

impl LogStream {
    pub(super) fn new(session: Active, dispatcher: Arc<Dispatcher>, reader: Reader) -> Self {
        let with_data = session.open.client().is_some_and(|client| client.version >= "2025-11-25");
        let beginning = Some(sse::beginning(reader.at(), with_data));
        let pulse = Pulse::new(dispatcher.manager().limits().ping_interval);
        Self { session, dispatcher, reader, beginning, pulse }
    }

    fn is_unasked(&self) -> bool {
        self.reader.at().stream == UNASKED
    }
}

impl Stream for LogStream {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = &mut *self;
        if let Some(beginning) = this.beginning.take() {
            return Poll::Ready(Some(beginning));
        }
        match this.session.open.ended() {
            None => {}
            // A call is finished all the same.
            Some(EndReason::Draining) if !this.is_unasked() => {}
            Some(_) => return Poll::Ready(None),
        }
        if this.is_unasked() {
            for message in this.dispatcher.outgoing(&this.session.open) {
                this.session.logs.say(UNASKED, &message);
            }
        }
        if let Poll::Ready(read) = this.session.logs.poll_read(&mut this.reader, cx) {
            return Poll::Ready(read);
        }
        std::task::ready!(this.pulse.poll_beat(cx));
        // What the session was opened with has ended: whoever reads on has to show something newer.
        let stale = this.is_unasked() && this.session.open.is_stale();
        Poll::Ready((!stale).then_some(COMMENT))
    }
}
