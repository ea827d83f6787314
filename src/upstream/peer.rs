//! An open MCP session with an upstream: which answer belongs to which request, and what is said in between.
//!
//! It knows its upstream's side of the conversation and the callers' channels, and no tool, prompt or resource.

mod inbox;

use super::caller::{Asked, Caller};
use super::definition::{Definition, Isolation};
use super::failure::Failure;
use super::handshake::Agreed;
use super::link::{Inbox, Link, Outgoing, Purpose};
use super::reply::Reply;
use crate::session::SessionLimits;
use crate::wire::{Era, Object, RequestId};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// A session with an upstream. Dropping it ends the session, and all that the upstream was started for.
pub(crate) struct Peer {
    link: Box<dyn Link>,
    inner: Arc<Inner>,
    agreed: OnceLock<Agreed>,
    /// The log level that was asked for last.
    level: Mutex<Option<&'static str>>,
}

/// Who hears what a peer says outside of calls.
pub(super) trait Owner: Send + Sync {
    /// A list of the upstream has changed.
    fn list_changed(&self, list: &'static str);
    /// A resource has changed; the parameters of the notification come along.
    fn updated(&self, uri: &str, params: &str);
    /// A notification that belongs to no call.
    fn said(&self, method: &str, params: &str);
    /// A request that belongs to no call. False when nobody can be asked.
    fn asked(&self, asked: &Asked) -> Option<Caller>;
    /// The session is over.
    fn over(&self, peer: &Weak<Peer>, why: &Failure);
}

/// What comes from the link, and who waits for it.
struct Inner {
    name: String,
    isolation: Isolation,
    limits: SessionLimits,
    calls: Mutex<Calls>,
    over: OnceLock<Failure>,
    owner: Weak<dyn Owner>,
    peer: OnceLock<Weak<Peer>>,
    /// What callers are being asked, by the ids that the upstream gave.
    asked: Mutex<HashMap<RequestId, AbortHandle>>,
}

#[derive(Default)]
struct Calls {
    last_id: i64,
    open: BTreeMap<i64, Entry>,
}

struct Entry {
    answer: oneshot::Sender<Result<Reply, Failure>>,
    caller: Option<Caller>,
    heard_of: Instant,
}

/// A request to an upstream that waits for its answer. Dropped before, the request is cancelled.
pub(crate) struct Pending {
    peer: Arc<Peer>,
    pub(crate) id: i64,
    answer: oneshot::Receiver<Result<Reply, Failure>>,
    answered: bool,
}

/// A request to an upstream.
pub(crate) struct Sending<'a> {
    pub(crate) method: &'a str,
    /// Its parameters. Their `_meta` gets a progress token if the caller has one.
    pub(crate) params: Object<'a>,
    /// `params.name` or `params.uri`, where HTTP headers repeat it.
    pub(crate) name: Option<String>,
    /// Headers that repeat arguments.
    pub(crate) repeated: Vec<(String, String)>,
    pub(crate) caller: Option<Caller>,
}

impl Peer {
    /// A session on the link that `open` gives, before anything was said.
    pub(super) async fn on<F>(
        definition: &Definition,
        limits: SessionLimits,
        owner: Weak<dyn Owner>,
        open: impl FnOnce(Arc<dyn Inbox>) -> F,
    ) -> Result<Arc<Self>, Failure>
    where
        F: Future<Output = Result<Box<dyn Link>, Failure>>,
    {
        let inner = Arc::new(Inner {
            name: definition.name.clone(),
            isolation: definition.isolation,
            limits,
            calls: Mutex::default(),
            over: OnceLock::new(),
            owner,
            peer: OnceLock::new(),
            asked: Mutex::default(),
        });
        let link = open(Arc::<Inner>::clone(&inner)).await?;
        let peer = Arc::new(Self { link, inner, agreed: OnceLock::new(), level: Mutex::new(None) });
        // Set once, here: an upstream does not speak before it is spoken to.
        let _ = peer.inner.peer.set(Arc::downgrade(&peer));
        Ok(peer)
    }

    /// What both sides agreed on. There once the handshake is done.
    pub(crate) fn agreed(&self) -> Option<&Agreed> {
        self.agreed.get()
    }

    /// The era of the session.
    pub(crate) fn era(&self) -> Era {
        self.agreed.get().map_or(Era::Legacy, |agreed| agreed.era)
    }

    pub(super) fn agree(&self, agreed: Agreed) {
        self.link.agreed(&agreed.version);
        let _ = self.agreed.set(agreed);
    }

    /// Why it is over, if it is.
    pub(crate) fn over(&self) -> Option<&Failure> {
        self.inner.over.get()
    }

    /// Ends it: who waits for an answer is told why there is none.
    pub(super) fn end(&self, why: &str) {
        self.inner.ended(Failure::Ended(why.to_owned()));
    }

