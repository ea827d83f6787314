//! One request on its way to an answer: what each method does.

use super::dispatcher::{Dispatcher, Step};
use super::failures::{missing, no_such_level};
use super::features::{Features, completing};
use super::lists::{self, PageOf};
use super::params::Params;
use super::running::{Running, Work};
use super::subscriptions;
use crate::session::{Announcer, Channel, InFlight, NotAdmitted, Session};
use crate::tenancy::{Principal, TenantScope};
use crate::tools::{Arguments, Asker, Context, Keep, Members, Prompts, Reporter, Resources, Round};
use crate::wire::{self, Answer, Capabilities, Era, ErrorCode, RequestId, WireError};
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
    /// Its hold on its id, once it has been let.
    pub(super) in_flight: Option<InFlight>,
    pub(super) era: Era,
}

impl Exchange<'_> {
    pub(super) fn serve(mut self, method: &str, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let limit = self.dispatcher.manager.limits().max_calls_in_flight;
        self.in_flight = match self.session().admit(&self.id, limit) {
            Ok(in_flight) => Some(in_flight),
            Err(NotAdmitted::IdInUse) => {
                let message = format!("Invalid request: a request with the id {} has no answer yet", self.id);
                return Err(self.fail(WireError::new(ErrorCode::InvalidRequest, message)));
            }
            Err(NotAdmitted::TooMany) => {
                self.dispatcher.manager.metrics().limit_hit("limits.max_calls_in_flight");
                let message =
                    format!("{limit} requests of this connection run already, which is the limit; wait for an answer");
                return Err(self.fail(WireError::new(ErrorCode::Internal, message)));
            }
        };
        if self.era == Era::Modern {
            if let Err(error) = params.check_modern() {
                return Err(self.fail(error));
            }
        } else {
            self.session().set_legacy();
        }
        if let Some(too_soon) = self.too_soon(method) {
            return too_soon;
        }
        let features = &self.dispatcher.features;
        match (method, self.era) {
            ("tools/call", _) => self.call(params),
            ("tools/list", _) => self.tools(params),
            ("resources/list" | "resources/templates/list" | "resources/read", _) if !features.resources.is_empty() => {
                self.resources(method, params)
            }
            ("prompts/list" | "prompts/get", _) if !features.prompts.is_empty() => self.prompts(method, params),
            ("completion/complete", _) if !features.completions.is_empty() => {
                let reference = self.required(params.reference.map(RawValue::get), "ref")?;
                let argument = self.required(params.argument.map(RawValue::get), "argument")?;
                let wanted = completing(&reference, &argument, params.context.map(|raw| raw.get().to_owned()));
                self.run(params, |features, context, era| async move {
                    Ok((features.complete(context, wanted, era).await?, false))
                })
            }
            ("server/discover", Era::Modern) => {
                let discovered = self.dispatcher.features.discover();
                Ok(Step::Answer(self.answer().cacheable(&discovered, 3_600_000, true)))
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
            ("resources/subscribe", Era::Legacy) if !features.resources.is_empty() => {
                let uri = self.required(params.uri.as_deref(), "uri")?;
                let (manager, session) = (Arc::clone(&self.dispatcher.manager), Arc::clone(self.session()));
                self.run(params, |features, context, _| async move {
                    Ok((subscriptions::subscribe(&features, &manager, &session, &context, uri).await?, false))
                })
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
        let capabilities = params.capabilities.map(|raw| Capabilities::read(raw.get())).unwrap_or_default();
        tracing::info!(session = %self.session().id(), client = %name, version, "initialized");
        self.session().with_client(|client| {
            client.name = name;
            client.version = version;
            client.capabilities = capabilities;
        });
        Ok(Step::Answer(self.answer().members(&self.dispatcher.features.initialize(version))))
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
        if params.cursor.is_some() {
            return Err(self.fail(lists::no_such_cursor()));
        }
        // What can be called changes with sign-in, so nobody may keep the list.
        let list = Arc::clone(self.dispatcher.features.registry.list(role));
        Ok(Step::Answer(self.answer().cacheable(&list, 0, false)))
    }

    fn resources(self, method: &str, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let list: (_, PageOf<dyn Resources>) = match method {
            "resources/read" => {
                let uri = self.required(params.uri.as_deref(), "uri")?;
                let what = uri.clone();
                return self.run_asking(method, &what, params, |features, context, era| async move {
                    Ok((features.read(context, uri, era).await?, true))
                });
            }
            "resources/list" => ("resources", <dyn Resources>::list),
            _ => ("resourceTemplates", <dyn Resources>::templates),
        };
        if self.era == Era::Legacy && method == "resources/list" {
            subscriptions::watch_list(&self.dispatcher.manager, self.session());
        }
        let cursor = params.cursor.as_deref().map(str::to_owned);
        self.run(params, move |features, context, era| async move {
            Ok((lists::list(list.0, &features.resources, list.1, context, cursor, era).await?, true))
        })
    }

    fn prompts(self, method: &str, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        if method == "prompts/get" {
            let name = self.required(params.name.as_deref(), "name")?;
            let arguments = Arguments(params.arguments.map_or("{}", RawValue::get).to_owned());
            let what = name.clone();
            return self.run_asking(method, &what, params, |features, context, era| async move {
                Ok((features.prompt(context, name, arguments, era).await?, false))
            });
        }
        let cursor = params.cursor.as_deref().map(str::to_owned);
        self.run(params, |features, context, era| async move {
            let list: PageOf<dyn Prompts> = <dyn Prompts>::list;
            Ok((lists::list("prompts", &features.prompts, list, context, cursor, era).await?, true))
        })
    }

    fn listen(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let filter = self.required(params.notifications.map(RawValue::get), "notifications")?;
        let (dispatcher, session) = (Arc::clone(self.dispatcher), Arc::clone(self.session()));
        let context = match self.context(params, nobody()) {
            Ok(context) => context,
            Err(error) => return Err(self.fail(error)),
        };
        let (id, in_flight) = (self.id, self.in_flight);
        let work = async move {
            let listening =
                subscriptions::listen(&dispatcher.features, &dispatcher.manager, &session, &context, &id, &filter);
            match listening.await {
                Ok(acknowledged) => acknowledged.into(),
                Err(error) => Answer::to(&id, Era::Modern).error(&error),
            }
        };
        Ok(Step::Run(Running::new(in_flight, Era::Modern, Box::pin(work))))
    }

    /// Runs what gives the members of a result, and whether it is one that may be kept.
    fn run<F>(
        self,
        params: &Params<'_>,
        start: impl FnOnce(Arc<Features>, Context, Era) -> F,
    ) -> Result<Step, (RequestId, WireError)>
    where
        F: Future<Output = Result<(Members, bool), WireError>> + Send + 'static,
    {
        match self.context(params, nobody()) {
            Ok(context) => {
                let work = self.work(context, start);
                Ok(Step::Run(Running::new(self.in_flight, self.era, work)))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// The same for what may ask the client for something.
    fn run_asking<F>(
        self,
        method: &str,
        what: &str,
        params: &Params<'_>,
        start: impl FnOnce(Arc<Features>, Context, Era) -> F,
    ) -> Result<Step, (RequestId, WireError)>
    where
        F: Future<Output = Result<(Members, bool), WireError>> + Send + 'static,
    {
        let prepared = self.asking(method, what, params).and_then(|asking| {
            let context = self.context(params, asking.asker.clone())?;
            Ok((asking, context))
        });
        match prepared {
            Ok((asking, context)) => {
                let work = asking.run(self.work(context, start));
                Ok(Step::Run(Running::new(self.in_flight, self.era, work)))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn work<F>(&self, context: Context, start: impl FnOnce(Arc<Features>, Context, Era) -> F) -> Work
    where
        F: Future<Output = Result<(Members, bool), WireError>> + Send + 'static,
    {
        let answer = self.answer();
        let running = start(Arc::clone(&self.dispatcher.features), context, self.era);
        Box::pin(async move {
            match running.await {
                Ok((Members { json, keep: Keep { ttl, public } }, true)) => {
                    answer.cacheable(&json, u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX), public)
                }
                Ok((members, false)) => answer.members(&members.json),
                Err(error) => answer.error(&error),
            }
        })
    }

    fn context(&self, params: &Params<'_>, asker: Asker) -> Result<Context, WireError> {
        let announcer = Announcer::new(Arc::clone(&self.dispatcher.manager));
        Ok(Context { reporter: self.reporter(params)?, scope: self.scope.clone(), asker, announcer })
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        self.channel.session()
    }

    /// Who is signed in.
    pub(super) fn principal(&self) -> Option<&Principal> {
        self.scope.as_ref().map(TenantScope::principal)
    }

    pub(super) fn answer(&self) -> Answer {
        Answer::to(&self.id, self.era).served_by(self.dispatcher.features.about.implementation.as_ref())
    }

    fn required(&self, value: Option<&str>, name: &'static str) -> Result<String, (RequestId, WireError)> {
        value.map(str::to_owned).ok_or_else(|| (self.id.clone(), missing(name)))
    }

    pub(super) fn fail(self, error: WireError) -> (RequestId, WireError) {
        (self.id, error)
    }
}

/// For requests on which nobody may be asked.
fn nobody() -> Asker {
    Asker::in_rounds(Capabilities::default(), Round::default())
}
