//! What a tool is: a name, words, schemas, who may call it, and a function.

use super::annotations::Effect;
use super::input;
use super::reporter::Reporter;
use crate::error::{Error, Result};
use crate::session::{Channel, Session, SessionManager};
use crate::tenancy::{Role, TenantScope};
use crate::wire::{Answer, ErrorCode, Frame, INTERNAL, WireError};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
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
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it does and when to use it, for models and people.
    pub description: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub effect: Effect,
    /// The JSON Schema of its arguments.
    pub input_schema: serde_json::Value,
    /// The JSON Schema of its structured result.
    pub output_schema: serde_json::Value,
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
    /// Whether each request brings its own proof, so that a sign-in changes nothing about the connection.
    pub per_request: bool,
    scope: Option<TenantScope>,
}

impl SessionCaller {
    /// The scope of the tenant that the session is signed in to.
    ///
    /// # Errors
    /// [`Error::NotSignedIn`]; a tool whose access asks for a role never sees it.
    pub fn scope(&self) -> Result<&TenantScope> {
        self.scope.as_ref().ok_or_else(|| Error::NotSignedIn("Nobody is signed in on this connection.".into()))
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
                let Invocation { scope, reporter, .. } = invocation;
                // The dispatcher has checked the role already, so there is a scope.
                let scope =
                    scope.ok_or_else(|| Error::Internal("a tool of a tenant was called without a scope".into()))?;
                handler(Caller { scope, reporter }, arguments).await
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
            let (session, per_request) = (Arc::clone(channel.session()), channel.is_per_request());
            handler(SessionCaller { manager, session, per_request, scope }, arguments)
        };
        Self::with::<A, T, _>(name, access, effect, handler)
    }

    /// Says what it is for people.
    #[must_use]
    pub fn described(mut self, title: &'static str, description: &'static str) -> Self {
        self.title = title;
        self.description = description;
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
            name,
            title: name,
            description: "",
            access,
            effect,
            input_schema: input::schema::<A>(),
            output_schema: input::schema::<T>(),
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
        Err(error) if error.is_internal() => {
            tracing::error!(tool = name, %error, "a call failed");
            answer.error(&WireError::new(ErrorCode::Internal, INTERNAL))
        }
        Err(error) => answer.tool_error(&error),
    }
}
