//! Subscriptions to records and lists, in both eras.

use super::lists::Members;
use super::notify;
use super::resources::{self, ResourceUri};
use crate::session::{Listen, Session, SessionManager, Watch, WatchKey};
use crate::tenancy::TenantScope;
use crate::wire::{Era, ErrorCode, RequestId, WireError, notification};
use serde::Deserialize;
use std::sync::Arc;

/// What a modern client wants to be told of (2026-07-28, Subscriptions, Notification Filter).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Filter {
    tools_list_changed: bool,
    resources_list_changed: bool,
    resource_subscriptions: Vec<String>,
}

/// Opens a subscription, and gives the notification that acknowledges it.
///
/// What can't be honoured is left out of the acknowledgement: the list of prompts never changes,
/// and a record that does not exist for this caller can't be watched.
pub(super) async fn listen(
    manager: &SessionManager,
    session: &Arc<Session>,
    scope: Option<TenantScope>,
    id: &RequestId,
    filter: &str,
) -> Result<String, WireError> {
    // serde would also take an array, as the members in their order.
    if !filter.starts_with('{') {
        return Err(WireError::invalid_params("Invalid params: notifications must be an object"));
    }
    let filter: Filter = serde_json::from_str(filter)
        .map_err(|error| WireError::invalid_params(format!("Invalid params: notifications: {error}")))?;
    let wanted = filter.resource_subscriptions.len() + 1;
    check_room(manager, session, wanted)?;
    let key = WatchKey::Listen(id.clone());
    let mut watches = Vec::new();
    let mut honoured = Vec::new();
    if let Some(scope) = &scope {
        for uri in filter.resource_subscriptions {
            if let Some(watch) = watch(manager, session, scope, &key, &uri).await? {
                watches.push(watch);
                honoured.push(uri);
            }
        }
        if filter.resources_list_changed {
            watches.push(manager.hub().watch_list(session, key, scope.principal().tenant()));
        }
    }
    if !scope.is_some_and(|scope| is_still(session, &scope)) {
        // Whoever asked is gone meanwhile, and so is what may be watched for them.
        watches.clear();
        honoured.clear();
    }
    watches.into_iter().for_each(|watch| session.keep(watch));
    session.listen(Listen {
        id: id.clone(),
        tools: filter.tools_list_changed,
        resources: filter.resources_list_changed,
    });

    let mut accepted = serde_json::Map::new();
    if filter.tools_list_changed {
        accepted.insert("toolsListChanged".into(), true.into());
    }
    if filter.resources_list_changed {
        accepted.insert("resourcesListChanged".into(), true.into());
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
    manager: Arc<SessionManager>,
    session: Arc<Session>,
    scope: Option<TenantScope>,
    uri: String,
) -> Result<Members, WireError> {
    let scope = resources::signed_in(scope, &uri, Era::Legacy)?;
    let done = || Ok(Members::Plain(String::new()));
    if session.watches(&WatchKey::Legacy, &uri) {
        return done();
    }
    check_room(&manager, &session, 1)?;
    let watch = watch(&manager, &session, &scope, &WatchKey::Legacy, &uri).await?;
    let watch = watch.filter(|_| is_still(&session, &scope));
    session.keep(watch.ok_or_else(|| resources::not_found(&uri, Era::Legacy))?);
    done()
}

/// `resources/unsubscribe` of the legacy era. What was not subscribed to needs nothing.
pub(super) fn unsubscribe(session: &Session, uri: &str) {
    session.drop_watches(|watch| *watch.key() == WatchKey::Legacy && watch.uri() == uri && !uri.is_empty());
}

/// A legacy client that has looked at the list wants to know when it changes.
pub(super) fn watch_list(manager: &SessionManager, session: &Arc<Session>) {
    let Some(principal) = session.principal() else { return };
    if !session.watches(&WatchKey::Legacy, "") {
        session.keep(manager.hub().watch_list(session, WatchKey::Legacy, principal.tenant()));
    }
}

/// Has open subscriptions go on for whoever is signed in now: those to lists do, in whatever tenant
/// that is; those to records are gone with the identity that asked for them.
pub(super) fn follow(manager: &SessionManager, session: &Arc<Session>) {
    let Some(principal) = session.principal() else { return };
    for listen in session.listens().into_iter().filter(|listen| listen.resources) {
        let key = WatchKey::Listen(listen.id);
        if !session.watches(&key, "") {
            session.keep(manager.hub().watch_list(session, key, principal.tenant()));
        }
    }
}

async fn watch(
    manager: &SessionManager,
    session: &Arc<Session>,
    scope: &TenantScope,
    key: &WatchKey,
    uri: &str,
) -> Result<Option<Watch>, WireError> {
    let Some(ResourceUri { kind, id }) = ResourceUri::parse(uri) else { return Ok(None) };
    // Watched before it is looked for: a change in between is not missed.
    let watch =
        manager.hub().watch_record(session, key.clone(), scope.principal().tenant(), (kind, id), uri.to_owned());
    Ok(resources::exists(scope, kind, id).await?.then_some(watch))
}

/// Whether the session still is in the tenant that the scope is of.
fn is_still(session: &Session, scope: &TenantScope) -> bool {
    session.principal().is_some_and(|principal| principal.tenant() == scope.principal().tenant())
}

fn check_room(manager: &SessionManager, session: &Session, wanted: usize) -> Result<(), WireError> {
    let limit = manager.limits().max_subscriptions;
    if session.watching() + session.listens().len() + wanted > limit {
        let message = format!("A connection has at most {limit} subscriptions; give some up first");
        return Err(WireError::new(ErrorCode::Internal, message));
    }
    Ok(())
}
