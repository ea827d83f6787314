//! Who watches which record, and tells them when it changes.

use super::Session;
use crate::store::{Event, RecordKind};
use crate::tenancy::TenantId;
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

/// What can be watched, always within a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Topic {
    tenant: Uuid,
    /// The record, or none for the list of them all.
    record: Option<(RecordKind, Uuid)>,
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
    /// Watches a record for a session. The URI is what its client calls the record.
    #[must_use]
    pub fn watch_record(
        self: &Arc<Self>,
        session: &Arc<Session>,
        key: WatchKey,
        tenant: TenantId,
        (kind, id): (RecordKind, Uuid),
        uri: String,
    ) -> Watch {
        self.watch(session, key, Topic { tenant: tenant.uuid(), record: Some((kind, id)) }, uri)
    }

    /// Watches the list of a tenant's records for a session.
    #[must_use]
    pub fn watch_list(self: &Arc<Self>, session: &Arc<Session>, key: WatchKey, tenant: TenantId) -> Watch {
        self.watch(session, key, Topic { tenant: tenant.uuid(), record: None }, String::new())
    }

    /// Tells whoever watches what the event is about.
    pub fn tell(&self, event: &Event) {
        let Event::Record { tenant, kind, id, list_changed } = event else { return };
        if let Some(watchers) = self.watches.get(&Topic { tenant: *tenant, record: Some((*kind, *id)) }) {
            for watcher in watchers.iter() {
                if let Some(session) = watcher.session.upgrade() {
                    session.note(|changes| changes.update(&watcher.key, &watcher.uri));
                }
            }
        }
        if *list_changed && let Some(watchers) = self.watches.get(&Topic { tenant: *tenant, record: None }) {
            for session in watchers.iter().filter_map(|watcher| watcher.session.upgrade()) {
                session.note(|changes| changes.resources = true);
            }
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

    fn watch(self: &Arc<Self>, session: &Arc<Session>, key: WatchKey, topic: Topic, uri: String) -> Watch {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let watcher = Watcher { number, session: Arc::downgrade(session), key: key.clone(), uri: uri.clone() };
        self.watches.entry(topic).or_default().push(watcher);
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
