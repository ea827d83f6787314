//! From a message to its answer.

use super::lists;
use super::params::Params;
use super::registry::Registry;
use super::running::{Running, Work, guarded};
use super::{completion, notify, prompts, resources, server, subscriptions};
use crate::error::{Error, Result};
use crate::session::{NotAdmitted, Session, SessionManager};
use crate::tenancy::{Principal, Role, TenantId, TenantScope};
use crate::tools::{Access, Reporter, Tool};
use crate::wire::{self, Answer, Era, ErrorCode, Incoming, LATEST_LEGACY, Request, RequestId, WireError};
use serde_json::value::RawValue;
use std::future::Future;
use std::sync::Arc;

/// Serves MCP for all sessions.
#[derive(Debug)]
pub struct Dispatcher {
    manager: Arc<SessionManager>,
    registry: Registry,
}

/// What is to be done about a message.
#[derive(Debug)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// Send this frame.
    Answer(String),
    /// Poll this until it gives the frame to send. An exclusive one comes first: no further
    /// message may be given to the dispatcher before it is done.
    Run(Running),
    /// Drop the running call with this id; it gets no answer.
    Cancel(RequestId),
}

/// A request on its way to an answer.
struct Exchange<'a> {
    dispatcher: &'a Arc<Dispatcher>,
    session: &'a Arc<Session>,
    principal: Option<Principal>,
    id: RequestId,
    era: Era,
}

impl Dispatcher {
    /// A dispatcher for these sessions and tools.
    #[must_use]
    pub fn new(manager: Arc<SessionManager>, registry: Registry) -> Arc<Self> {
        Arc::new(Self { manager, registry })
    }

    /// The sessions that it serves.
    #[must_use]
    pub fn manager(&self) -> &Arc<SessionManager> {
        &self.manager
    }

    /// The tools that it serves.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Takes a message from a session's client.
    #[must_use]
    pub fn receive(self: &Arc<Self>, session: &Arc<Session>, text: &str) -> Step {
        match wire::parse(text) {
            Ok(Incoming::Batch(messages)) => self.batch(session, &messages),
            other => self.single(session, text, other),
        }
    }

    /// The id of the request that a message cancels, if that is what it does: such a message need
    /// not wait for an exclusive call.
    #[must_use]
    pub fn cancels(text: &str) -> Option<RequestId> {
        match wire::parse(text) {
            Ok(Incoming::Notification { method, params }) => cancelled(&method, params),
            _ => None,
        }
    }

    /// Looks again at who is signed in, because something about them changed.
    pub async fn review(self: &Arc<Self>, session: &Arc<Session>) {
        let before = standing(session);
        if let Err(error) = self.manager.review(session).await {
            tracing::error!(session = %session.id(), %error, "could not look at the principal again");
        }
        self.note_lists(session, before);
    }

    /// [`Dispatcher::review`] as a call that all further messages wait for.
    #[must_use]
    pub fn reviewing(self: &Arc<Self>, session: &Arc<Session>) -> Running {
        let (dispatcher, session) = (Arc::clone(self), Arc::clone(session));
        let work = async move {
            dispatcher.review(&session).await;
            String::new()
        };
        Running::new(None, Era::Legacy, Box::pin(work)).exclusive()
    }

    /// The frames that tell a session's client what others did. While its principal is to be looked
    /// at again, changes stay where they are.
    #[must_use]
    pub fn outgoing(&self, session: &Arc<Session>) -> Vec<String> {
        let mut frames = session.take_messages();
        // What changed in a tenant is not told to who may be no member any more.
        let stale = session.principal().is_some_and(|principal| !principal.is_current());
        if !stale && let Some(changes) = session.take_changes() {
            notify::changes(session, &changes, &mut frames);
        }
        frames
    }

    /// The frames with which the server takes its leave.
    #[must_use]
    pub fn farewell(&self, session: &Arc<Session>) -> Vec<String> {
        notify::farewell(session)
    }

