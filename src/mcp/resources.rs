//! Records as resources: `crm://contacts/{id}` and its siblings.

use super::lists::{self, Members};
use crate::error::Error;
use crate::repository::record;
use crate::store::RecordKind;
use crate::tenancy::TenantScope;
use crate::wire::{Era, ErrorCode, WireError};
use uuid::Uuid;

/// Resources a page.
const PAGE: usize = 100;

/// What a resource URI names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResourceUri {
    pub(super) kind: RecordKind,
    pub(super) id: Uuid,
}

impl ResourceUri {
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let (plural, id) = uri.strip_prefix("crm://")?.split_once('/')?;
        let kind = RecordKind::ALL.into_iter().find(|kind| kind.plural() == plural)?;
        // One spelling only: a resource has one URI.
        let id = Uuid::try_parse(id).ok().filter(|parsed| parsed.to_string() == id)?;
        Some(Self { kind, id })
    }
}

/// `resources/read`.
pub(super) async fn read(scope: Option<TenantScope>, uri: String, era: Era) -> Result<Members, WireError> {
    let scope = signed_in(scope, &uri, era)?;
    let Some(ResourceUri { kind, id }) = ResourceUri::parse(&uri) else { return Err(not_found(&uri, era)) };
    let json = record::json(&scope, kind, id).await.map_err(|error| failed(&error))?;
    let Some(json) = json else { return Err(not_found(&uri, era)) };
    let contents = serde_json::json!([{ "uri": uri, "mimeType": "application/json", "text": json }]);
    Ok(Members::Private(format!(r#""contents":{contents}"#)))
}

/// `resources/list`: all records of the tenant; none before sign-in.
pub(super) async fn list(scope: Option<TenantScope>, cursor: Option<String>, _: Era) -> Result<Members, WireError> {
    let Some(scope) = scope else {
        return if cursor.is_some() {
            Err(lists::no_such_cursor())
        } else {
            Ok(Members::Private(r#""resources":[]"#.into()))
        };
    };
    let after = match cursor.as_deref().map(ResourceUri::parse) {
        Some(None) => return Err(lists::no_such_cursor()),
        after => after.flatten().map(|uri| (uri.kind, uri.id)),
    };
    let page = record::page(&scope, after, PAGE + 1).await.map_err(|error| failed(&error))?;
    let resources: Vec<_> = page
        .iter()
        .take(PAGE)
        .map(|entry| {
            serde_json::json!({
                "uri": entry.kind.uri(entry.id),
                "name": entry.name,
                "title": entry.name,
                "description": format!("{} in the CRM", entry.kind.as_str()),
                "mimeType": "application/json",
            })
        })
        .collect();
    let mut members = format!(r#""resources":{}"#, serde_json::Value::Array(resources));
    if page.len() > PAGE {
        let last = &page[PAGE - 1];
        members.push_str(&format!(r#","nextCursor":"{}""#, last.kind.uri(last.id)));
    }
    Ok(Members::Private(members))
}

pub(super) async fn exists(scope: &TenantScope, kind: RecordKind, id: Uuid) -> Result<bool, WireError> {
    record::exists(scope, kind, id).await.map_err(|error| failed(&error))
}

/// The scope, without which there is no resource.
pub(super) fn signed_in(scope: Option<TenantScope>, uri: &str, era: Era) -> Result<TenantScope, WireError> {
    scope.ok_or_else(|| {
        let mut error = not_found(uri, era);
        error.message = "Resource not found: nobody is signed in on this connection; call auth_sign_in first".into();
        error
    })
}

/// Unknown, malformed and foreign URIs all look like this.
pub(super) fn not_found(uri: &str, era: Era) -> WireError {
    let code = match era {
        Era::Legacy => ErrorCode::ResourceNotFound,
        Era::Modern => ErrorCode::InvalidParams,
    };
    WireError::new(code, "Resource not found").with_data(&serde_json::json!({ "uri": uri }))
}

/// A failure on the way to a result that is no tool's.
pub(super) fn failed(error: &Error) -> WireError {
    if error.is_internal() {
        tracing::error!(%error, "a request failed");
        return WireError::new(ErrorCode::Internal, crate::wire::INTERNAL);
    }
    let code = if matches!(error, Error::Busy(_)) { ErrorCode::Internal } else { ErrorCode::InvalidParams };
    WireError::new(code, error.to_string())
}
