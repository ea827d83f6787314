//! Resources: two that are listed, one that can be watched, and a template.

use crate::PNG;
use futures_util::future::BoxFuture;
use serde_json::json;
use sessile::error::Result;
use sessile::tools::{Contents, Context, Members, Page, Resources, Watched};
use std::time::Duration;

const TEXT: &str = "test://static-text";
const BINARY: &str = "test://static-binary";
const WATCHED: &str = "test://watched-resource";
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Shelf;

impl Resources for Shelf {
    fn list<'a>(&'a self, _: &'a Context, _: Option<&'a str>) -> BoxFuture<'a, Result<Page>> {
        let resources =
            [(TEXT, "A text", "text/plain"), (BINARY, "A pixel", "image/png"), (WATCHED, "A text", "text/plain")];
        let entry =
            |(uri, what, mime_type)| json!({ "uri": uri, "name": uri, "description": what, "mimeType": mime_type });
        let page = Page::of(&resources.map(entry)).public(MINUTE);
        Box::pin(async { Ok(page) })
    }

    fn templates<'a>(&'a self, _: &'a Context, _: Option<&'a str>) -> BoxFuture<'a, Result<Page>> {
        let template = json!({
            "uriTemplate": "test://template/{id}/data",
            "name": "data",
            "description": "Data with an id",
            "mimeType": "application/json",
        });
        Box::pin(async move { Ok(Page::of(&[template]).public(MINUTE)) })
    }

    fn read<'a>(&'a self, _: &'a Context, uri: &'a str) -> BoxFuture<'a, Result<Option<Members>>> {
        Box::pin(async move { Ok(contents(uri).map(|contents| Members::contents(&[contents]).public(MINUTE))) })
    }

    fn watched<'a>(&'a self, _: &'a Context, uri: &'a str) -> BoxFuture<'a, Result<Option<Watched>>> {
        Box::pin(async move { Ok(contents(uri).map(|_| Watched::Announced)) })
    }
}

fn contents(uri: &str) -> Option<Contents> {
    Some(match uri {
        TEXT => Contents::text(uri, "text/plain", "This is the content of the static text resource."),
        BINARY => Contents::bytes(uri, "image/png", PNG),
        WATCHED => Contents::text(uri, "text/plain", "This resource can be subscribed to."),
        _ => {
            let id = uri.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let data = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            Contents::text(uri, "application/json", data.to_string())
        }
    })
}
