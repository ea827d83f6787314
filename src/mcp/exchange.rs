//! One request on its way to an answer: what each method does.

use super::dispatcher::{Dispatcher, Step};
use super::lists::{self, Members};
use super::params::Params;
use super::running::Running;
use super::{completion, prompts, resources, server, subscriptions};
use crate::session::{Channel, NotAdmitted, Session};
use crate::tenancy::{Principal, TenantScope};
use crate::tools::Reporter;
use crate::wire::{self, Answer, Era, ErrorCode, RequestId, WireError};
use serde_json::value::RawValue;
use std::future::Future;
use std::sync::Arc;

/// A request on its way to an answer.
pub(super) struct Exchange<'a> {
    pub(super) dispatcher: &'a Arc<Dispatcher>,
    pub(super) channel: &'a Channel,
    /// What who is signed in may touch.
    pub(super) scope: Option<TenantScope>,
    pub(super) id: RequestId,
    pub(super) era: Era,
}

impl Exchange<'_> {
    pub(super) fn serve(self, method: &str, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let limit = self.dispatcher.manager.limits().max_calls_in_flight;
        if let Err(not_admitted) = self.session().admit(&self.id, limit) {
            let error = match not_admitted {
                NotAdmitted::IdInUse => WireError::new(
                    ErrorCode::InvalidRequest,
                    format!("Invalid request: a request with the id {} has no answer yet", self.id),
                ),
                NotAdmitted::TooMany => WireError::new(
                    ErrorCode::Internal,
                    format!("{limit} requests of this connection run already, which is the limit; wait for an answer"),
                ),
            };
            return Err(self.fail(error));
        }
        if self.era == Era::Modern {
            if let Err(error) = params.check_modern() {
                return Err(self.fail(error));
            }
        } else {
            self.session().set_legacy();
        }
        match (method, self.era) {
            ("tools/call", _) => self.call(params),
            ("tools/list", _) => self.tools(params),
            ("resources/list", _) => self.resources(params),
            ("resources/templates/list", _) => self.cached(params, lists::templates(), true),
            ("resources/read", _) => {
                let uri = self.required(params.uri.as_deref(), "uri")?;
                self.run(|scope, era| resources::read(scope, uri, era))
            }
            ("prompts/list", _) => self.cached(params, lists::prompts(), true),
            ("prompts/get", _) => {
                let name = self.required(params.name.as_deref(), "name")?;
                let arguments = params.arguments.map(|raw| raw.get().to_owned());
                self.run(|scope, _| prompts::get(scope, name, arguments))
            }
            ("completion/complete", _) => {
                let reference = self.required(params.reference.map(RawValue::get), "ref")?;
                let argument = self.required(params.argument.map(RawValue::get), "argument")?;
                self.run(|scope, _| completion::complete(scope, reference, argument))
            }
            ("server/discover", Era::Modern) => {
                Ok(Step::Answer(self.answer().cacheable(&server::discover(), 3_600_000, true)))
            }
            ("subscriptions/listen", Era::Modern) => self.listen(params),
            ("server/discover" | "subscriptions/listen", Era::Legacy) => {
                let message = format!(
                    r#"Invalid params: {method} needs _meta with "io.modelcontextprotocol/protocolVersion" and "io.modelcontextprotocol/clientCapabilities""#
                );
                Err(self.fail(WireError::invalid_params(message)))
            }
            ("initialize", Era::Legacy) => self.initialize(params),
            ("ping", Era::Legacy) => Ok(Step::Answer(self.answer().members(""))),
            ("logging/setLevel", Era::Legacy) => self.set_level(params),
            ("resources/subscribe", Era::Legacy) => {
                let uri = self.required(params.uri.as_deref(), "uri")?;
                let (manager, session) = (Arc::clone(&self.dispatcher.manager), Arc::clone(self.session()));
                self.run(|scope, _| subscriptions::subscribe(manager, session, scope, uri))
            }
            ("resources/unsubscribe", Era::Legacy) => {
                let uri = self.required(params.uri.as_deref(), "uri")?;
                subscriptions::unsubscribe(self.session(), &uri);
                Ok(Step::Answer(self.answer().members("")))
            }
            _ => {
                let message = format!("Method not found: {method}");
                Err(self.fail(WireError::new(ErrorCode::MethodNotFound, message)))
            }
        }
    }

    fn initialize(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let requested = self.required(params.protocol_version.as_deref(), "protocolVersion")?;
        let version = wire::negotiate(&requested);
        let name = params.client_info.map(|raw| lists::client_name(raw.get())).unwrap_or_default();
        tracing::info!(session = %self.session().id(), client = %name, version, "initialized");
        self.session().with_client(|client| {
            client.name = name;
            client.version = version;
        });
        Ok(Step::Answer(self.answer().members(&server::initialize(version))))
    }

    fn set_level(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let level = self.required(params.level.as_deref(), "level")?;
        let Some(level) = Reporter::level(&level) else {
            return Err(self.fail(no_such_level(&level)));
        };
        self.session().with_client(|client| client.log_level = Some(level));
        Ok(Step::Answer(self.answer().members("")))
    }

    fn tools(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let role = self.principal().map(Principal::role);
        // What can be called changes with sign-in, so nobody may keep the list.
        let list = Arc::clone(self.dispatcher.registry.list(role));
        self.cached(params, &list, false)
    }

    /// A list of one page; one that depends on nobody may be kept for an hour.
    fn cached(self, params: &Params<'_>, members: &str, public: bool) -> Result<Step, (RequestId, WireError)> {
        if params.cursor.is_some() {
            return Err(self.fail(lists::no_such_cursor()));
        }
        let ttl_ms = if public { 3_600_000 } else { 0 };
        Ok(Step::Answer(self.answer().cacheable(members, ttl_ms, public)))
    }

    fn resources(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let cursor = params.cursor.as_deref().map(str::to_owned);
        if self.era == Era::Legacy {
            subscriptions::watch_list(&self.dispatcher.manager, self.session());
        }
        self.run(|scope, era| resources::list(scope, cursor, era))
    }

    fn listen(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let filter = self.required(params.notifications.map(RawValue::get), "notifications")?;
        let (manager, session, scope) =
            (Arc::clone(&self.dispatcher.manager), Arc::clone(self.session()), self.scope.clone());
        let (id, own_id) = (self.id.clone(), self.id);
        let work = async move {
            match subscriptions::listen(&manager, &session, scope, &id, &filter).await {
                Ok(acknowledged) => acknowledged.into(),
                Err(error) => Answer::to(&id, Era::Modern).error(&error),
            }
        };
        Ok(Step::Run(Running::new(Some(own_id), Era::Modern, Box::pin(work))))
    }

    /// Runs what gives the members of a result.
    fn run<F>(self, start: impl FnOnce(Option<TenantScope>, Era) -> F) -> Result<Step, (RequestId, WireError)>
    where
        F: Future<Output = Result<Members, WireError>> + Send + 'static,
    {
        let (answer, running) = (self.answer(), start(self.scope.clone(), self.era));
        let work = async move {
            match running.await {
                Ok(members) => members.into_answer(answer),
                Err(error) => answer.error(&error),
            }
        };
        Ok(Step::Run(Running::new(Some(self.id), self.era, Box::pin(work))))
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        self.channel.session()
    }

    /// Who is signed in.
    pub(super) fn principal(&self) -> Option<&Principal> {
        self.scope.as_ref().map(TenantScope::principal)
    }

    pub(super) fn answer(&self) -> Answer {
        Answer::to(&self.id, self.era)
    }

    fn required(&self, value: Option<&str>, name: &'static str) -> Result<String, (RequestId, WireError)> {
        value.map(str::to_owned).ok_or_else(|| (self.id.clone(), missing(name)))
    }

    pub(super) fn fail(self, error: WireError) -> (RequestId, WireError) {
        (self.id, error)
    }
}

pub(super) fn missing(name: &str) -> WireError {
    WireError::invalid_params(format!("Invalid params: {name:?} is missing"))
}

pub(super) fn no_such_level(level: &str) -> WireError {
    WireError::invalid_params(format!(
        "Invalid params: {level:?} is no log level; there are debug, info, notice, warning, error, critical, alert and emergency"
    ))
}
