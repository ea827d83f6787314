//! A call under way, and what it says before its answer.

use super::sse::{self, COMMENT, Pulse};
use crate::mcp::Running;
use crate::session::Mailbox;
use crate::wire::Frame;
use bytes::Bytes;
use futures_util::Stream;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// After this long, a client that takes a stream gets one, though there is nothing to say yet: so nobody in
/// between gives the connection up, and one that is cut can be resumed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A call, with the mailbox for what it says.
pub(super) struct Call<H = ()> {
    running: Running,
    mailbox: Arc<Mailbox>,
    /// What it is held by while it runs.
    pub(super) hold: H,
    /// Its answer, while what it said before is on its way.
    answer: Option<Option<Frame>>,
}

/// By what a call can be given up.
pub(super) trait Hold: Unpin {
    /// Whether it was given up; else the task of this context is woken when it is.
    fn is_given_up(&self, cx: &Context<'_>) -> bool;
}

impl Hold for () {
    fn is_given_up(&self, _: &Context<'_>) -> bool {
        false
    }
}

/// What a call said.
pub(super) enum Said {
    /// Messages ahead of the answer.
    Messages(Vec<String>),
    /// The answer, if it gives one.
    Answer(Option<Frame>),
    /// It was given up: nothing more comes of it.
    Nothing,
}

/// What a request is answered with.
pub(super) enum First {
    /// An answer, if there is one.
    Answer(Option<Frame>),
    /// A stream that begins with these messages.
    Stream(Vec<String>),
}

impl Call {
    pub(super) fn new(running: Running, mailbox: Arc<Mailbox>) -> Self {
        Self { running, mailbox, hold: (), answer: None }
    }

    /// What is decided without waiting; none when nothing is yet.
    pub(super) async fn at_once(&mut self, may_stream: bool) -> Option<First> {
        poll_fn(|cx| {
            Poll::Ready(loop {
                match self.poll_said(cx) {
                    Poll::Ready(Said::Messages(messages)) if may_stream => break Some(First::Stream(messages)),
                    Poll::Ready(Said::Messages(_)) => {}
                    Poll::Ready(Said::Answer(answer)) => break Some(First::Answer(answer)),
                    Poll::Ready(Said::Nothing) => break Some(First::Answer(None)),
                    Poll::Pending => break None,
                }
            })
        })
        .await
    }

    pub(super) fn held_by<H: Hold>(self, hold: impl FnOnce(&Running) -> H) -> Call<H> {
        let hold = hold(&self.running);
        Call { running: self.running, mailbox: self.mailbox, hold, answer: self.answer }
    }
}

impl<H: Hold> Call<H> {
    pub(super) fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<Said> {
        if let Some(answer) = self.answer.take() {
            return Poll::Ready(Said::Answer(answer));
        }
        if self.hold.is_given_up(cx) {
            return Poll::Ready(Said::Nothing);
        }
        self.mailbox.watch(cx);
        let polled = Pin::new(&mut self.running).poll(cx);
        if self.mailbox.overflowed() {
            return Poll::Ready(Said::Nothing);
        }
        let messages = self.mailbox.take();
        match polled {
            Poll::Ready(answer) if messages.is_empty() => Poll::Ready(Said::Answer(answer)),
            Poll::Ready(answer) => {
                self.answer = Some(answer);
                Poll::Ready(Said::Messages(messages))
            }
            Poll::Pending if messages.is_empty() => Poll::Pending,
            Poll::Pending => Poll::Ready(Said::Messages(messages)),
        }
    }

    /// Waits for what decides how the request is answered.
    pub(super) async fn first(&mut self, may_stream: bool, patient: bool) -> First {
        let mut patience: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            loop {
                match self.poll_said(cx) {
                    Poll::Ready(Said::Messages(messages)) if may_stream => {
                        return Poll::Ready(First::Stream(messages));
                    }
                    // This client takes the answer only.
                    Poll::Ready(Said::Messages(_)) => {}
                    Poll::Ready(Said::Answer(answer)) => return Poll::Ready(First::Answer(answer)),
                    Poll::Ready(Said::Nothing) => return Poll::Ready(First::Answer(None)),
                    Poll::Pending => break,
                }
            }
            if patient {
                return Poll::Pending;
            }
            let patience = patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
            patience.as_mut().poll(cx).map(|()| First::Stream(Vec::new()))
        })
        .await
    }
}

/// A call whose stream is all there is of it: dropped, it is cancelled.
pub(super) struct CallStream {
    call: Call,
    first: Vec<String>,
    done: bool,
    pulse: Pulse,
}

impl CallStream {
    pub(super) fn new(call: Call, first: Vec<String>, every: Duration) -> Self {
        Self { call, first, done: false, pulse: Pulse::new(every) }
    }
}

impl Stream for CallStream {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = &mut *self;
        if this.done {
            return Poll::Ready(None);
        }
        let said = match std::mem::take(&mut this.first) {
            first if first.is_empty() => this.call.poll_said(cx),
            first => Poll::Ready(Said::Messages(first)),
        };
        match said {
            Poll::Ready(Said::Messages(messages)) => {
                let events: String = messages.iter().map(|message| sse::event(None, message)).collect();
                Poll::Ready(Some(events.into()))
            }
            Poll::Ready(Said::Answer(answer)) => {
                this.done = true;
                Poll::Ready(answer.map(|frame| sse::event(None, &frame.text).into()))
            }
            Poll::Ready(Said::Nothing) => Poll::Ready(None),
            Poll::Pending => this.pulse.poll_beat(cx).map(|()| Some(COMMENT)),
        }
    }
}