    fn single(
        self: &Arc<Self>,
        session: &Arc<Session>,
        text: &str,
        parsed: Result<Incoming<'_>, (Option<RequestId>, WireError)>,
    ) -> Step {
        match parsed {
            Ok(Incoming::Request(request)) => self.request(session, text, request),
            Ok(Incoming::Notification { method, params }) => notification(session, &method, params),
            Ok(Incoming::Response) => Step::Nothing,
            Ok(Incoming::Batch(_)) => no_batch(session),
            Err((Some(id), error)) => Step::Answer(Answer::to(&id, Era::Legacy).error(&error)),
            Err((None, error)) => Step::Answer(Answer::to_nobody(wire::keeps_null_ids(version(session))).error(&error)),
        }
    }

    /// A batch runs alone and in order, so that what a sign-in within it changes is seen by
    /// whatever follows.
    fn batch(self: &Arc<Self>, session: &Arc<Session>, messages: &[&RawValue]) -> Step {
        if messages.is_empty() || !wire::allows_batches(version(session)) {
            return no_batch(session);
        }
        // Its answers leave together: what a frame may hold of requests would be far too many of them.
        let most = self.manager.limits().max_calls_in_flight;
        if messages.len() > most {
            return refuse_batch(session, format!("a batch has at most {most} messages; send the rest in another one"));
        }
        let messages: Vec<String> = messages.iter().map(|raw| raw.get().to_owned()).collect();
        let (dispatcher, session) = (Arc::clone(self), Arc::clone(session));
        let work = async move {
            let mut answers = Vec::new();
            for text in &messages {
                let parsed = wire::parse(text);
                match dispatcher.single(&session, text, parsed) {
                    Step::Answer(answer) => answers.push(answer),
                    Step::Run(running) => answers.extend(running.await),
                    Step::Nothing | Step::Cancel(_) => {}
                }
            }
            if answers.is_empty() { String::new() } else { format!("[{}]", answers.join(",")) }
        };
        Step::Run(Running::new(None, Era::Legacy, Box::pin(work)).exclusive())
    }

    fn request(self: &Arc<Self>, session: &Arc<Session>, text: &str, request: Request<'_>) -> Step {
        let Request { id, method, params } = request;
        let principal = session.principal();
        if principal.as_ref().is_some_and(|principal| !principal.is_current()) {
            return self.after_review(session, text, id);
        }
        let params = match Params::read(params) {
            Ok(params) => params,
            Err(error) => return Step::Answer(Answer::to(&id, Era::Legacy).error(&error)),
        };
        let era = params.era();
        let exchange = Exchange { dispatcher: self, session, principal, id, era };
        match exchange.serve(&method, &params) {
            Ok(step) => step,
            Err((id, error)) => Step::Answer(Answer::to(&id, era).error(&error)),
        }
    }

    /// Serves a request once the principal, which has changed, has been looked at again.
    fn after_review(self: &Arc<Self>, session: &Arc<Session>, text: &str, id: RequestId) -> Step {
        let (dispatcher, session, text) = (Arc::clone(self), Arc::clone(session), text.to_owned());
        let own_id = id.clone();
        let work = async move {
            dispatcher.review(&session).await;
            if session.principal().is_some_and(|principal| !principal.is_current()) {
                return Answer::to(&own_id, Era::Legacy).error(&WireError::new(ErrorCode::Internal, wire::INTERNAL));
            }
            match dispatcher.receive(&session, &text) {
                Step::Answer(answer) => answer,
                Step::Run(running) => running.await.unwrap_or_default(),
                Step::Nothing | Step::Cancel(_) => String::new(),
            }
        };
        Step::Run(Running::new(Some(id), Era::Legacy, Box::pin(work)).exclusive())
    }

    /// Notes which lists look different from before, now that another may be signed in.
    fn note_lists(&self, session: &Arc<Session>, before: (Option<Role>, Option<TenantId>)) {
        let after = standing(session);
        let tools = self.registry.list(before.0) != self.registry.list(after.0);
        let resources = before.1 != after.1;
        // Whoever signs in again in the same tenant has lost their watches all the same.
        subscriptions::follow(&self.manager, session);
        if tools || resources {
            session.note(|changes| {
                changes.tools |= tools;
                changes.resources |= resources;
            });
        }
    }
}

