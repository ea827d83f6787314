//! Who wants to hear of changes: modern streams that listen, and legacy sessions that subscribed to a resource.

use rmcp::RoleServer;
use rmcp::model::ResourceUpdatedNotificationParam;
use rmcp::service::{Peer, SubscriptionSink};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Clone, Default)]
pub(crate) struct Subscribers {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    listening: BTreeMap<u64, SubscriptionSink>,
    /// By session and URI.
    subscribed: BTreeMap<(u64, String), Peer<RoleServer>>,
    last: u64,
}

/// A stream listens for as long as this lives.
pub(crate) struct Listening {
    subscribers: Subscribers,
    key: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.subscribers.lock().listening.remove(&self.key);
    }
}

impl Subscribers {
    pub(crate) fn listen(&self, sink: SubscriptionSink) -> Listening {
        let mut inner = self.lock();
        inner.last += 1;
        let key = inner.last;
        inner.listening.insert(key, sink);
        Listening { subscribers: self.clone(), key }
    }

    pub(crate) fn subscribe(&self, session: u64, uri: String, peer: Peer<RoleServer>) {
        let mut inner = self.lock();
        inner.subscribed.retain(|_, peer| !peer.is_transport_closed());
        inner.subscribed.insert((session, uri), peer);
    }

    pub(crate) fn unsubscribe(&self, session: u64, uri: String) {
        self.lock().subscribed.remove(&(session, uri));
    }

    pub(crate) async fn tools_changed(&self) {
        for sink in self.sinks() {
            let _ = sink.notify_tool_list_changed().await;
        }
    }

    pub(crate) async fn prompts_changed(&self) {
        for sink in self.sinks() {
            let _ = sink.notify_prompt_list_changed().await;
        }
    }

    pub(crate) async fn resources_changed(&self) {
        for sink in self.sinks() {
            let _ = sink.notify_resource_list_changed().await;
        }
    }

    pub(crate) async fn updated(&self, uri: &str) {
        for sink in self.sinks() {
            let _ = sink.notify_resource_updated(uri).await;
        }
        let of_uri = |((_, of), peer): (&(u64, String), &Peer<RoleServer>)| (of == uri).then(|| peer.clone());
        let peers: Vec<_> = self.lock().subscribed.iter().filter_map(of_uri).collect();
        for peer in peers {
            let _ = peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await;
        }
    }

    fn sinks(&self) -> Vec<SubscriptionSink> {
        self.lock().listening.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing that holds it panics")
    }
}
