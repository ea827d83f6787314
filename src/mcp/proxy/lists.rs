//! Lists of upstreams behind those of the server's own.

use super::Proxied;
use crate::mcp::failures::not_found;
use crate::session::Topic;
use crate::upstream::{Agreed, List};
use crate::wire::{ErrorCode, Object, WireError};
use futures_util::future::join_all;
use serde_json::Value;

impl Proxied {
    /// What all upstreams list, as JSON with commas in between. Those that do not say it in time are left out; once they do, the
    /// client is told that the list has changed.
    ///
    /// None when there are no upstreams.
    pub(in crate::mcp) async fn listed(&self, lists: List) -> Option<String> {
        let open = self.open().await;
        if open.is_empty() {
            return None;
        }
        let lists = join_all(open.iter().map(|definition| async {
            let slot = self.slot(definition).ok()?;
            let opener = self.opener(&slot);
            let items = tokio::time::timeout(definition.limits.list, slot.list(lists, &opener)).await;
            match items {
                Ok(Ok(items)) => Some(items),
                Ok(Err(failure)) => {
                    tracing::debug!(upstream = %definition.name, %failure, "listed without an upstream");
                    None
                }
                Err(_) => {
                    tracing::debug!(upstream = %definition.name, "listed without a slow upstream");
                    None
                }
            }
        }));
        let mut all = String::new();
        for items in lists.await.into_iter().flatten().filter(|items| !items.json.is_empty()) {
            if !all.is_empty() {
                all.push(',');
            }
            all.push_str(&items.json);
        }
        Some(all)
    }

    /// Has the session told when an upstream's lists change.
    pub(in crate::mcp) async fn heard(&self) {
        self.open().await.iter().for_each(|definition| drop(self.slot(definition)));
    }

    /// Subscribes to a resource of an upstream's, and says by what is heard of it.
    pub(in crate::mcp) async fn subscribe(&self, uri: &str) -> Result<Topic, WireError> {
        let mut last = not_found(uri, self.era);
        for slot in self.by_uri(uri).await {
            match slot.subscribe(uri, &self.opener(&slot)).await {
                Ok(None) => return Ok(Topic::Upstream(slot.id, uri.into())),
                Ok(Some(_refused)) => {}
                Err(failure) => {
                    let message = format!("The upstream {} {failure}.", slot.definition.name);
                    last = WireError::new(ErrorCode::Internal, message);
                }
            }
        }
        Err(last)
    }

    /// What the upstreams can do that the server itself has no word for, and how models are to work with them: capabilities by
    /// their names, as JSON, and instructions.
    pub(in crate::mcp) async fn abilities(&self) -> (Vec<(String, String)>, Vec<String>) {
        let open = self.open().await;
        let agreed = join_all(open.iter().map(|definition| async {
            let slot = self.slot(definition).ok()?;
            let opener = self.opener(&slot);
            let peer = tokio::time::timeout(definition.limits.list, slot.peer(&opener)).await;
            let agreed: Option<Agreed> = peer.ok()?.ok()?.agreed().cloned();
            Some((definition.name.clone(), agreed?))
        }));
        let (mut capabilities, mut instructions) = (Vec::<(String, String)>::new(), Vec::new());
        for (name, agreed) in agreed.await.into_iter().flatten() {
            for (key, value) in Object::read(&agreed.capabilities).unwrap_or_default().iter() {
                match capabilities.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, known)) => *known = joined(known, value),
                    None => capabilities.push((key, value.to_owned())),
                }
            }
            if let Some(text) = agreed.instructions.filter(|text| !text.is_empty()) {
                instructions.push(format!("{name}: {text}"));
            }
        }
        (capabilities, instructions)
    }
}

/// Two objects as one; of what both have, the first's, unless both are objects again.
fn joined(one: &str, other: &str) -> String {
    fn join(one: &mut Value, other: Value) {
        let (Value::Object(one), Value::Object(other)) = (one, other) else { return };
        for (key, value) in other {
            match one.get_mut(&key) {
                Some(known) => join(known, value),
                None => drop(one.insert(key, value)),
            }
        }
    }
    let mut both: Value = serde_json::from_str(one).unwrap_or_default();
    join(&mut both, serde_json::from_str(other).unwrap_or_default());
    both.to_string()
}
