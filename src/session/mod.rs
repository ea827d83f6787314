//! Sessions: what Sessile keeps for each connection, and the guards that take it all down again.
//!
//! A session knows no socket. Its connection's task waits with [`Session::watch_for_attention`], and
//! that is how anybody else reaches it: to deliver a notification, to have its principal looked at again,
//! or to end it.

mod announcer;
mod asking;
mod berth;
mod channel;
mod end;
mod hub;
mod in_flight;
mod index;
mod limits;
mod mailbox;
mod manager;
mod outbox;
mod owner;
mod question;
mod rates;
mod resume;

pub use announcer::Announcer;
pub use asking::Unasked;
pub use berth::{Berth, Place, Visitor};
pub use channel::Channel;
pub use end::EndReason;
pub use hub::{Hub, Topic, Watch, WatchKey};
pub use in_flight::{InFlight, Listen, NotAdmitted};
pub use limits::SessionLimits;
pub use mailbox::Mailbox;
pub use manager::{Open, Refusal, SessionManager, SessionView, Transport};
pub use outbox::{Changes, Updated};
pub use owner::Owner;
pub use question::{ClientAnswer, OpenQuestion};
pub use rates::RateOptions;
pub use resume::ResumeLimits;

use crate::tenancy::{Principal, SessionId};
use crate::time::now;
use crate::wire::Capabilities;
use futures_util::task::AtomicWaker;
use in_flight::Requests;
use index::Seat;
use outbox::Outbox;
use parking_lot::Mutex;
use question::Questions;
use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Context;
use std::time::Duration;

/// A connection's session.
pub struct Session {
    id: SessionId,
    peer: Mutex<IpAddr>,
    opened_at: i64,
    per_request: bool,
    /// Whether it is registered nowhere, and over with its request.
    detached: bool,
    /// Whether it has spoken the legacy era: then notifications come unasked.
    legacy: AtomicBool,
    calls: AtomicU64,
    identity: Mutex<Option<Identity>>,
    client: Mutex<Option<Box<Client>>>,
    watches: Mutex<Vec<Watch>>,
    /// What others keep for as long as this identity lasts; none until something is kept.
    attached: Mutex<Option<Arc<dyn Any + Send + Sync>>>,
    requests: Mutex<Requests>,
    /// What the client was asked and has not answered; none until it is asked for the first time.
    questions: Mutex<Option<Box<Questions>>>,
    outbox: Mutex<Outbox>,
    end: Mutex<Option<EndReason>>,
    /// Set whenever the connection's task is to look at what others want of it.
    attention: AtomicBool,
    waker: AtomicWaker,
}

/// Who is signed in, and their place among the user's sessions.
struct Identity {
    principal: Principal,
    _seat: Seat,
}

/// What a legacy client said of itself in its handshake.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// Its name and version, as it calls itself.
    pub name: String,
    /// The protocol version that was agreed on.
    pub version: &'static str,
    /// The least severe log level that it wants, as an index into the eight of RFC 5424.
    pub log_level: Option<u8>,
    /// What it can be asked for.
    pub capabilities: Capabilities,
    /// Its `Implementation` and its `ClientCapabilities`, as it wrote them.
    pub own_words: Option<Arc<OwnWords>>,
}

/// What a client said of itself, in JSON of its own.
#[derive(Debug, Clone, Default)]
pub struct OwnWords {
    /// Its `Implementation`; may be empty.
    pub implementation: String,
    /// Its `ClientCapabilities`; may be empty.
    pub capabilities: String,
}

impl Session {
    fn new(peer: IpAddr, per_request: bool) -> Self {
        Self {
            id: SessionId::new(),
            peer: Mutex::new(peer),
            opened_at: now(),
            per_request,
            detached: false,
            legacy: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            identity: Mutex::new(None),
            client: Mutex::new(None),
            watches: Mutex::new(Vec::new()),
            attached: Mutex::new(None),
            requests: Mutex::new(Requests::default()),
            questions: Mutex::new(None),
            outbox: Mutex::new(Outbox::default()),
            end: Mutex::new(None),
            attention: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// A session for one request that brings its own proof. It is registered nowhere, and nobody else can
    /// reach it.
    #[must_use]
    pub fn detached(peer: IpAddr) -> Arc<Self> {
        Arc::new(Self { detached: true, ..Self::new(peer, true) })
    }

    /// Whether it is one for a single request.
    #[must_use]
    pub fn is_detached(&self) -> bool {
        self.detached
    }

    /// What is kept with the session for as long as its identity lasts; made when it is first asked for. There is one
    /// such thing.
    #[must_use]
    pub fn attached<T: Any + Default + Send + Sync>(&self) -> Option<Arc<T>> {
        let mut attached = self.attached.lock();
        Arc::clone(attached.get_or_insert_with(|| Arc::<T>::default())).downcast().ok()
    }

    /// The same, if it was ever asked for.
    #[must_use]
    pub fn attachment<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.attached.lock().clone()?.downcast().ok()
    }

    /// Its id, which proves nothing.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The address at the other end; another one after the session was resumed from there.
    #[must_use]
    pub fn peer(&self) -> IpAddr {
        *self.peer.lock()
    }

    fn move_to(&self, peer: IpAddr) {
        *self.peer.lock() = peer;
    }

    /// When it opened, in milliseconds since 1970.
    #[must_use]
    pub fn opened_at(&self) -> i64 {
        self.opened_at
    }

    /// Whether each request brings its own proof, so that a sign-in gives tokens and changes no session.
    #[must_use]
    pub fn is_per_request(&self) -> bool {
        self.per_request
    }

    /// Who is signed in.
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        self.identity.lock().as_ref().map(|identity| identity.principal.clone())
    }

