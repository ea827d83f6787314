//! From a message to its answer.

use super::exchange::Exchange;
use super::features::Features;
use super::params::Params;
use super::registry::Registry;
use super::request_state::Sealer;
use super::running::Running;
use super::{notify, proxy, subscriptions};
use crate::error::Result;
use crate::session::{Channel, Session, SessionManager};
use crate::tenancy::{Principal, Recognised, Role, TenantId};
use crate::upstream::Upstreams;
use crate::wire::{
    self, Answer, Era, ErrorCode, Frame, Incoming, LATEST_LEGACY, Mirrored, Request, RequestId, WireError,
};
use serde_json::value::RawValue;
use std::sync::Arc;

/// How often a principal is looked at for one request. Only a store that fails takes so many.
const LOOKS: usize = 10;

/// Serves MCP for all sessions.
#[derive(Debug)]
pub struct Dispatcher {
    pub(super) manager: Arc<SessionManager>,
    pub(super) features: Arc<Features>,
    pub(super) sealer: Arc<Sealer>,
}

/// What is to be done about a message.
#[derive(Debug)]
pub enum Step {
    /// Nothing.
    Nothing,
    /// Send this frame.
    Answer(Frame),
    /// Poll this until it gives the frame to send. An exclusive one comes first: no further
    /// message may be given to the dispatcher before it is done.
    Run(Running),
    /// Drop the running call with this id; it gets no answer.
    Cancel(RequestId),
}

