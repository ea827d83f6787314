//! Requests whose client is asked for something before they are answered.

use super::exchange::Exchange;
use super::failures::no_such_state;
use super::params::Params;
use super::request_state::{Belonging, Sealer, State};
use super::running::Work;
use crate::error::Result;
use crate::time::now;
use crate::tools::{Answers, Asker, Round};
use crate::wire::{Answer, Capabilities, Era, ErrorCode, Frame, INTERNAL, WireError};
use serde_json::value::RawValue;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// The way in which a request's client is asked.
pub(super) struct Asking {
    pub(super) asker: Asker,
    /// How a round ends, in the modern era.
    ending: Option<Ending>,
}

struct Ending {
    sealer: Arc<Sealer>,
    of: Belonging,
    answer: Answer,
}

impl Exchange<'_> {
    /// How to ask the client of a request for `what`: a tool, a prompt or a resource.
    ///
    /// Where an upstream may be meant, a request state that is not the server's own is not its business.
    pub(super) fn asking(
        &self,
        method: &str,
        what: &str,
        params: &Params<'_>,
        foreign_states: bool,
    ) -> Result<Asking, WireError> {
        if self.era == Era::Legacy {
            let asker = Asker::by_requests(self.channel, self.dispatcher.manager.limits());
            return Ok(Asking { asker, ending: None });
        }
        let arguments = params.arguments.map_or("{}", RawValue::get);
        let of = Belonging::new(self.principal(), method, what, arguments);
        let sealer = Arc::clone(&self.dispatcher.sealer);
        let state = match params.request_state.as_deref() {
            None => State { answers: Answers::new(), kept: None },
            Some(text) => sealer
                .open(text, &of, now())
                .or_else(|| foreign_states.then(State::default))
                .ok_or_else(no_such_state)?,
        };
        let fresh = params.input_responses.map_or(Ok(Answers::new()), |raw| serde_json::from_str(raw.get()));
        let fresh = match fresh {
            Ok(fresh) => fresh,
            // What is an upstream's is passed on as it is, and may be more than can be read here.
            Err(_) if foreign_states => Answers::new(),
            Err(_) => {
                let rule = "Invalid params: inputResponses must be an object, with an answer for each key";
                return Err(WireError::invalid_params(rule));
            }
        };
        let capabilities = params.meta.as_ref().and_then(|meta| meta.client_capabilities);
        let capabilities = capabilities.map(|raw| Capabilities::read(raw.get())).unwrap_or_default();
        let asker = Asker::in_rounds(capabilities, Round::new(fresh, state.answers, state.kept));
        Ok(Asking { asker, ending: Some(Ending { sealer, of, answer: self.answer() }) })
    }
}

impl Asking {
    /// Runs the work until it is done, or until it has asked what a modern client has not answered yet: then that is
    /// the result, and the work is dropped.
    pub(super) fn run(self, mut work: Work) -> Work {
        let Self { asker, ending } = self;
        let Some(ending) = ending else { return work };
        let mut ending = Some(ending);
        Box::pin(poll_fn(move |cx| {
            asker.watch(cx);
            if let Poll::Ready(frame) = work.as_mut().poll(cx) {
                return Poll::Ready(frame);
            }
            match asker.take_round().and_then(|round| Some((round, ending.take()?))) {
                Some(((requests, answers, kept), ending)) => {
                    Poll::Ready(ending.frame(&requests, State { answers, kept }))
                }
                None => Poll::Pending,
            }
        }))
    }
}

impl Ending {
    fn frame(self, requests: &str, state: State) -> Frame {
        match self.sealer.seal(state, &self.of, now()) {
            Ok(state) => self.answer.input_required(requests, &state),
            Err(error) => {
                tracing::error!(%error, "a round could not be ended");
                self.answer.error(&WireError::new(ErrorCode::Internal, INTERNAL))
            }
        }
    }
}
