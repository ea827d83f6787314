//! Records as resources: `crm://contacts/{id}` and its siblings.

use super::Crm;
use crate::error::{Error, Result};
use crate::repository::record;
use crate::store::RecordKind;
use crate::tools::{Contents, Context, Members, Page, Resources, Watched};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// Resources a page.
const PAGE: usize = 100;
/// How long lists may be kept that never change.
pub(super) const FIXED: Duration = Duration::from_secs(3600);

/// What a resource URI names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ResourceUri {
    kind: RecordKind,
    id: Uuid,
}

impl ResourceUri {
    fn parse(uri: &str) -> Option<Self> {
        let (plural, id) = uri.strip_prefix("crm://")?.split_once('/')?;
        let kind = RecordKind::ALL.into_iter().find(|kind| kind.plural() == plural)?;
        // One spelling only: a resource has one URI.
        let id = Uuid::try_parse(id).ok().filter(|parsed| parsed.to_string() == id)?;
        Some(Self { kind, id })
    }
}

impl Resources for Crm {
    /// All records of the tenant; none before sign-in.
    fn list<'a>(&'a self, context: &'a Context, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page>> {
        Box::pin(list(context, cursor))
    }

    fn templates<'a>(&'a self, _: &'a Context, cursor: Option<&'a str>) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move { if cursor.is_some() { Err(no_such_cursor()) } else { Ok(templates()) } })
    }

    fn read<'a>(&'a self, context: &'a Context, uri: &'a str) -> BoxFuture<'a, Result<Option<Members>>> {
        Box::pin(async move {
            let scope = context.scope()?;
            let Some(ResourceUri { kind, id }) = ResourceUri::parse(uri) else { return Ok(None) };
            let json = record::json(scope, kind, id).await?;
            Ok(json.map(|json| Members::contents(&[Contents::text(uri, "application/json", json)])))
        })
    }

    fn watched<'a>(&'a self, context: &'a Context, uri: &'a str) -> BoxFuture<'a, Result<Option<Watched>>> {
        Box::pin(async move {
            let scope = context.scope()?;
            let Some(ResourceUri { kind, id }) = ResourceUri::parse(uri) else { return Ok(None) };
            Ok(record::exists(scope, kind, id).await?.then_some(Watched::Record(kind, id)))
        })
    }
}

/// The URI template of the records of a kind.
pub(super) fn template(kind: RecordKind) -> String {
    format!("crm://{}/{{id}}", kind.plural())
}

pub(super) fn no_such_cursor() -> Error {
    Error::InvalidArguments("Invalid params: unknown cursor; start again without one".into())
}

async fn list(context: &Context, cursor: Option<&str>) -> Result<Page> {
    let Ok(scope) = context.scope() else {
        return if cursor.is_some() { Err(no_such_cursor()) } else { Ok(Page::json("[]")) };
    };
    let after = match cursor.map(ResourceUri::parse) {
        Some(None) => return Err(no_such_cursor()),
        after => after.flatten().map(|uri| (uri.kind, uri.id)),
    };
    let page = record::page(scope, after, PAGE + 1).await?;
    let resources: Vec<_> = page
        .iter()
        .take(PAGE)
        .map(|entry| {
            json!({
                "uri": entry.kind.uri(entry.id),
                "name": entry.name,
                "title": entry.name,
                "description": format!("{} in the CRM", entry.kind.as_str()),
                "mimeType": "application/json",
            })
        })
        .collect();
    let last = page.get(PAGE - 1).filter(|_| page.len() > PAGE);
    Ok(Page::of(&resources).next(last.map(|last| last.kind.uri(last.id))))
}

fn templates() -> Page {
    let entry = |kind: RecordKind| {
        json!({
            "uriTemplate": template(kind),
            "name": kind.as_str(),
            "title": format!("One of the tenant's {}", kind.plural()),
            "description": format!("The {} with this id, as JSON.", kind.as_str()),
            "mimeType": "application/json",
        })
    };
    let templates: Vec<Value> = RecordKind::ALL.into_iter().map(entry).collect();
    Page::of(&templates).public(FIXED)
}
