//! What an upstream says of changes, and who hears of them.

use super::super::caller::{Asked, Asks, Caller, Logs};
use super::super::failure::Failure;
use super::super::handshake::Opener;
use super::super::listing::List;
use super::super::peer::{Owner, Peer, Pending, Sending};
use super::lists::Listed;
use super::{Slot, State, Unit};
use crate::session::{Changes, Channel, Topic};
use crate::wire::{Era, Object, notification};
use std::sync::{Arc, Weak};

impl Slot {
    /// Subscribes to a resource at the upstream.
    pub(crate) async fn subscribe(self: &Arc<Self>, uri: &str, opener: &Opener) -> Result<Option<String>, Failure> {
        let peer = self.peer(opener).await?;
        if self.subscribed.lock().contains(uri) {
            return Ok(None);
        }
        if peer.era() == Era::Legacy {
            let uri_json = serde_json::Value::from(uri).to_string();
            let mut params = Object::default();
            params.set("uri", uri_json);
            let sending =
                Sending { method: "resources/subscribe", params, name: None, repeated: Vec::new(), caller: None };
            let reply = peer.request(sending).within(self.definition.limits.call).await?;
            if reply.is_error() {
                return Ok(Some(reply.payload().to_owned()));
            }
        }
        self.subscribed.lock().insert(uri.to_owned());
        if peer.era() == Era::Modern {
            self.listen_again(&peer);
        }
        Ok(None)
    }

    pub(super) fn tell_audience(&self, change: impl Fn(&mut Changes)) {
        let sessions: Vec<_> = self.audience.lock().iter().filter_map(Weak::upgrade).collect();
        sessions.iter().for_each(|session| session.note(&change));
    }

    pub(super) fn tell_of(&self, list: &str) {
        self.tell_audience(|changes| match list {
            "tools" => changes.tools = true,
            "prompts" => changes.prompts = true,
            _ => changes.resources = true,
        });
    }

    pub(super) fn listen_again(&self, peer: &Arc<Peer>) {
        let opener = match &*self.state.lock() {
            State::Open(open) if Arc::ptr_eq(&open.peer, peer) => open.opener.clone(),
            _ => return,
        };
        // Not under the lock: what is sent may fail at once, and be told of.
        let listening = self.listen(peer, &opener);
        let before = match &mut *self.state.lock() {
            State::Open(open) if Arc::ptr_eq(&open.peer, peer) => std::mem::replace(&mut open.listening, listening),
            _ => listening,
        };
        drop(before);
    }

    /// Has a modern upstream tell of changes.
    pub(super) fn listen(&self, peer: &Arc<Peer>, opener: &Opener) -> Option<Pending> {
        let agreed = peer.agreed().filter(|agreed| agreed.era == Era::Modern)?;
        let mut wanted = serde_json::Map::new();
        for (member, capability) in [
            ("toolsListChanged", "tools.listChanged"),
            ("promptsListChanged", "prompts.listChanged"),
            ("resourcesListChanged", "resources.listChanged"),
        ] {
            if agreed.has(capability) {
                wanted.insert(member.into(), true.into());
            }
        }
        let uris: Vec<_> = self.subscribed.lock().iter().cloned().collect();
        if !uris.is_empty() {
            wanted.insert("resourceSubscriptions".into(), uris.into());
        }
        if wanted.is_empty() {
            return None;
        }
        let params = opener.params(&format!(r#""notifications":{}"#, serde_json::Value::Object(wanted)));
        let params = Object::read(&params).unwrap_or_default();
        let method = "subscriptions/listen";
        Some(peer.request(Sending { method, params, name: None, repeated: Vec::new(), caller: None }))
    }

    /// Asks for the log messages that the client has asked for.
    pub(super) fn set_level(&self, peer: &Arc<Peer>) {
        let Unit::Session(session) = &self.unit else { return };
        let level = session.upgrade().and_then(|session| session.log_level());
        let name = level.and_then(|level| Logs::From(level).name());
        if let Some(name) = name.filter(|_| peer.agreed().is_some_and(|agreed| agreed.has("logging"))) {
            peer.set_level(name);
        }
    }

    pub(super) fn subscribe_again(&self, peer: &Arc<Peer>) {
        for uri in &*self.subscribed.lock() {
            let mut params = Object::default();
            params.set("uri", serde_json::Value::from(uri.as_str()).to_string());
            let method = "resources/subscribe";
            let pending = peer.request(Sending { method, params, name: None, repeated: Vec::new(), caller: None });
            pending.let_go();
        }
    }
}

impl Owner for Slot {
    fn list_changed(&self, list: &'static str) {
        let changed: &[List] = match list {
            "tools" => &[List::Tools],
            "prompts" => &[List::Prompts],
            _ => &[List::Resources, List::Templates],
        };
        changed.iter().for_each(|list| *self.lists[*list as usize].lock() = Listed::Unknown);
        self.tell_of(list);
    }

    fn updated(&self, uri: &str, params: &str) {
        let topic = Topic::Upstream(self.id, uri.into());
        if !self.environment.manager.hub().pass_on(&topic, params) && self.subscribed.lock().remove(uri) {
            // Nobody wants to know any more.
            let Some(peer) = self.open_peer() else { return };
            if peer.era() == Era::Legacy {
                let mut params = Object::default();
                params.set("uri", serde_json::Value::from(uri).to_string());
                let method = "resources/unsubscribe";
                peer.request(Sending { method, params, name: None, repeated: Vec::new(), caller: None }).let_go();
            } else {
                self.listen_again(&peer);
            }
        }
    }

    fn said(&self, method: &str, params: &str) {
        let Unit::Session(session) = &self.unit else { return };
        let Some(session) = session.upgrade().filter(|session| session.is_legacy()) else { return };
        let logs = session.log_level().map_or(Logs::All, Logs::From);
        if method != "notifications/message" || logs.want(params) {
            session.offer(notification(method, params), self.environment.manager.limits().max_queued_bytes / 2);
        }
    }

    fn asked(&self, _asked: &Asked) -> Option<Caller> {
        let Unit::Session(session) = &self.unit else { return None };
        let session = session.upgrade().filter(|session| session.is_legacy() && session.client().is_some())?;
        let whose = session.principal().map(|principal| (principal.tenant(), principal.user()))?;
        let channel = Channel::connection(session);
        Some(Caller { channel, whose, progress_token: None, logs: Logs::All, asks: Asks::ByRequest })
    }

    fn over(&self, peer: &Weak<Peer>, why: &Failure) {
        if self.close(peer.as_ptr(), why) {
            tracing::warn!(upstream = %self.definition.name, unit = self.outward.unit(), %why, "a session with an upstream is over");
        }
    }
}