impl Exchange<'_> {
    fn serve(self, method: &str, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let limit = self.dispatcher.manager.limits().max_calls_in_flight;
        if let Err(not_admitted) = self.session.admit(&self.id, limit) {
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
            self.session.set_legacy();
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
                let (manager, session) = (Arc::clone(&self.dispatcher.manager), Arc::clone(self.session));
                self.run(|scope, _| subscriptions::subscribe(manager, session, scope, uri))
            }
            ("resources/unsubscribe", Era::Legacy) => {
                let uri = self.required(params.uri.as_deref(), "uri")?;
                subscriptions::unsubscribe(self.session, &uri);
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
        tracing::info!(session = %self.session.id(), client = %name, version, "initialized");
        self.session.with_client(|client| {
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
        self.session.with_client(|client| client.log_level = Some(level));
        Ok(Step::Answer(self.answer().members("")))
    }

    fn tools(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let role = self.principal.as_ref().map(Principal::role);
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
            subscriptions::watch_list(&self.dispatcher.manager, self.session);
        }
        self.run(|scope, era| resources::list(scope, cursor, era))
    }

    fn listen(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let filter = self.required(params.notifications.map(RawValue::get), "notifications")?;
        let (manager, session, scope) = (Arc::clone(&self.dispatcher.manager), Arc::clone(self.session), self.scope());
        let (id, own_id) = (self.id.clone(), self.id);
        let work = async move {
            match subscriptions::listen(&manager, &session, scope, &id, &filter).await {
                Ok(acknowledged) => acknowledged,
                Err(error) => Answer::to(&id, Era::Modern).error(&error),
            }
        };
        Ok(Step::Run(Running::new(Some(own_id), Era::Modern, Box::pin(work))))
    }

    fn call(self, params: &Params<'_>) -> Result<Step, (RequestId, WireError)> {
        let Some(name) = params.name.as_deref() else {
            return Err(self.fail(missing("name")));
        };
        let Some(tool) = self.dispatcher.registry.get(name) else {
            return Err(self
                .fail(WireError::invalid_params(format!("Unknown tool: {name}. tools/list names those there are."))));
        };
        let reporter = match self.reporter(params) {
            Ok(reporter) => reporter,
            Err(error) => return Err(self.fail(error)),
        };
        self.session.count_call();
        if let Err(error) = self.check_access(tool) {
            return Ok(Step::Answer(self.answer().tool_error(&error)));
        }
        let answer = self.answer();
        let invocation = crate::tools::Invocation {
            manager: Arc::clone(&self.dispatcher.manager),
            session: Arc::clone(self.session),
            scope: self.scope(),
            reporter,
        };
        let arguments = params.arguments.map_or("{}", RawValue::get);
        // Arguments are read here already, by code of the tool's own.
        let run = match guarded(Some(&self.id), || tool.run(invocation, arguments, answer)) {
            Ok(run) => run,
            Err(error) => return Err(self.fail(error)),
        };
        Ok(match run {
            crate::tools::Run::Done(answer) => Step::Answer(answer),
            crate::tools::Run::Running(work) if tool.exclusive => {
                let work = self.noting_lists(work);
                Step::Run(Running::new(Some(self.id), self.era, work).exclusive())
            }
            crate::tools::Run::Running(work) => Step::Run(Running::new(Some(self.id), self.era, work)),
        })
    }

    fn check_access(&self, tool: &Tool) -> Result<()> {
        let role = self.principal.as_ref().map(Principal::role);
        if tool.access.allows(role) {
            return Ok(());
        }
        let name = tool.name;
        Err(match (&self.principal, tool.access) {
            (Some(principal), Access::Role(least)) => Error::NotAllowed(format!(
                "{name} needs the role {least} or a higher one, and you are {} of {}. Ask an admin or an owner of the tenant.",
                principal.role().with_article(),
                principal.tenant_name(),
            )),
            _ => Error::NotSignedIn(format!(
                "{name} needs a sign-in, and nobody is signed in on this connection. Call auth_sign_in with email and password first, or auth_sign_up to create an account."
            )),
        })
    }

    /// Has the client told which lists a call changed that may change who is signed in.
    fn noting_lists(&self, work: Work) -> Work {
        let (dispatcher, session) = (Arc::clone(self.dispatcher), Arc::clone(self.session));
        let before = standing(&session);
        Box::pin(async move {
            let answer = work.await;
            dispatcher.note_lists(&session, before);
            answer
        })
    }

    fn reporter(&self, params: &Params<'_>) -> Result<Reporter, WireError> {
        let token = params.progress_token()?;
        let log_level = match (self.era, params.meta.as_ref().and_then(|meta| meta.log_level.as_deref())) {
            (Era::Modern, Some(level)) => Some(Reporter::level(level).ok_or_else(|| no_such_level(level))?),
            (Era::Modern, None) => None,
            (Era::Legacy, _) => self.session.log_level(),
        };
        let max_queued_bytes = self.dispatcher.manager.limits().max_queued_bytes;
        Ok(Reporter::new(Arc::clone(self.session), token, log_level, max_queued_bytes))
    }

    /// Runs what gives the members of a result.
    fn run<F>(self, start: impl FnOnce(Option<TenantScope>, Era) -> F) -> Result<Step, (RequestId, WireError)>
    where
        F: Future<Output = Result<super::lists::Members, WireError>> + Send + 'static,
    {
        let (answer, running) = (self.answer(), start(self.scope(), self.era));
        let work = async move {
            match running.await {
                Ok(members) => members.into_answer(answer),
                Err(error) => answer.error(&error),
            }
        };
        Ok(Step::Run(Running::new(Some(self.id), self.era, Box::pin(work))))
    }

    fn scope(&self) -> Option<TenantScope> {
        self.principal.as_ref().and_then(|principal| self.dispatcher.manager.authority().scope(principal))
    }

    fn answer(&self) -> Answer {
        Answer::to(&self.id, self.era)
    }

    fn required(&self, value: Option<&str>, name: &'static str) -> Result<String, (RequestId, WireError)> {
        value.map(str::to_owned).ok_or_else(|| (self.id.clone(), missing(name)))
    }

    fn fail(self, error: WireError) -> (RequestId, WireError) {
        (self.id, error)
    }
}

fn notification(session: &Session, method: &str, params: Option<&RawValue>) -> Step {
    let Some(id) = cancelled(method, params) else { return Step::Nothing };
    if session.unlisten(&id) {
        let key = crate::session::WatchKey::Listen(id);
        session.drop_watches(|watch| *watch.key() == key);
        return Step::Nothing;
    }
    Step::Cancel(id)
}

/// The id that a notification cancels, if it is one that does.
fn cancelled(method: &str, params: Option<&RawValue>) -> Option<RequestId> {
    let params = (method == "notifications/cancelled").then(|| Params::read(params).ok())??;
    RequestId::parse(params.request_id?.get())
}

/// Who is signed in, as far as lists depend on it.
fn standing(session: &Session) -> (Option<Role>, Option<TenantId>) {
    let principal = session.principal();
    (principal.as_ref().map(Principal::role), principal.as_ref().map(Principal::tenant))
}

fn version(session: &Session) -> &'static str {
    session.client().map(|client| client.version).filter(|version| !version.is_empty()).unwrap_or(LATEST_LEGACY)
}

fn no_batch(session: &Session) -> Step {
    let version = version(session);
    refuse_batch(session, format!("protocol version {version} has no batches; send one message a frame"))
}

fn refuse_batch(session: &Session, why: String) -> Step {
    let error = WireError::new(ErrorCode::InvalidRequest, format!("Invalid request: {why}"));
    Step::Answer(Answer::to_nobody(wire::keeps_null_ids(version(session))).error(&error))
}

fn missing(name: &str) -> WireError {
    WireError::invalid_params(format!("Invalid params: {name:?} is missing"))
}

fn no_such_level(level: &str) -> WireError {
    WireError::invalid_params(format!(
        "Invalid params: {level:?} is no log level; there are debug, info, notice, warning, error, critical, alert and emergency"
    ))
}
