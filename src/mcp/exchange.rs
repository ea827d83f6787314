//! One request on its way to an answer: what each method does.

use super::dispatcher::{Dispatcher, Step};
use super::failures::{missing, no_such_level, not_found};
use super::features::{completing, no_such_reference, unknown};
use super::lists::{self, PageOf};
use super::params::Params;
use super::proxy::Proxied;
use super::running::Running;
use super::subscriptions;
use super::work::nobody;
use crate::session::{Announcer, Channel, InFlight, NotAdmitted, OwnWords, Session};
use crate::tenancy::{Principal, TenantScope};
use crate::tools::{Arguments, Asker, Context, Members, Prompts, Reporter, Resources};
use crate::upstream::{List, Logs, Upstreams};
use crate::wire::{self, Answer, Capabilities, Era, ErrorCode, RequestId, WireError};
use serde_json::value::RawValue;
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
    /// Its parameters, as they came.
    pub(super) raw: Option<&'a RawValue>,
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
        let proxied = match method {
            "tools/call" | "ping" => None,
            _ => match self.proxied(method, params) {
                Ok(proxied) => proxied,
                Err(error) => return Err(self.fail(error)),
            },
        };
        let features = &self.dispatcher.features;
        let beyond = features.upstreams.are_possible();
        match (method, self.era) {
            ("tools/call", _) => self.call(params),
            ("tools/list", _) => self.tools(params, proxied),
            ("resources/list" | "resources/templates/list" | "resources/read", _)
                if beyond || !features.resources.is_empty() =>
            {
                self.resources(method, params, proxied)
            }
            ("prompts/list" | "prompts/get", _) if beyond || !features.prompts.is_empty() => {
                self.prompts(method, params, proxied)
            }
            ("completion/complete", _) if beyond || !features.completions.is_empty() => self.complete(params, proxied),
            ("server/discover", Era::Modern) => self.discover(proxied),
            ("subscriptions/listen", Era::Modern) => self.listen(params, proxied),
            ("server/discover" | "subscriptions/listen", Era::Legacy) => {
                let message = format!(
                    r#"Invalid params: {method} needs _meta with "io.modelcontextprotocol/protocolVersion" and "io.modelcontextprotocol/clientCapabilities""#
                );
                Err(self.fail(WireError::invalid_params(message)))
            }
            ("initialize", Era::Legacy) => self.initialize(params),
            ("ping", Era::Legacy) => Ok(Step::Answer(self.answer().members(""))),
            ("logging/setLevel", Era::Legacy) => self.set_level(params),
            ("resources/subscribe", Era::Legacy) if beyond || !features.resources.is_empty() => {
                let uri = self.required(params.uri.as_deref(), "uri")?;
                let (manager, session) = (Arc::clone(&self.dispatcher.manager), Arc::clone(self.session()));
                self.run(params, |features, context, _| async move {
                    let upstreams = proxied.as_ref();
                    subscriptions::subscribe(&features, &manager, &session, &context, upstreams, uri).await?;
                    Ok((Members::new(""), false))
                })
            }
            ("resources/unsubscribe", Era::Legacy) => {
                let uri = self.required(params.uri.as_deref(), "uri")?;
                subscriptions::unsubscribe(self.session(), &uri);
                Ok(Step::Answer(self.answer().members("")))
            }
            ("dev.sessile/resume", _) if self.dispatcher.manager.limits().resume.enabled => {
                Err(self.fail(WireError::new(ErrorCode::InvalidRequest, wire::RESUME_FIRST)))
            }
            // What both eras know is nobody else's to know.
            _ => match proxied.filter(|_| !wire::is_core(method)) {
                Some(proxied) => Ok(Step::Run(Running::new(self.in_flight, self.era, proxied.other()))),
                None => {
                    let message = format!("Method not found: {method}");
                    Err(self.fail(WireError::new(ErrorCode::MethodNotFound, message)))
                }
            },
        }
    }

    fn initialize(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let requested = self.required(params.protocol_version.as_deref(), "protocolVersion")?;
        let version = wire::negotiate(&requested);
        let name = params.client_info.map(|raw| lists::client_name(raw.get())).unwrap_or_default();
        let capabilities = params.capabilities.map(|raw| Capabilities::read(raw.get())).unwrap_or_default();
        let said = |raw: Option<&RawValue>| raw.map(|raw| raw.get().to_owned()).unwrap_or_default();
        let (implementation, declared) = (said(params.client_info), said(params.capabilities));
        tracing::info!(session = %self.session().id(), client = %name, version, "initialized");
        self.session().with_client(|client| {
            client.name = name;
            client.version = version;
            client.capabilities = capabilities;
            client.own_words = Some(Arc::new(OwnWords { implementation, capabilities: declared }));
        });
        let said = match self.proxied("initialize", params) {
            Ok(said) => said,
            Err(error) => return Err(self.fail(error)),
        };
        let Some(proxied) = said else {
            return Ok(Step::Answer(self.answer().members(&self.dispatcher.features.initialize(version, None))));
        };
        let (answer, features) = (self.answer(), Arc::clone(&self.dispatcher.features));
        let work = async move { answer.members(&features.initialize(version, Some(proxied.abilities().await))) };
        Ok(Step::Run(Running::new(self.in_flight, self.era, Box::pin(work))))
    }

    fn discover(self, proxied: Option<Proxied>) -> Result<Step, (RequestId, WireError)> {
        let Some(proxied) = proxied else {
            let discovered = self.dispatcher.features.discover(None);
            // With upstreams it depends on who asks.
            let public = !self.dispatcher.features.upstreams.are_possible();
            let ttl = if public { 3_600_000 } else { 60_000 };
            return Ok(Step::Answer(self.answer().cacheable(&discovered, ttl, public)));
        };
        let (answer, features) = (self.answer(), Arc::clone(&self.dispatcher.features));
        let work = async move {
            let discovered = features.discover(Some(proxied.abilities().await));
            answer.cacheable(&discovered, 60_000, false)
        };
        Ok(Step::Run(Running::new(self.in_flight, self.era, Box::pin(work))))
    }

    fn set_level(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let level = self.required(params.level.as_deref(), "level")?;
        let Some(level) = Reporter::level(&level) else {
            return Err(self.fail(no_such_level(&level)));
        };
        self.session().with_client(|client| client.log_level = Some(level));
        let name = Logs::From(level).name().unwrap_or("debug");
        for peer in Upstreams::of_session(self.session()).iter().filter_map(|slot| slot.open_peer()) {
            if peer.era() == Era::Legacy && peer.agreed().is_some_and(|agreed| agreed.has("logging")) {
                peer.set_level(name);
            }
        }
        Ok(Step::Answer(self.answer().members("")))
    }

    fn tools(self, params: &Params<'_>, proxied: Option<Proxied>) -> Result<Step, (RequestId, WireError)> {
        let role = self.principal().map(Principal::role);
        if params.cursor.is_some() {
            return Err(self.fail(lists::no_such_cursor()));
        }
        // What can be called changes with sign-in, so nobody may keep the list.
        let list = Arc::clone(self.dispatcher.features.registry.list(role));
        let Some(proxied) = proxied else {
            return Ok(Step::Answer(self.answer().cacheable(&list, 0, false)));
        };
        let answer = self.answer();
        let work = async move {
            let more = proxied.listed(List::Tools).await.unwrap_or_default();
            answer.cacheable(&lists::longer(&list, &more), 0, false)
        };
        Ok(Step::Run(Running::new(self.in_flight, self.era, Box::pin(work))))
    }

    fn resources(
        self,
        method: &str,
        params: &Params<'_>,
        proxied: Option<Proxied>,
    ) -> Result<Step, (RequestId, WireError)> {
        let (member, page, list): (_, PageOf<dyn Resources>, _) = match method {
            "resources/read" => {
                let uri = self.required(params.uri.as_deref(), "uri")?;
                let (what, missing) = (uri.clone(), not_found(&uri, self.era));
                let otherwise = self.otherwise(proxied, missing, |proxied| proxied.about(what.clone()));
                return self.run_asking(method, &what, params, otherwise, |features, context, era| async move {
                    Ok(features.read(&context, &uri, era).await?.map(|members| (members, true)))
                });
            }
            "resources/list" => ("resources", <dyn Resources>::list, List::Resources),
            _ => ("resourceTemplates", <dyn Resources>::templates, List::Templates),
        };
        if self.era == Era::Legacy && method == "resources/list" {
            subscriptions::watch_list(&self.dispatcher.manager, self.session());
        }
        let cursor = params.cursor.as_deref().map(str::to_owned);
        self.run(params, move |features, context, era| async move {
            let listed = lists::list(&features.resources, page, context, cursor, era).await?;
            Ok((listed.with(member, proxied, list).await, true))
        })
    }

    fn prompts(
        self,
        method: &str,
        params: &Params<'_>,
        proxied: Option<Proxied>,
    ) -> Result<Step, (RequestId, WireError)> {
        if method == "prompts/get" {
            let name = self.required(params.name.as_deref(), "name")?;
            let arguments = Arguments(params.arguments.map_or("{}", RawValue::get).to_owned());
            let (what, missing) = (name.clone(), unknown("prompt", &name, "prompts/list"));
            let otherwise = self.otherwise(proxied, missing, |proxied| proxied.named(what.clone()));
            return self.run_asking(method, &what, params, otherwise, |features, context, era| async move {
                Ok(features.prompt(&context, &name, &arguments, era).await?.map(|members| (members, false)))
            });
        }
        let cursor = params.cursor.as_deref().map(str::to_owned);
        self.run(params, |features, context, era| async move {
            let page: PageOf<dyn Prompts> = <dyn Prompts>::list;
            let listed = lists::list(&features.prompts, page, context, cursor, era).await?;
            Ok((listed.with("prompts", proxied, List::Prompts).await, true))
        })
    }

    fn complete(self, params: &Params<'_>, proxied: Option<Proxied>) -> Result<Step, (RequestId, WireError)> {
        let reference = self.required(params.reference.map(RawValue::get), "ref")?;
        let argument = self.required(params.argument.map(RawValue::get), "argument")?;
        let wanted = match completing(&reference, &argument, params.context.map(|raw| raw.get().to_owned())) {
            Ok(wanted) => wanted,
            Err(error) => return Err(self.fail(error)),
        };
        let otherwise = self.otherwise(proxied, no_such_reference(&wanted.reference), Proxied::completing);
        match self.context(params, nobody()) {
            Ok(context) => {
                let work = self.work(context, otherwise, |features, context, era| async move {
                    Ok(features.complete(&context, &wanted, era).await?.map(|members| (members, false)))
                });
                Ok(Step::Run(Running::new(self.in_flight, self.era, work)))
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    fn listen(self, params: &Params<'_>, proxied: Option<Proxied>) -> Result<Step, (RequestId, WireError)> {
        let filter = self.required(params.notifications.map(RawValue::get), "notifications")?;
        let (dispatcher, session) = (Arc::clone(self.dispatcher), Arc::clone(self.session()));
        let context = match self.context(params, nobody()) {
            Ok(context) => context,
            Err(error) => return Err(self.fail(error)),
        };
        let (id, in_flight) = (self.id, self.in_flight);
        let work = async move {
            let (features, manager) = (&dispatcher.features, &dispatcher.manager);
            let listening =
                subscriptions::listen(features, manager, &session, &context, proxied.as_ref(), &id, &filter);
            match listening.await {
                Ok(acknowledged) => acknowledged.into(),
                Err(error) => Answer::to(&id, Era::Modern).error(&error),
            }
        };
        Ok(Step::Run(Running::new(in_flight, Era::Modern, Box::pin(work))))
    }

    pub(super) fn context(&self, params: &Params<'_>, asker: Asker) -> Result<Context, WireError> {
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