    /// Requests that have no answer yet.
    pub(super) fn busy(&self) -> usize {
        self.inner.calls.lock().open.values().filter(|entry| entry.caller.is_some()).count()
    }

    /// Sends a request.
    pub(crate) fn request(self: &Arc<Self>, sending: Sending<'_>) -> Pending {
        let Sending { method, mut params, name, repeated, caller } = sending;
        let (sender, answer) = oneshot::channel();
        let token = caller.as_ref().is_some_and(|caller| caller.progress_token.is_some());
        let mut calls = self.inner.calls.lock();
        calls.last_id += 1;
        let id = calls.last_id;
        calls.open.insert(id, Entry { answer: sender, caller, heard_of: Instant::now() });
        drop(calls);
        if token {
            let mut meta = params.get("_meta").and_then(Object::read).unwrap_or_default();
            meta.set("progressToken", id.to_string());
            let meta = meta.json();
            params.set("_meta", meta);
        }
        let params = if params.is_empty() { String::new() } else { params.json() };
        let text = crate::wire::request(id, method, &params);
        let purpose = Purpose::Request { id, method: method.to_owned(), name, repeated };
        self.link.send(Outgoing { text, purpose });
        if let Some(why) = self.over() {
            // It ended before the request was among those that are told.
            self.inner.failed(id, Failure::Unreachable(why.to_string()));
        }
        Pending { peer: Arc::clone(self), id, answer, answered: false }
    }

    /// Sends a notification.
    pub(crate) fn notify(&self, method: &str, params: &str) {
        let purpose = Purpose::Notification { method: method.to_owned() };
        self.link.send(Outgoing { text: crate::wire::notification(method, params), purpose });
    }

    /// Answers a request of the upstream's: a result or an error, as JSON.
    pub(crate) fn answer(&self, id: &RequestId, answer: Result<&str, &str>) {
        let (member, payload) = match answer {
            Ok(result) => ("result", result),
            Err(error) => ("error", error),
        };
        // Whoever was asked took their time; the upstream's begins anew.
        let now = Instant::now();
        self.inner.calls.lock().open.values_mut().for_each(|entry| entry.heard_of = now);
        let text = format!(r#"{{"jsonrpc":"2.0","id":{},"{member}":{payload}}}"#, id.as_json());
        self.link.send(Outgoing { text, purpose: Purpose::Response });
    }

    /// Has a call belong to another request of its client's, which goes on with it.
    pub(crate) fn redirect(&self, id: i64, caller: Caller) {
        if let Some(entry) = self.inner.calls.lock().open.get_mut(&id) {
            entry.caller = Some(caller);
            entry.heard_of = Instant::now();
        }
    }

    /// Asks a legacy upstream for log messages of this level.
    pub(crate) fn set_level(self: &Arc<Self>, level: &'static str) {
        if self.level.lock().replace(level) != Some(level) {
            let mut params = Object::default();
            params.set("level", format!("{level:?}"));
            let method = "logging/setLevel";
            self.request(Sending { method, params, name: None, repeated: Vec::new(), caller: None }).let_go();
        }
    }

    fn forget(&self, id: i64) {
        let method_is_over = self.inner.calls.lock().open.remove(&id).is_none();
        if method_is_over || self.over().is_some() {
            return;
        }
        // Over Streamable HTTP a modern request is cancelled by closing its stream, which the link does.
        self.notify("notifications/cancelled", &format!(r#"{{"requestId":{id},"reason":"The caller gave it up."}}"#));
        self.link.forget(id);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.inner.asked.lock().drain().for_each(|(_, task)| task.abort());
    }
}

impl Pending {
    /// Whether it has been answered.
    pub(super) fn is_over(&mut self) -> bool {
        !matches!(self.answer.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    /// Has the request go on with nobody waiting for its answer.
    pub(super) fn let_go(mut self) {
        self.answered = true;
    }

    /// Waits for the answer, for this long after the last sign of life of the call.
    pub(crate) async fn within(&mut self, limit: Duration) -> Result<Reply, Failure> {
        loop {
            match tokio::time::timeout(limit, &mut *self).await {
                Ok(answer) => return answer,
                Err(_) => {
                    let heard_of = self.peer.inner.calls.lock().open.get(&self.id).map(|entry| entry.heard_of);
                    if heard_of.is_none_or(|at| at.elapsed() >= limit) {
                        return Err(Failure::TimedOut(limit.as_secs()));
                    }
                }
            }
        }
    }
}

impl Future for Pending {
    type Output = Result<Reply, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(cx));
        self.answered = true;
        Poll::Ready(answer.unwrap_or_else(|_| Err(Failure::Ended("the session was closed".into()))))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.answered {
            self.peer.forget(self.id);
        }
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("link", &self.link).field("agreed", &self.agreed).finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("id", &self.id).finish_non_exhaustive()
    }
}
