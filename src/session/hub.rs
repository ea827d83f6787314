//! Who watches which record, and tells them when it changes.

use super::Session;
use crate::store::{Event, RecordKind};
use crate::wire::RequestId;
use dashmap::DashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use uuid::Uuid;

/// By what a client subscribed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WatchKey {
    /// `resources/subscribe` or `resources/list`, in the legacy era.
    Legacy,
    /// The `subscriptions/listen` request with this id.
    Listen(RequestId),
}

/// The watches of all sessions.
#[derive(Debug, Default)]
pub struct Hub {
    watches: DashMap<Topic, Vec<Watcher>>,
    next: AtomicU64,
}

/// What can be watched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// A record of a tenant.
    Record(Uuid, RecordKind, Uuid),
    /// The list of all records of a tenant.
    Records(Uuid),
    /// A resource that its provider tells about.
    Resource(Arc<str>),
    /// The lists of resources that providers tell about.
    Resources,
    /// A resource of one session with an upstream.
    Upstream(u64, Arc<str>),
}

#[derive(Debug)]
struct Watcher {
    number: u64,
    session: Weak<Session>,
    key: WatchKey,
    uri: String,
}

/// One watch; dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    number: u64,
    topic: Topic,
    key: WatchKey,
    uri: String,
    hub: Weak<Hub>,
}

impl Hub {
    /// Tells whoever watches what the event is about.
    pub fn tell(&self, event: &Event) {
        let Event::Record { tenant, kind, id, list_changed } = event else { return };
        self.updated(&Topic::Record(*tenant, *kind, *id), |_| true);
        if *list_changed {
            self.list_changed(&Topic::Records(*tenant), |_| true);
        }
    }

    /// Tells those watchers of a resource that `whom` says.
    pub(super) fn updated(&self, topic: &Topic, whom: impl Fn(&Session) -> bool) {
        let Some(watchers) = self.watches.get(topic) else { return };
        for watcher in watchers.iter() {
            if let Some(session) = watcher.session.upgrade().filter(|session| whom(session)) {
                session.note(|changes| changes.update(&watcher.key, &watcher.uri));
            }
        }
    }

    /// Tells the watchers of an upstream's resource, with what it says of the change: the parameters of its
    /// notification. False when there are none.
    pub(crate) fn pass_on(&self, topic: &Topic, params: &str) -> bool {
        let Some(watchers) = self.watches.get(topic) else { return false };
        for watcher in watchers.iter() {
            if let Some(session) = watcher.session.upgrade() {
                session.note(|changes| changes.pass_on(&watcher.key, &watcher.uri, params));
            }
        }
        true
    }

    /// Tells those watchers of a list that `whom` says.
    pub(super) fn list_changed(&self, topic: &Topic, whom: impl Fn(&Session) -> bool) {
        let Some(watchers) = self.watches.get(topic) else { return };
        for session in watchers.iter().filter_map(|watcher| watcher.session.upgrade()).filter(|one| whom(one)) {
            session.note(|changes| changes.resources = true);
        }
    }

    /// Things that are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.watches.len()
    }

    /// Whether nothing is watched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// Watches something for a session. The URI is what its client calls it, and empty for a list.
    #[must_use]
    pub fn watch(self: &Arc<Self>, session: &Arc<Session>, key: WatchKey, topic: Topic, uri: String) -> Watch {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let watcher = Watcher { number, session: Arc::downgrade(session), key: key.clone(), uri: uri.clone() };
        self.watches.entry(topic.clone()).or_default().push(watcher);
        Watch { number, topic, key, uri, hub: Arc::downgrade(self) }
    }
}

impl Watch {
    /// By what it was asked for.
    #[must_use]
    pub fn key(&self) -> &WatchKey {
        &self.key
    }

    /// The record's URI; empty for the list.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(hub) = self.hub.upgrade() else { return };
        hub.watches.remove_if_mut(&self.topic, |_, watchers| {
            watchers.retain(|watcher| watcher.number != self.number);
            watchers.is_empty()
        });
    }
}
