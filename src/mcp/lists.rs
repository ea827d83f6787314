//! Lists of what providers bring, page by page.

use super::failures::failed;
use super::proxy::Proxied;
use crate::error::Result;
use crate::tools::{Context, Keep, Members, Page};
use crate::upstream::List;
use crate::wire::{Era, WireError};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use std::sync::Arc;

/// How a provider gives a page.
pub(super) type PageOf<P> = for<'a> fn(&'a P, &'a Context, Option<&'a str>) -> BoxFuture<'a, Result<Page>>;

/// A page that several providers have together.
pub(super) struct Listed {
    items: String,
    next: Option<String>,
    keep: Keep,
}

/// A page of the list that several providers have together: theirs, one after the other.
///
/// With one provider, its cursors are the list's. With more, a cursor begins with the provider's place.
pub(super) async fn list<P: ?Sized>(
    providers: &[Arc<P>],
    page: PageOf<P>,
    context: Context,
    cursor: Option<String>,
    era: Era,
) -> Result<Listed, WireError> {
    if providers.is_empty() && cursor.is_none() {
        return Ok(Listed { items: "[]".into(), next: None, keep: Keep::default() });
    }
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
    Ok(Listed { items: page.items, next, keep: page.keep })
}

impl Listed {
    /// The members of the result. What upstreams list is on the last page.
    pub(super) async fn with(self, member: &str, upstreams: Option<Proxied>, list: List) -> Members {
        let Self { items, next, mut keep } = self;
        let mut json = format!(r#""{member}":{items}"#);
        match (next, upstreams) {
            (Some(next), _) => json.push_str(&format!(r#","nextCursor":{}"#, serde_json::Value::from(next))),
            (None, Some(upstreams)) => {
                if let Some(more) = upstreams.listed(list).await {
                    json = longer(&json, &more);
                    // Theirs depends on who asks, and changes when they say so.
                    keep = Keep::default();
                }
            }
            (None, None) => {}
        }
        Members { json, keep }
    }
}

/// A member that is an array, with these items behind its own.
pub(super) fn longer(member: &str, items: &str) -> String {
    if items.is_empty() {
        return member.to_owned();
    }
    let open = member.trim_end().strip_suffix(']').unwrap_or(member);
    let comma = if open.trim_end().ends_with('[') { "" } else { "," };
    format!("{open}{comma}{items}]")
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
