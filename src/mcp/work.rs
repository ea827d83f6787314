//! What providers do for a request, and who is asked when they have nothing to do with it.

use super::dispatcher::Step;
use super::exchange::Exchange;
use super::features::Features;
use super::params::Params;
use super::proxy::Proxied;
use super::running::{Running, Work};
use crate::tools::{Asker, Context, Keep, Members, Round};
use crate::wire::{self, Capabilities, Era, ErrorCode, RequestId, WireError};
use std::future::Future;
use std::sync::Arc;

/// What comes of a request for what nobody here has.
pub(super) enum Otherwise {
    /// An upstream is asked.
    Asks(Work),
    /// It is refused.
    Fails(WireError),
}

impl Exchange<'_> {
    /// What is answered when nobody here has what is meant.
    pub(super) fn otherwise(
        &self,
        proxied: Option<Proxied>,
        missing: WireError,
        pass: impl FnOnce(Proxied) -> Work,
    ) -> Otherwise {
        match proxied {
            Some(proxied) => Otherwise::Asks(pass(proxied)),
            None => Otherwise::Fails(missing),
        }
    }

    /// Runs what gives the members of a result, and whether it is one that may be kept.
    pub(super) fn run<F>(
        self,
        params: &Params<'_>,
        start: impl FnOnce(Arc<Features>, Context, Era) -> F,
    ) -> Result<Step, (RequestId, WireError)>
    where
        F: Future<Output = Result<(Members, bool), WireError>> + Send + 'static,
    {
        match self.context(params, nobody()) {
            Ok(context) => {
                let nothing = Otherwise::Fails(WireError::new(ErrorCode::Internal, wire::INTERNAL));
                let work = self.work(context, nothing, |features, context, era| {
                    let running = Box::pin(start(features, context, era));
                    async move { running.await.map(Some) }
                });
                Ok(Step::Run(Running::new(self.in_flight, self.era, work)))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// The same for what may ask the client for something, or may be somebody else's.
    pub(super) fn run_asking<F>(
        self,
        method: &str,
        what: &str,
        params: &Params<'_>,
        otherwise: Otherwise,
        start: impl FnOnce(Arc<Features>, Context, Era) -> F,
    ) -> Result<Step, (RequestId, WireError)>
    where
        F: Future<Output = Result<Option<(Members, bool)>, WireError>> + Send + 'static,
    {
        let foreign_states = matches!(otherwise, Otherwise::Asks(_));
        let prepared = self.asking(method, what, params, foreign_states).and_then(|asking| {
            let context = self.context(params, asking.asker.clone())?;
            Ok((asking, context))
        });
        match prepared {
            Ok((asking, context)) => {
                let work = asking.run(self.work(context, otherwise, start));
                Ok(Step::Run(Running::new(self.in_flight, self.era, work)))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    pub(super) fn work<F>(
        &self,
        context: Context,
        otherwise: Otherwise,
        start: impl FnOnce(Arc<Features>, Context, Era) -> F,
    ) -> Work
    where
        F: Future<Output = Result<Option<(Members, bool)>, WireError>> + Send + 'static,
    {
        let answer = self.answer();
        // Boxed: a future that another one waits for is held twice by that.
        let running = Box::pin(start(Arc::clone(&self.dispatcher.features), context, self.era));
        Box::pin(async move {
            match running.await {
                Ok(Some((Members { json, keep: Keep { ttl, public } }, true))) => {
                    answer.cacheable(&json, u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX), public)
                }
                Ok(Some((members, false))) => answer.members(&members.json),
                Ok(None) => match otherwise {
                    Otherwise::Asks(work) => work.await,
                    Otherwise::Fails(error) => answer.error(&error),
                },
                Err(error) => answer.error(&error),
            }
        })
    }
}

/// For requests on which nobody may be asked.
pub(super) fn nobody() -> Asker {
    Asker::in_rounds(Capabilities::default(), Round::default())
}
