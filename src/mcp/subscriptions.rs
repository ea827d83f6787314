//! Subscriptions to records and lists, in both eras.

use super::failures::not_found;
use super::features::Features;
use super::notify;
use super::proxy::Proxied;
use crate::session::{Listen, Session, SessionManager, Topic, Watch, WatchKey};
use crate::tenancy::TenantScope;
use crate::tools::{Context, Watched};
use crate::wire::{Era, ErrorCode, RequestId, WireError, notification};
use serde::Deserialize;
use std::sync::Arc;

/// What a modern client wants to be told of (2026-07-28, Subscriptions, Notification Filter).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Filter {
    tools_list_changed: bool,
    prompts_list_changed: bool,
    resources_list_changed: bool,
    resource_subscriptions: Vec<String>,
}

/// Opens a subscription, and gives the notification that acknowledges it.
///
/// What can't be honoured is left out of the acknowledgement: a list of prompts that never changes, and a resource that
/// does not exist for this caller.
pub(super) async fn listen(
    features: &Features,
    manager: &SessionManager,
    session: &Arc<Session>,
    context: &Context,
    upstreams: Option<&Proxied>,
    id: &RequestId,
    filter: &str,
) -> Result<String, WireError> {
    // serde would also take an array, as the members in their order.
    if !filter.starts_with('{') {
        return Err(WireError::invalid_params("Invalid params: notifications must be an object"));
    }
    let filter: Filter = serde_json::from_str(filter)
        .map_err(|error| WireError::invalid_params(format!("Invalid params: notifications: {error}")))?;
    check_room(manager, session, filter.resource_subscriptions.len() + 1)?;
    let key = WatchKey::Listen(id.clone());
    let prompts = filter.prompts_list_changed && features.prompts_change();
    let resources = filter.resources_list_changed && (upstreams.is_some() || !features.resources.is_empty());
    if let Some(upstreams) = upstreams.filter(|_| filter.tools_list_changed || prompts || resources) {
        upstreams.heard().await;
    }
    let (mut watches, mut honoured) = (Vec::new(), Vec::new());
    for uri in filter.resource_subscriptions {
        match watch(features, manager, session, context, upstreams, &key, &uri, Era::Modern).await {
            Ok(watch) => {
                watches.push(watch);
                honoured.push(uri);
            }
            Err(error) if error.code == ErrorCode::InvalidParams => {}
            Err(error) => return Err(error),
        }
    }
    if !is_still(session, context) {
        // Whoever asked is gone meanwhile, and so is what may be watched for them.
        watches.clear();
        honoured.clear();
    }
    watches.into_iter().for_each(|watch| session.keep(watch));
    session.listen(Listen { id: id.clone(), tools: filter.tools_list_changed, prompts, resources });
    if resources {
        watch_lists(manager, session, &key);
    }

    let mut accepted = serde_json::Map::new();
    for (name, wanted) in [
        ("toolsListChanged", filter.tools_list_changed),
        ("promptsListChanged", prompts),
        ("resourcesListChanged", resources),
    ] {
        if wanted {
            accepted.insert(name.into(), true.into());
        }
    }
    if !honoured.is_empty() {
        accepted.insert("resourceSubscriptions".into(), honoured.into());
    }
    let accepted = serde_json::Value::Object(accepted);
    let params = format!(r#"{{{},"notifications":{accepted}}}"#, notify::meta(id));
    Ok(notification("notifications/subscriptions/acknowledged", &params))
}

/// `resources/subscribe` of the legacy era.
pub(super) async fn subscribe(
    features: &Features,
    manager: &SessionManager,
    session: &Arc<Session>,
    context: &Context,
    upstreams: Option<&Proxied>,
    uri: String,
) -> Result<(), WireError> {
    if !session.watches(&WatchKey::Legacy, &uri) {
        check_room(manager, session, 1)?;
        let watch = watch(features, manager, session, context, upstreams, &WatchKey::Legacy, &uri, Era::Legacy).await?;
        if !is_still(session, context) {
            return Err(not_found(&uri, Era::Legacy));
        }
        session.keep(watch);
    }
    Ok(())
}

/// `resources/unsubscribe` of the legacy era. What was not subscribed to needs nothing.
pub(super) fn unsubscribe(session: &Session, uri: &str) {
    session.drop_watches(|watch| *watch.key() == WatchKey::Legacy && watch.uri() == uri && !uri.is_empty());
}

/// A legacy client that has looked at the list wants to know when it changes.
pub(super) fn watch_list(manager: &SessionManager, session: &Arc<Session>) {
    if !session.watches(&WatchKey::Legacy, "") {
        watch_lists(manager, session, &WatchKey::Legacy);
    }
}

/// Has open subscriptions go on for whoever is signed in now: those to lists do, in whatever tenant
/// that is; those to resources are gone with the identity that asked for them.
pub(super) fn follow(manager: &SessionManager, session: &Arc<Session>) {
    for listen in session.listens().into_iter().filter(|listen| listen.resources) {
        let key = WatchKey::Listen(listen.id);
        if !session.watches(&key, "") {
            watch_lists(manager, session, &key);
        }
    }
}

/// Watches all that there is in the list of resources.
fn watch_lists(manager: &SessionManager, session: &Arc<Session>, key: &WatchKey) {
    let records = session.principal().map(|principal| Topic::Records(principal.tenant().uuid()));
    for topic in records.into_iter().chain([Topic::Resources]) {
        session.keep(manager.hub().watch(session, key.clone(), topic, String::new()));
    }
}

#[allow(clippy::too_many_arguments)]
async fn watch(
    features: &Features,
    manager: &SessionManager,
    session: &Arc<Session>,
    context: &Context,
    upstreams: Option<&Proxied>,
    key: &WatchKey,
    uri: &str,
    era: Era,
) -> Result<Watch, WireError> {
    let watch = |topic| manager.hub().watch(session, key.clone(), topic, uri.to_owned());
    let topic = |watched| match (watched, &context.scope) {
        (Watched::Announced, _) => Some(Topic::Resource(uri.into())),
        (Watched::Record(kind, id), Some(scope)) => Some(Topic::Record(scope.principal().tenant().uuid(), kind, id)),
        (Watched::Record(..), None) => None,
    };
    let Some(watched) = features.watched(context, uri, era).await? else {
        let upstreams = upstreams.ok_or_else(|| not_found(uri, era))?;
        return upstreams.subscribe(uri).await.map(watch);
    };
    let watch = watch(topic(watched).ok_or_else(|| not_found(uri, era))?);
    // Looked for once more: what was deleted before it was watched would never be heard of.
    features.watched(context, uri, era).await?.map(|_| watch).ok_or_else(|| not_found(uri, era))
}

/// Whether the session still is in the tenant that the scope is of.
fn is_still(session: &Session, context: &Context) -> bool {
    let tenant = |scope: &TenantScope| scope.principal().tenant();
    session.principal().map(|principal| principal.tenant()) == context.scope.as_ref().map(tenant)
}

fn check_room(manager: &SessionManager, session: &Session, wanted: usize) -> Result<(), WireError> {
    let limit = manager.limits().max_subscriptions;
    if session.watching() + session.listens().len() + wanted > limit {
        manager.metrics().limit_hit("limits.max_subscriptions");
        let message = format!("A connection has at most {limit} subscriptions; give some up first");
        return Err(WireError::new(ErrorCode::Internal, message));
    }
    Ok(())
}
