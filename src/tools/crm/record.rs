//! What the tools of all kinds of record share: reading one, deleting one, and pages of them.

use super::super::input::{Key, Limit, Patch};
use super::super::{Caller, Reply};
use super::sort::Sort;
use crate::error::Result;
use crate::repository::change;
use crate::repository::list::{self, Filter, Page};
use crate::repository::once::Once;
use crate::repository::record::{self, Record};
use crate::store::RecordKind;
use crate::time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names a record.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ById {
    /// The record's id.
    id: Key,
}

/// Names a record to delete.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    /// The record's id.
    id: Key,
    /// Deletes it only if this is still its version.
    version: Option<i64>,
}

/// What became of a record that was to be deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Deleted {
    id: Uuid,
    deleted: bool,
    /// How many records referred to it and no longer do.
    unlinked: usize,
}

/// `crm_KIND_get`.
pub(super) async fn get<R: Record>(caller: Caller, ById { id }: ById) -> Result<Reply<R>> {
    let found = match record::id(&id) {
        Some(id) => record::find::<R>(&caller, id).await?,
        None => None,
    };
    let record = found.ok_or_else(|| record::not_found(R::KIND, &id))?;
    let text = record.text();
    Ok(Reply::new(record, text))
}

/// `crm_KIND_delete`.
pub(super) async fn delete<R: Record>(caller: Caller, Delete { id, version }: Delete) -> Result<Reply<Deleted>> {
    let (record, unlinked) = change::delete::<R>(&caller, &id, version).await?;
    let let_go = match unlinked {
        0 => String::new(),
        1 => " One record referred to it and no longer does.".into(),
        n => format!(" {n} records referred to it and no longer do."),
    };
    let text = format!("Deleted the {} {:?}.{let_go}", R::KIND.as_str(), record.title());
    Ok(Reply::new(Deleted { id: record.head().id, deleted: true, unlinked }, text))
}

/// A record that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Created<R> {
    #[serde(flatten)]
    record: R,
    /// Nothing was written: a call with the same idempotency_key has made the record before, and this is how it is now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
}

/// Makes a record, and says so; if it was made before, says that.
pub(super) async fn create<R: Record>(caller: &Caller, record: R, once: Option<Once>) -> Result<Reply<Created<R>>> {
    let (record, before) = match once {
        Some(once) => change::create_once(caller, record, &once).await?,
        None => (change::create(caller, record).await?, None),
    };
    let text = match before {
        None => format!("Created {}", record.text()),
        Some(at) => {
            let at = time::text(at);
            format!("Nothing was written: this call was made before, at {at}, and created {}", record.text())
        }
    };
    Ok(Reply::new(Created { record, repeated: before.is_some() }, text))
}

/// Changes a record, and says so.
pub(super) async fn update<R: Record>(
    caller: &Caller,
    id: &Key,
    version: i64,
    change: impl FnOnce(&mut R) -> Result<()>,
) -> Result<Reply<R>> {
    let record = change::update(caller, id, version, change).await?;
    let done = if record.head().version == version { "Nothing to change in" } else { "Updated" };
    let text = format!("{done} {}", record.text());
    Ok(Reply::new(record, text))
}

/// A page of records, and the same in words.
pub(super) async fn page<R: Record>(
    caller: &Caller,
    filter: Filter,
    sort: &Sort<R>,
    limit: Limit,
    cursor: Option<&str>,
) -> Result<Reply<Page<R>>> {
    let page = list::list::<R>(caller, filter, sort.order, limit.get(), cursor).await?;
    let text = describe(&page);
    Ok(Reply::new(page, text))
}

/// A page in words: a line for each record, and how to go on.
pub(super) fn describe<R: Record>(page: &Page<R>) -> String {
    let kinds = R::KIND.plural();
    if page.items.is_empty() {
        return format!("No {kinds} here.");
    }
    let mut text = match page.items.len() {
        1 => format!("1 {}:", R::KIND.as_str()),
        n => format!("{n} {kinds}:"),
    };
    for record in &page.items {
        text.push_str("\n- ");
        text.push_str(&record.line());
    }
    if let Some(cursor) = &page.next_cursor {
        text.push_str(&format!("\nThere are more: call again with cursor {cursor:?} and the rest as before."));
    }
    text
}

/// The id of a record that another one is to refer to. Whatever is no id refers to nothing.
pub(super) fn link(field: &str, kind: RecordKind, key: &Key) -> Result<Uuid> {
    record::id(key).ok_or_else(|| change::no_such_link(field, kind, key))
}

/// As [`link`], for a change.
pub(super) fn patch_link(field: &str, kind: RecordKind, patch: Patch<Key>) -> Result<Patch<Uuid>> {
    Ok(match patch {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(key) => Patch::Set(link(field, kind, &key)?),
    })
}
