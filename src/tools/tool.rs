//! What a tool is: a name, words, schemas, who may call it, and a function.

use super::annotations::Effect;
use super::asker::Asker;
use super::context::{Arguments, Context};
use super::input;
use super::output::Output;
use super::reporter::Reporter;
use crate::error::{Error, Result};
use crate::session::{Announcer, Channel, Session, SessionManager};
use crate::tenancy::{Role, TenantScope};
use crate::upstream::{Definition, Status, Upstreams};
use crate::wire::{Answer, Era, ErrorCode, Frame, INTERNAL, WireError};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

/// Who may call a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, signed in or not.
    Anyone,
    /// Whoever has at least this role in the tenant they are signed in to.
    Role(Role),
}

impl Access {
    /// Whether a caller with this role (none: not signed in) may.
    #[must_use]
    pub fn allows(self, role: Option<Role>) -> bool {
        match self {
            Self::Anyone => true,
            Self::Role(least) => role.is_some_and(|role| role >= least),
        }
    }
}

/// A tool that clients can call.
pub struct Tool {
    /// Its name, unique among all tools.
    pub name: Cow<'static, str>,
    /// Its name for people.
    pub title: Cow<'static, str>,
    /// What it does and when to use it, for models and people.
    pub description: Cow<'static, str>,
    /// Who may call it.
    pub access: Access,
    /// What it does; none when that is not known.
    pub effect: Option<Effect>,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
    /// The JSON Schema of its structured result, where it has one.
    pub output_schema: Option<Value>,
    /// Whether its calls may ask the client for something.
    pub(crate) asks: bool,
    /// Whether what follows on the connection waits for it: so it is for whatever changes who is
    /// signed in.
    pub exclusive: bool,
    run: Box<Start>,
}

/// Reads a call's arguments and starts it.
type Start = dyn Fn(Invocation, &str, Answer) -> Run + Send + Sync;

/// What a call is made with, besides its arguments.
pub(crate) struct Invocation {
    pub(crate) manager: Arc<SessionManager>,
    pub(crate) channel: Channel,
    pub(crate) scope: Option<TenantScope>,
    pub(crate) reporter: Reporter,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) era: Era,
    /// There for a tool that may ask.
    pub(crate) asker: Option<Asker>,
}

/// A call under way, or its answer at once.
pub(crate) enum Run {
    Done(Frame),
    Running(Pin<Box<dyn Future<Output = Frame> + Send>>),
}

/// What a tool gives back: its data, and the same in words.
#[derive(Debug)]
pub struct Reply<T> {
    data: T,
    text: String,
}

impl<T> Reply<T> {
    /// A reply.
    pub fn new(data: T, text: impl Into<String>) -> Self {
        Self { data, text: text.into() }
    }
}

/// Who calls a tool of a tenant: its scope, and a way to report progress.
#[derive(Debug)]
pub struct Caller {
    scope: TenantScope,
    /// Tells the client how far the call is.
    pub reporter: Reporter,
    pub(super) upstreams: Arc<Upstreams>,
    channel: Channel,
    era: Era,
}

impl Caller {
    /// How the caller's own session with an upstream is.
    pub(super) fn status_of(&self, definition: &Arc<Definition>) -> Status {
        self.upstreams.status(definition, &self.scope, &self.channel, self.era)
    }
}

impl Deref for Caller {
    type Target = TenantScope;

    fn deref(&self) -> &TenantScope {
        &self.scope
    }
}

/// Who calls a tool that is about sessions.
#[derive(Debug)]
pub struct SessionCaller {
    /// All sessions.
    pub manager: Arc<SessionManager>,
    /// The one that calls.
    pub session: Arc<Session>,
    scope: Option<TenantScope>,
}

impl SessionCaller {
    /// The scope of the tenant that the session is signed in to.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`]; a tool whose access asks for a role never sees it.
    pub fn scope(&self) -> Result<&TenantScope> {
        self.scope.as_ref().ok_or_else(|| Error::NotSignedIn("Nobody is signed in. Call auth_sign_in first.".into()))
    }
}