    /// Whether somebody is signed in.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.identity.lock().is_some()
    }

    /// Whether who is signed in has to be looked at again.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.identity.lock().as_ref().is_some_and(|identity| !identity.principal.is_current())
    }

    /// How long who is signed in may stay so, if what they proved it with ends by itself.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        let until = self.identity.lock().as_ref()?.principal.until()?;
        Some(Duration::from_millis(until.saturating_sub(now()).try_into().unwrap_or(0)))
    }

    /// What the client said of itself.
    #[must_use]
    pub fn client(&self) -> Option<Client> {
        self.client.lock().as_deref().cloned()
    }

    /// The least severe log level that the client has asked for.
    #[must_use]
    pub fn log_level(&self) -> Option<u8> {
        self.client.lock().as_ref().and_then(|client| client.log_level)
    }

    /// What the client said in its handshake that it can be asked for.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.client.lock().as_ref().map(|client| client.capabilities).unwrap_or_default()
    }

    /// Changes what is known of the client.
    pub fn with_client(&self, change: impl FnOnce(&mut Client)) {
        change(self.client.lock().get_or_insert_default());
    }

    /// Whether the client speaks the legacy era, at least also.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.legacy.load(Ordering::Relaxed)
    }

    /// Notes that the client speaks the legacy era.
    pub fn set_legacy(&self) {
        if !self.is_legacy() {
            self.legacy.store(true, Ordering::Relaxed);
        }
    }

    /// Counts a tool call.
    pub fn count_call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Tool calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Ends it: its connection closes with this reason. The first reason stays.
    pub fn end(&self, reason: EndReason) {
        self.end.lock().get_or_insert(reason);
        self.wake();
    }

    /// The reason for which it was ended, once it was.
    #[must_use]
    pub fn ended(&self) -> Option<EndReason> {
        *self.end.lock()
    }

    /// Keeps a watch on a record or a list until the principal changes or the session ends.
    pub fn keep(&self, watch: Watch) {
        self.watches.lock().push(watch);
    }

    /// The watches that the session keeps.
    #[must_use]
    pub fn watching(&self) -> usize {
        self.watches.lock().len()
    }

    /// Whether it watches this for this subscription.
    #[must_use]
    pub fn watches(&self, key: &WatchKey, uri: &str) -> bool {
        self.watches.lock().iter().any(|watch| watch.key() == key && watch.uri() == uri)
    }

    /// Gives up the watches for which `which` says so.
    pub fn drop_watches(&self, which: impl Fn(&Watch) -> bool) {
        // Dropped after the lock: a watch's guard locks the hub.
        let dropped: Vec<_> = self.watches.lock().extract_if(.., |watch| which(watch)).collect();
        drop(dropped);
    }

    /// Has the task of this context woken when others want something of the session. Do this
    /// before [`Session::take_attention`], and nothing is missed.
    pub fn watch_for_attention(&self, cx: &Context<'_>) {
        self.waker.register(cx.waker());
    }

    /// Whether others want something, since this was last asked: look at [`Session::ended`],
    /// [`Session::take_review`], [`Session::take_messages`] and [`Session::take_changes`].
    #[must_use]
    pub fn take_attention(&self) -> bool {
        self.attention.load(Ordering::Acquire) && self.attention.swap(false, Ordering::AcqRel)
    }

    /// Whether the principal is to be looked at again, since this was last asked.
    #[must_use]
    pub fn take_review(&self) -> bool {
        self.outbox.lock().take_review()
    }

    fn wake(&self) {
        self.attention.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Asks for the principal to be looked at again.
    pub fn review(&self) {
        self.outbox.lock().review();
        self.wake();
    }

    /// Queues a whole message for the client. A session whose queue is full ends: nobody waits for
    /// a slow reader.
    pub fn send(&self, message: String, max_queued_bytes: usize) {
        let fits = self.outbox.lock().push(message, max_queued_bytes);
        if fits {
            self.wake();
        } else {
            self.end(EndReason::SlowReader);
        }
    }

    /// Queues a whole message for the client, if it fits; false when it does not.
    pub fn offer(&self, message: String, max_queued_bytes: usize) -> bool {
        let fits = self.outbox.lock().push(message, max_queued_bytes);
        if fits {
            self.wake();
        }
        fits
    }

    /// Notes what changed for the client; the same change twice is one.
    pub fn note(&self, change: impl FnOnce(&mut Changes)) {
        change(self.outbox.lock().changes());
        self.wake();
    }

    /// Takes the messages that are to be sent.
    #[must_use]
    pub fn take_messages(&self) -> Vec<String> {
        self.outbox.lock().take_messages()
    }

    /// Takes what changed.
    #[must_use]
    pub fn take_changes(&self) -> Option<Box<Changes>> {
        self.outbox.lock().take_changes()
    }

    /// Puts another identity in place and gives up what belonged to the one before.
    fn set_identity(&self, identity: Option<Identity>) {
        let before = std::mem::replace(&mut *self.identity.lock(), identity);
        self.drop_watches(|_| true);
        let attached = self.attached.lock().take();
        drop((before, attached));
    }

    /// The same user in the same tenant, looked at again.
    fn refresh(&self, principal: Principal) {
        if let Some(identity) = self.identity.lock().as_mut() {
            identity.principal = principal;
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("peer", &self.peer()).finish_non_exhaustive()
    }
}
