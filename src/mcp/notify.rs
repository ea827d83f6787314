//! Notifications, as the client's era wants them.
//!
//! A legacy client is told unasked. A modern one is told on the `subscriptions/listen` streams
//! that it opened, and of what it named there.

use crate::session::{Changes, Listen, Session, Updated, WatchKey};
use crate::wire::{Answer, Era, Object, RequestId, notification};

const TOOLS: &str = "notifications/tools/list_changed";
const PROMPTS: &str = "notifications/prompts/list_changed";
const RESOURCES: &str = "notifications/resources/list_changed";
const UPDATED: &str = "notifications/resources/updated";

/// Writes the notifications for what changed.
pub(super) fn changes(session: &Session, changes: &Changes, frames: &mut Vec<String>) {
    if session.is_legacy() {
        if changes.tools {
            frames.push(notification(TOOLS, ""));
        }
        if changes.prompts {
            frames.push(notification(PROMPTS, ""));
        }
        if changes.resources {
            // Told once for each time the client looked.
            session.drop_watches(|watch| *watch.key() == WatchKey::Legacy && watch.uri().is_empty());
            frames.push(notification(RESOURCES, ""));
        }
    }
    for listen in session.listens() {
        let meta = meta(&listen.id);
        if changes.tools && listen.tools {
            frames.push(notification(TOOLS, &format!("{{{meta}}}")));
        }
        if changes.prompts && listen.prompts {
            frames.push(notification(PROMPTS, &format!("{{{meta}}}")));
        }
        if changes.resources && listen.resources {
            frames.push(notification(RESOURCES, &format!("{{{meta}}}")));
        }
    }
    for Updated { key, uri, said } in &changes.updated {
        // Given up since it changed: no one wants to know any more.
        if session.watches(key, uri) {
            let params = match said {
                Some(said) => retold(said, key),
                None => {
                    let uri = serde_json::Value::from(uri.as_str());
                    match key {
                        WatchKey::Legacy => format!(r#"{{"uri":{uri}}}"#),
                        WatchKey::Listen(id) => format!(r#"{{{},"uri":{uri}}}"#, meta(id)),
                    }
                }
            };
            frames.push(notification(UPDATED, &params));
        }
    }
}

/// What an upstream said, for this subscription instead of the gateway's own.
fn retold(said: &str, key: &WatchKey) -> String {
    const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
    let mut params = Object::read(said).unwrap_or_default();
    let mut meta = params.get("_meta").and_then(Object::read).unwrap_or_default();
    let had = !meta.is_empty();
    match key {
        WatchKey::Legacy => meta.remove(SUBSCRIPTION),
        WatchKey::Listen(id) => meta.set(SUBSCRIPTION, id.as_json().into_owned()),
    }
    let meta = meta.json();
    if had || meta != "{}" {
        params.set("_meta", meta);
    }
    params.json()
}

/// Ends the session's subscriptions in an orderly way: each gets the answer to its request.
pub(super) fn farewell(session: &Session) -> Vec<String> {
    session.listens().iter().map(|Listen { id, .. }| Answer::to(id, Era::Modern).ended(&meta(id)).text).collect()
}

/// The `_meta` member that names the subscription.
pub(super) fn meta(id: &RequestId) -> String {
    format!(r#""_meta":{{"io.modelcontextprotocol/subscriptionId":{}}}"#, id.as_json())
}