impl Tool {
    /// A tool that works on a tenant's data.
    pub fn new<A, T, F>(
        name: &'static str,
        role: Role,
        effect: Effect,
        handler: impl Fn(Caller, A) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        T: Serialize + JsonSchema + Send + 'static,
        F: Future<Output = Result<Reply<T>>> + Send + 'static,
    {
        let handler = move |invocation: Invocation, arguments| {
            let handler = handler.clone();
            async move {
                let Invocation { channel, scope, reporter, upstreams, era, .. } = invocation;
                // The dispatcher has checked the role already, so there is a scope.
                let scope =
                    scope.ok_or_else(|| Error::Internal("a tool of a tenant was called without a scope".into()))?;
                handler(Caller { scope, reporter, upstreams, channel, era }, arguments).await
            }
        };
        Self::with::<A, T, _>(name, Access::Role(role), effect, handler)
    }

    /// A tool that is about sessions and who is signed in.
    pub fn about_sessions<A, T, F>(
        name: &'static str,
        access: Access,
        effect: Effect,
        handler: impl Fn(SessionCaller, A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        T: Serialize + JsonSchema + Send + 'static,
        F: Future<Output = Result<Reply<T>>> + Send + 'static,
    {
        let handler = move |Invocation { manager, channel, scope, .. }: Invocation, arguments| {
            let session = Arc::clone(channel.session());
            handler(SessionCaller { manager, session, scope }, arguments)
        };
        Self::with::<A, T, _>(name, access, effect, handler)
    }

    /// A tool whose arguments and results are raw, and whose calls can ask the client for something.
    ///
    /// ```
    /// use sessile::tools::{Access, Output, Question, Tool};
    /// use serde_json::json;
    ///
    /// let schema = json!({ "type": "object", "properties": { "greeting": { "type": "string" } }, "required": ["greeting"] });
    /// let greet = Tool::raw("greet", Access::Anyone, schema, |context, arguments| async move {
    ///     let greeting = arguments.text("greeting")?;
    ///     let form = json!({ "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] });
    ///     let answer = context.ask("name", Question::form("What is your name?", &form)).await?;
    ///     match answer["content"]["name"].as_str() {
    ///         Some(name) if answer["action"] == "accept" => Ok(Output::text(format!("{greeting}, {name}!"))),
    ///         _ => Ok(Output::text("Nobody wants to be greeted.").failed()),
    ///     }
    /// });
    /// assert_eq!(greet.described("Greet", "Greets whoever is there.").name, "greet");
    /// ```
    pub fn raw<F>(
        name: impl Into<Cow<'static, str>>,
        access: Access,
        input_schema: Value,
        handler: impl Fn(Context, Arguments) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Output>> + Send + 'static,
    {
        let name = name.into();
        let named = name.clone();
        let run = move |invocation: Invocation, arguments: &str, answer: Answer| {
            if !arguments.starts_with('{') {
                let wrong = Error::InvalidArguments(format!("Invalid arguments for {named}: must be an object."));
                return Run::Done(answer.tool_error(&wrong));
            }
            let Invocation { manager, scope, reporter, asker: Some(asker), .. } = invocation else {
                return Run::Done(answer.error(&WireError::new(ErrorCode::Internal, INTERNAL)));
            };
            let context = Context { reporter, scope, asker, announcer: Announcer::new(manager) };
            let (running, named) = (handler(context, Arguments(arguments.to_owned())), named.clone());
            Run::Running(Box::pin(async move {
                match running.await {
                    Ok(output) => {
                        let is_error = output.is_error();
                        let (members, meta) = output.into_members();
                        answer.tool_output(&members, &meta, is_error)
                    }
                    Err(error) => failed(&named, &error, answer),
                }
            }))
        };
        Self {
            title: name.clone(),
            name,
            description: Cow::Borrowed(""),
            access,
            effect: None,
            input_schema,
            output_schema: None,
            asks: true,
            exclusive: false,
            run: Box::new(run),
        }
    }

    /// Says what it is for people.
    #[must_use]
    pub fn described(mut self, title: impl Into<Cow<'static, str>>, description: impl Into<Cow<'static, str>>) -> Self {
        self.title = title.into();
        self.description = description.into();
        self
    }

    /// Says what a raw tool does.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = Some(effect);
        self
    }

    /// Says what a raw tool's structured result looks like.
    #[must_use]
    pub fn returning(mut self, output_schema: Value) -> Self {
        self.output_schema = Some(output_schema);
        self
    }

    /// Has what follows on the connection wait for it.
    #[must_use]
    pub fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    pub(crate) fn run(&self, invocation: Invocation, arguments: &str, answer: Answer) -> Run {
        (self.run)(invocation, arguments, answer)
    }

    fn with<A, T, F>(
        name: &'static str,
        access: Access,
        effect: Effect,
        handler: impl Fn(Invocation, A) -> F + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned + JsonSchema + Send + 'static,
        T: Serialize + JsonSchema + Send + 'static,
        F: Future<Output = Result<Reply<T>>> + Send + 'static,
    {
        let run = move |invocation: Invocation, arguments: &str, answer: Answer| match input::read::<A>(name, arguments)
        {
            Ok(arguments) => {
                let running = handler(invocation, arguments);
                Run::Running(Box::pin(async move { finish(name, running.await, answer) }))
            }
            Err(error) => Run::Done(answer.tool_error(&error)),
        };
        Self {
            name: name.into(),
            title: name.into(),
            description: "".into(),
            access,
            effect: Some(effect),
            input_schema: input::schema::<A>(),
            output_schema: Some(input::schema::<T>()),
            asks: false,
            exclusive: false,
            run: Box::new(run),
        }
    }
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tool").field("name", &self.name).field("access", &self.access).finish_non_exhaustive()
    }
}

fn finish<T: Serialize>(name: &'static str, result: Result<Reply<T>>, answer: Answer) -> Frame {
    match result {
        Ok(reply) => answer.tool_result(&reply.data, &reply.text),
        Err(error) => failed(name, &error, answer),
    }
}

fn failed(name: &str, error: &Error, answer: Answer) -> Frame {
    if error.is_internal() {
        tracing::error!(tool = name, %error, "a call failed");
        return answer.error(&WireError::new(ErrorCode::Internal, INTERNAL));
    }
    match WireError::missing_capability(error).filter(|_| answer.era() == Era::Modern) {
        Some(missing) => answer.error(&missing),
        None => answer.tool_error(error),
    }
}
