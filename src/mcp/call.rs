//! `tools/call`: who may, and with what.

use super::dispatcher::{Step, standing};
use super::exchange::Exchange;
use super::failures::{missing, no_such_level};
use super::features::unknown;
use super::params::Params;
use super::running::{Running, Work, guarded};
use crate::error::{Error, Result};
use crate::observe::{Asked, Call};
use crate::tenancy::Principal;
use crate::tools::{Access, Invocation, Reporter, Run, Tool};
use crate::wire::{Era, Frame, Outcome, RequestId, WireError};
use serde_json::value::RawValue;
use std::sync::Arc;

impl Exchange<'_> {
    pub(super) fn call(mut self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let Some(name) = params.name.as_deref() else {
            return Err(self.fail(missing("name")));
        };
        let Some(tool) = self.dispatcher.features.registry.get(name) else {
            return self.call_upstream(name, params);
        };
        let reporter = match self.reporter(params) {
            Ok(reporter) => reporter,
            Err(error) => return Err(self.fail(error)),
        };
        self.session().count_call();
        let seen = self.seen(name, params);
        if let Err(error) = self.check_access(tool) {
            return Ok(Step::Answer(over(seen, self.answer().tool_error(&error))));
        }
        let asking = match tool.asks.then(|| self.asking("tools/call", name, params, false)).transpose() {
            Ok(asking) => asking,
            Err(error) => return Err(self.fail(error)),
        };
        let answer = self.answer();
        let invocation = Invocation {
            manager: Arc::clone(&self.dispatcher.manager),
            channel: self.channel.clone(),
            scope: self.scope.take(),
            reporter,
            upstreams: Arc::clone(&self.dispatcher.features.upstreams),
            era: self.era,
            asker: asking.as_ref().map(|asking| asking.asker.clone()),
        };
        let arguments = params.arguments.map_or("{}", RawValue::get);
        // Arguments are read here already, by code of the tool's own.
        let run = match guarded(Some(&self.id), || tool.run(invocation, arguments, answer)) {
            Ok(run) => run,
            Err(error) => {
                seen.finish(Outcome::Error(error.code).word());
                return Err(self.fail(error));
            }
        };
        let work = match (run, asking) {
            (Run::Done(answer), _) => return Ok(Step::Answer(over(seen, answer))),
            (Run::Running(work), None) => work,
            (Run::Running(work), Some(asking)) => asking.run(work),
        };
        if tool.exclusive {
            let work = self.noting_lists(work);
            return Ok(Step::Run(Running::new(self.in_flight, self.era, work).exclusive().seen(seen)));
        }
        Ok(Step::Run(Running::new(self.in_flight, self.era, work).seen(seen)))
    }

    /// The call of a built-in tool, as it is seen from outside.
    fn seen(&self, tool: &str, params: &Params<'_>) -> Call {
        let (tenant, session) = (self.principal().map(Principal::tenant), self.session().id());
        let tenant = tenant.as_ref().map(|tenant| tenant as _);
        let parent = params.trace_context();
        let asked = Asked { tenant, session: &session, tool, parent: parent.as_ref() };
        Call::built_in(self.dispatcher.manager.metrics(), asked)
    }

    /// A tool of nobody here.
    fn call_upstream(self, name: &str, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let proxied = match self.proxied("tools/call", params) {
            Ok(proxied) => proxied,
            Err(error) => return Err(self.fail(error)),
        };
        match proxied {
            Some(proxied) => {
                self.session().count_call();
                let work = proxied.named(name.to_owned());
                Ok(Step::Run(Running::new(self.in_flight, self.era, work)))
            }
            None => Err(self.fail(unknown("tool", name, "tools/list"))),
        }
    }

    fn check_access(&self, tool: &Tool) -> Result<()> {
        let role = self.principal().map(Principal::role);
        if tool.access.allows(role) {
            return Ok(());
        }
        let name = &tool.name;
        Err(match (self.principal(), tool.access) {
            (Some(principal), Access::Role(least)) => Error::NotAllowed(format!(
                "{name} needs the role {least} or a higher one, and you are {} of {}. Ask an admin or an owner of the tenant.",
                principal.role().with_article(),
                principal.tenant_name(),
            )),
            _ if self.channel.is_per_request() => Error::NotSignedIn(format!(
                "{name} needs a sign-in, and this request brought none. Send a token with it, as Authorization: Bearer and the token: an API key, or the access token that auth_sign_in or auth_sign_up gives."
            )),
            _ => Error::NotSignedIn(format!(
                "{name} needs a sign-in, and nobody is signed in on this connection. Call auth_sign_in with email and password first, or auth_sign_up to create an account."
            )),
        })
    }

    /// Has the client told which lists a call changed that may change who is signed in.
    fn noting_lists(&self, work: Work) -> Work {
        let (dispatcher, session) = (Arc::clone(self.dispatcher), Arc::clone(self.session()));
        let before = standing(&session);
        Box::pin(async move {
            let answer = work.await;
            dispatcher.note_lists(&session, before);
            answer
        })
    }

    pub(super) fn reporter(&self, params: &Params<'_>) -> Result<Reporter, WireError> {
        let token = params.progress_token()?;
        let log_level = match (self.era, params.meta.as_ref().and_then(|meta| meta.log_level.as_deref())) {
            (Era::Modern, Some(level)) => Some(Reporter::level(level).ok_or_else(|| no_such_level(level))?),
            (Era::Modern, None) => None,
            (Era::Legacy, _) => self.session().log_level(),
        };
        let max_queued_bytes = self.dispatcher.manager.limits().max_queued_bytes;
        Ok(Reporter::new(self.channel, token, log_level, max_queued_bytes))
    }
}

/// A call that did not have to wait is over.
fn over(seen: Call, answer: Frame) -> Frame {
    seen.finish(answer.outcome.word());
    answer
}
