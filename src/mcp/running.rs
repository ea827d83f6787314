//! A call under way.

use crate::observe::Call;
use crate::session::InFlight;
use crate::wire::{Answer, Era, ErrorCode, Frame, RequestId, WireError};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The work of a call: it gives the frame to answer with, or an empty one for no answer.
pub(super) type Work = Pin<Box<dyn Future<Output = Frame> + Send>>;

/// A call that may have to wait. It runs where it is polled and ends where it is dropped; it gives
/// the frame to answer with, if there is one.
pub struct Running {
    /// Its hold on its request's id.
    in_flight: Option<InFlight>,
    era: Era,
    exclusive: bool,
    /// How it is seen from outside, if it is a tool's.
    seen: Option<Call>,
    work: Work,
}

impl Running {
    pub(super) fn new(in_flight: Option<InFlight>, era: Era, work: Work) -> Self {
        Self { in_flight, era, exclusive: false, seen: None, work }
    }

    pub(super) fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    pub(super) fn seen(mut self, call: Call) -> Self {
        self.seen = Some(call);
        self
    }

    /// The id of its request; a batch has none.
    #[must_use]
    pub fn id(&self) -> Option<&RequestId> {
        self.in_flight.as_ref().map(InFlight::id)
    }

    /// Whether the messages behind it have to wait for it.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.exclusive
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Future for Running {
    type Output = Option<Frame>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        let Self { in_flight, era, work, seen, .. } = &mut *self;
        let id = in_flight.as_ref().map(InFlight::id);
        let frame = match guarded(id, || work.as_mut().poll(cx)) {
            Ok(poll) => ready!(poll),
            Err(error) => {
                let answer = id.map_or_else(|| Answer::to_nobody(false), |id| Answer::to(id, *era));
                answer.error(&error)
            }
        };
        if let Some(call) = seen.take() {
            call.finish(frame.outcome.word());
        }
        Poll::Ready((!frame.is_none()).then_some(frame))
    }
}

/// Does a part of a call. A panic is an internal error to the caller, and nothing to anyone else:
/// the work is not gone on with, and what it shares with others is behind locks that do not poison.
pub(super) fn guarded<T>(id: Option<&RequestId>, work: impl FnOnce() -> T) -> Result<T, WireError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        tracing::error!(request = ?id, "a call panicked");
        WireError::new(ErrorCode::Internal, crate::wire::INTERNAL)
    })
}
