//! Lists of what providers bring, page by page.

use super::failures::failed;
use crate::error::Result;
use crate::tools::{Context, Members, Page};
use crate::wire::{Era, WireError};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use std::sync::Arc;

/// How a provider gives a page.
pub(super) type PageOf<P> = for<'a> fn(&'a P, &'a Context, Option<&'a str>) -> BoxFuture<'a, Result<Page>>;

/// A page of the list that several providers have together: theirs, one after the other.
///
/// With one provider, its cursors are the list's. With more, a cursor begins with the provider's place.
pub(super) async fn list<P: ?Sized>(
    member: &'static str,
    providers: &[Arc<P>],
    page: PageOf<P>,
    context: Context,
    cursor: Option<String>,
    era: Era,
) -> Result<Members, WireError> {
    let alone = providers.len() == 1;
    let (place, own) = match cursor.as_deref() {
        None => (0, None),
        Some(cursor) if alone => (0, Some(cursor)),
        Some(cursor) => {
            let (place, own) = cursor.split_once(':').ok_or_else(no_such_cursor)?;
            (place.parse().map_err(|_| no_such_cursor())?, (!own.is_empty()).then_some(own))
        }
    };
    let provider = providers.get(place).ok_or_else(no_such_cursor)?;
    let page = page(provider, &context, own).await.map_err(|error| failed(&error, era))?;
    let next = match page.next_cursor {
        Some(cursor) if alone => Some(cursor),
        Some(cursor) => Some(format!("{place}:{cursor}")),
        None => (place + 1 < providers.len()).then(|| format!("{}:", place + 1)),
    };
    let mut json = format!(r#""{member}":{}"#, page.items);
    if let Some(next) = next {
        json.push_str(&format!(r#","nextCursor":{}"#, serde_json::Value::from(next)));
    }
    Ok(Members { json, keep: page.keep })
}

/// What a client calls itself, in one line of a sane length.
pub(super) fn client_name(client_info: &str) -> String {
    #[derive(Deserialize)]
    struct Info {
        #[serde(default)]
        name: String,
        #[serde(default)]
        version: String,
    }
    let Ok(info) = serde_json::from_str::<Info>(client_info) else { return String::new() };
    let name = format!("{} {}", info.name, info.version);
    name.chars().filter(|c| !c.is_control()).take(100).collect::<String>().trim().to_owned()
}

pub(super) fn no_such_cursor() -> WireError {
    WireError::invalid_params("Invalid params: unknown cursor; start again without one")
}