impl Dispatcher {
    /// A dispatcher for these sessions and what is served to them.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the system has no randomness to give.
    pub fn new(manager: Arc<SessionManager>, features: Features) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { manager, features: Arc::new(features), sealer: Arc::new(Sealer::new()?) }))
    }

    /// The sessions that it serves.
    #[must_use]
    pub fn manager(&self) -> &Arc<SessionManager> {
        &self.manager
    }

    /// The tools that it serves.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.features.registry
    }

    /// The arguments that HTTP headers repeat, of a tool that an upstream serves to who speaks on this channel; none when
    /// it is no upstream's.
    pub async fn mirrored_beyond(&self, channel: &Channel, tool: &str) -> Option<Vec<Mirrored>> {
        if self.features.registry.get(tool).is_some() {
            return None;
        }
        let scope = self.manager.authority().scope(channel.principal()?)?;
        proxy::mirrored(&self.features.upstreams, &scope, channel, tool).await
    }

    /// Takes a message that came on a channel.
    #[must_use]
    pub fn receive(self: &Arc<Self>, channel: &Channel, text: &str) -> Step {
        match wire::parse(text) {
            Ok(Incoming::Batch(messages)) => self.batch(channel, &messages),
            other => self.single(channel, text, other),
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

    /// Whether a message answers what the client was asked: then it need not wait for an exclusive call either, which
    /// may be the one that asked.
    #[must_use]
    pub fn answers(session: &Session, text: &str) -> bool {
        matches!(wire::parse(text), Ok(Incoming::Response { id: Some(id), .. }) if session.awaits(&id))
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
            Frame::none()
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
        channel: &Channel,
        text: &str,
        parsed: Result<Incoming<'_>, (Option<RequestId>, WireError)>,
    ) -> Step {
        let session = channel.session();
        match parsed {
            Ok(Incoming::Request(request)) => self.request(channel, text, request),
            Ok(Incoming::Notification { method, params }) => notification(session, &method, params),
            Ok(Incoming::Response { id, answer }) => {
                if let Some(id) = id {
                    session.answered(&id, answer.map(owned).map_err(owned));
                }
                Step::Nothing
            }
            Ok(Incoming::Batch(_)) => no_batch(session),
            Err((Some(id), error)) => Step::Answer(Answer::to(&id, Era::Legacy).error(&error)),
            Err((None, error)) => Step::Answer(Answer::to_nobody(wire::keeps_null_ids(version(session))).error(&error)),
        }
    }

    /// A batch runs alone and in order, so that what a sign-in within it changes is seen by
    /// whatever follows.
    fn batch(self: &Arc<Self>, channel: &Channel, messages: &[&RawValue]) -> Step {
        let session = channel.session();
        if messages.is_empty() || !wire::allows_batches(version(session)) {
            return no_batch(session);
        }
        // Its answers leave together: what a frame may hold of requests would be far too many of them.
        let most = self.manager.limits().max_calls_in_flight;
        if messages.len() > most {
            return refuse_batch(session, format!("a batch has at most {most} messages; send the rest in another one"));
        }
        let messages: Vec<String> = messages.iter().map(|raw| raw.get().to_owned()).collect();
        let (dispatcher, channel) = (Arc::clone(self), channel.clone());
        let work = async move {
            let mut answers = Vec::new();
            for text in &messages {
                let parsed = wire::parse(text);
                match dispatcher.single(&channel, text, parsed) {
                    Step::Answer(answer) => answers.push(answer.text),
                    Step::Run(running) => answers.extend(running.await.map(|answer| answer.text)),
                    Step::Nothing | Step::Cancel(_) => {}
                }
            }
            if answers.is_empty() { Frame::none() } else { format!("[{}]", answers.join(",")).into() }
        };
        Step::Run(Running::new(None, Era::Legacy, Box::pin(work)).exclusive())
    }

    fn request(self: &Arc<Self>, channel: &Channel, text: &str, request: Request<'_>) -> Step {
        let Request { id, method, params: raw } = request;
        let scope = match channel.principal() {
            None => None,
            // One look decides both whether the principal is good and what it may touch: a second one
            // could find another answer.
            Some(principal) => match self.manager.authority().scope(principal) {
                Some(scope) => Some(scope),
                None => return self.after_review(channel, text, id),
            },
        };
        let params = match Params::read(raw) {
            Ok(params) => params,
            Err(error) => return Step::Answer(Answer::to(&id, Era::Legacy).error(&error)),
        };
        let era = params.era();
        let exchange = Exchange { dispatcher: self, channel, scope, id, in_flight: None, era, raw };
        match exchange.serve(&method, &params) {
            Ok(step) => step,
            Err((id, error)) => Step::Answer(Answer::to(&id, era).error(&error)),
        }
    }

    /// Serves a request once the principal, which has changed, has been looked at again. The request
    /// takes its id when it is served, and not before.
    fn after_review(self: &Arc<Self>, channel: &Channel, text: &str, id: RequestId) -> Step {
        let (dispatcher, mut channel, text) = (Arc::clone(self), channel.clone(), text.to_owned());
        let work = async move {
            let mut looks = 0;
            // It may change again while it is looked at.
            while channel.principal().is_some_and(|principal| !principal.is_current()) {
                if looks == LOOKS {
                    return Answer::to(&id, Era::Legacy).error(&WireError::new(ErrorCode::Internal, wire::INTERNAL));
                }
                looks += 1;
                channel = dispatcher.look_again(channel).await;
            }
            match dispatcher.receive(&channel, &text) {
                Step::Answer(answer) => answer,
                Step::Run(running) => running.await.unwrap_or_else(Frame::none),
                Step::Nothing | Step::Cancel(_) => Frame::none(),
            }
        };
        Step::Run(Running::new(None, Era::Legacy, Box::pin(work)).exclusive())
    }

    /// Looks again at who speaks on a channel. A request whose proof is good for nothing any more is
    /// nobody's.
    async fn look_again(self: &Arc<Self>, channel: Channel) -> Channel {
        if !channel.is_per_request() {
            self.review(channel.session()).await;
            return channel;
        }
        let Some(principal) = channel.principal() else { return channel };
        match self.manager.authority().review(&principal).await {
            Ok(Recognised::Good(renewed)) => channel.speaking_as(Some(renewed)),
            Ok(_) => channel.speaking_as(None),
            Err(error) => {
                tracing::error!(session = %channel.session().id(), %error, "could not look at the principal again");
                channel
            }
        }
    }

    /// Notes which lists look different from before, now that another may be signed in.
    pub(super) fn note_lists(&self, session: &Arc<Session>, before: (Option<Role>, Option<TenantId>)) {
        let after = standing(session);
        let tools = self.features.registry.list(before.0) != self.features.registry.list(after.0);
        let moved = before.1 != after.1;
        let served = |tenant: Option<TenantId>| tenant.is_some_and(|tenant| self.features.upstreams.serve_in(tenant));
        let beyond = moved && (served(before.1) || served(after.1));
        // Whoever signs in again in the same tenant has lost their watches all the same.
        subscriptions::follow(&self.manager, session);
        if tools || moved {
            session.note(|changes| {
                changes.tools |= tools || beyond;
                changes.prompts |= beyond;
                changes.resources |= moved;
            });
        }
    }
}

fn owned(raw: &RawValue) -> String {
    raw.get().to_owned()
}

fn notification(session: &Session, method: &str, params: Option<&RawValue>) -> Step {
    let Some(id) = cancelled(method, params) else {
        // What is about the connection is nobody's behind it.
        let own = method.starts_with("dev.sessile/");
        if !own && method != "notifications/initialized" && method != "notifications/cancelled" {
            let params = params.map_or("", RawValue::get);
            Upstreams::of_session(session).iter().for_each(|slot| slot.notify(method, params));
        }
        return Step::Nothing;
    };
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
pub(super) fn standing(session: &Session) -> (Option<Role>, Option<TenantId>) {
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
