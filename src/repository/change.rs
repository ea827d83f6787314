//! How records come, change and go: each is one write, with all that follows from it.

use super::conflict;
use super::once::{Before, Once};
use super::record::{self, Link, Record};
use crate::error::{Error, Result};
use crate::store::{FromRow, RecordKind, Row, Written, params};
use crate::tenancy::{Principal, ScopedWrite, TenantScope};
use crate::time::{self, Time};
use uuid::Uuid;

/// Versions of a record whose changes are kept.
const HISTORY: i64 = 50;

/// Makes a record; what it refers to has to be there.
pub(crate) async fn create<R: Record>(scope: &TenantScope, mut record: R) -> Result<R> {
    let links = links_of(&record);
    let write = insert(check(scope.write(), &links), &record);
    let mut written = write.commit().await.map_err(|error| unmet_link(error, &links))?;
    note_names(&mut record, &links, &mut written)?;
    Ok(record)
}

/// The same, unless it was made with this key before: then gives that one as it is now, and says when it was made.
///
/// # Errors
/// [`Error::NotFound`] when it was deleted since; else as [`create`] and [`Once::before`].
pub(crate) async fn create_once<R: Record>(
    scope: &TenantScope,
    mut record: R,
    once: &Once,
) -> Result<(R, Option<i64>)> {
    if let Some(before) = once.before(scope).await? {
        return made_before(scope, before).await;
    }
    let links = links_of(&record);
    let id = record.head().id.to_string();
    let write = insert(check(once.write(scope, &id), &links), &record);
    match write.commit().await {
        Ok(mut written) => {
            let _key = (written.next_rows(), written.next_rows());
            note_names(&mut record, &links, &mut written)?;
            Ok((record, None))
        }
        Err(error) => made_before(scope, once.overtaken(scope, unmet_link(error, &links)).await?).await,
    }
}

/// The record that was made with a key.
async fn made_before<R: Record>(scope: &TenantScope, Before { answer, at, .. }: Before) -> Result<(R, Option<i64>)> {
    let found = match record::id(&answer) {
        Some(id) => record::find(scope, id).await?,
        None => None,
    };
    let kind = R::KIND.as_str();
    let record = found.ok_or_else(|| {
        Error::NotFound(format!(
            "This call made the {kind} {answer} at {}, which was deleted since; nothing was written now. To make it \
             again, make up another idempotency_key.",
            time::text(at)
        ))
    })?;
    Ok((record, Some(at)))
}

/// Changes the given version of a record. A change that changes nothing writes nothing.
pub(crate) async fn update<R: Record>(
    scope: &TenantScope,
    id: &str,
    version: i64,
    change: impl FnOnce(&mut R) -> Result<()>,
) -> Result<R> {
    let old: R = at_version(scope, id, Some(version)).await?;
    let mut new = old.clone();
    change(&mut new)?;
    let changed = changed_fields(&old, &new);
    if changed.is_empty() {
        return Ok(old);
    }
    let links: Vec<_> = new.links().into_iter().filter(|link| changed.contains(&link.field)).collect();
    let write = replace(check(scope.write(), &links), scope.principal(), &old, &mut new, &changed);
    match write.commit().await {
        Ok(mut written) => {
            note_names(&mut new, &links, &mut written)?;
            Ok(new)
        }
        Err(error) => Err(overtaken::<R>(scope, id, Some(version), unmet_link(error, &links)).await),
    }
}

/// Deletes a record, or only the given version of it, after whatever refers to it let go of it; says
/// how many records did.
pub(crate) async fn delete<R: Record>(scope: &TenantScope, id: &str, version: Option<i64>) -> Result<(R, usize)> {
    let record: R = at_version(scope, id, version).await?;
    let (key, now, user) = (record.head().id, Time::now().milliseconds(), scope.principal().user());
    let mut write = scope.write();
    for backlink in R::BACKLINKS {
        write = write.run(backlink.note, params![key, user, now]).run(backlink.clear, params![key, now]);
        for Id(linked) in scope.list(backlink.find, params![key]).await? {
            write = write.changed(backlink.kind, linked);
        }
    }
    let written = write
        .run("DELETE FROM record_change WHERE tenant_id = $1 AND record_id = $2", params![key])
        .expect("version", R::SQL.delete, params![key, version])
        .unindex(key)
        .went(R::KIND, key)
        .commit()
        .await;
    match written {
        Ok(mut written) => Ok((record, R::BACKLINKS.iter().map(|_| unlinked(&mut written)).sum())),
        Err(error) => Err(overtaken::<R>(scope, id, version, error).await),
    }
}

/// Adds to a write that a record comes to be.
pub(crate) fn insert<'s, R: Record>(write: ScopedWrite<'s>, record: &R) -> ScopedWrite<'s> {
    let head = record.head();
    let mut row = params![head.id, head.version, head.created_at.milliseconds(), head.updated_at.milliseconds()];
    row.extend(record.fields().into_iter().map(|(_, value)| value));
    row.extend(record.keys());
    write
        .run(R::SQL.insert, row)
        .index(R::KIND, head.id, record.title().to_owned(), record.words())
        .came(R::KIND, head.id)
}

/// Adds to a write that a record takes the place of its former version, and gives it its new head.
/// The write fails with [`Error::Unmet`] `"version"` when that version is no longer the current one.
pub(crate) fn replace<'s, R: Record>(
    write: ScopedWrite<'s>,
    by: &Principal,
    old: &R,
    new: &mut R,
    changed: &[&'static str],
) -> ScopedWrite<'s> {
    let before = old.head();
    let (id, now) = (before.id, Time::now());
    let version = before.version + 1;
    let head = new.head_mut();
    (head.version, head.updated_at) = (version, now);
    let mut row = params![id, before.version, version, now.milliseconds()];
    row.extend(new.fields().into_iter().map(|(_, value)| value));
    row.extend(new.keys());
    let mut write = write
        .expect("version", R::SQL.update, row)
        .run(
            "INSERT INTO record_change (tenant_id, record_id, version, user_id, at, fields)
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![id, version, by.user(), now.milliseconds(), changed.join(",")],
        )
        .changed(R::KIND, id);
    if version > HISTORY {
        write = write.run(
            "DELETE FROM record_change WHERE tenant_id = $1 AND record_id = $2 AND version <= $3",
            params![id, version - HISTORY],
        );
    }
    let words = new.words();
    if old.title() != new.title() || old.words() != words {
        write = write.index(R::KIND, id, new.title().to_owned(), words);
    }
    write
}

/// The fields in which two versions of a record differ.
pub(crate) fn changed_fields<R: Record>(old: &R, new: &R) -> Vec<&'static str> {
    let pairs = old.fields().into_iter().zip(new.fields());
    pairs.filter(|((_, old), (_, new))| old != new).map(|((name, _), _)| name).collect()
}

/// What to say when a record should refer to one that is not there.
pub(crate) fn no_such_link(field: &str, kind: RecordKind, id: &str) -> Error {
    let kind = kind.as_str();
    Error::NotFound(format!("{field}: there is no {kind} {id:?}; crm_{kind}_list lists those there are."))
}

/// The record, if this is its version.
async fn at_version<R: Record>(scope: &TenantScope, id: &str, version: Option<i64>) -> Result<R> {
    let found: Option<R> = match record::id(id) {
        Some(id) => record::find(scope, id).await?,
        None => None,
    };
    let current = found.ok_or_else(|| record::not_found(R::KIND, id))?;
    match version {
        Some(version) if version != current.head().version => Err(conflict::explain(scope, &current, version).await?),
        _ => Ok(current),
    }
}

/// Why a write on this version failed: somebody else's came first.
async fn overtaken<R: Record>(scope: &TenantScope, id: &str, version: Option<i64>, error: Error) -> Error {
    match error {
        Error::Unmet("version") => match at_version::<R>(scope, id, version).await {
            Ok(_) => Error::Internal("a write found another version than a read".into()),
            Err(error) => error,
        },
        error => error,
    }
}

/// What a record refers to.
fn links_of<R: Record>(record: &R) -> Vec<Link> {
    record.links().into_iter().filter(|link| link.id.is_some()).collect()
}

/// Adds to a write that it needs what the links refer to; each gives the name of that.
fn check<'s>(write: ScopedWrite<'s>, links: &[Link]) -> ScopedWrite<'s> {
    links.iter().filter(|link| link.id.is_some()).fold(write, |write, link| {
        let sql = match link.kind {
            RecordKind::Company => "SELECT name FROM company WHERE tenant_id = $1 AND id = $2",
            RecordKind::Contact => "SELECT name FROM contact WHERE tenant_id = $1 AND id = $2",
            RecordKind::Deal => "SELECT name FROM deal WHERE tenant_id = $1 AND id = $2",
            RecordKind::Activity => "SELECT subject FROM activity WHERE tenant_id = $1 AND id = $2",
        };
        write.expect(link.field, sql, params![link.id])
    })
}

/// Tells a record the names that [`check`] found.
fn note_names<R: Record>(record: &mut R, links: &[Link], written: &mut Written) -> Result<()> {
    for link in links {
        let name = match link.id {
            Some(_) => written.next_rows().first_mut().map(Row::text).transpose()?,
            None => None,
        };
        record.linked(link.field, name);
    }
    Ok(())
}

fn unmet_link(error: Error, links: &[Link]) -> Error {
    let Error::Unmet(tag) = error else { return error };
    match links.iter().find(|link| link.field == tag) {
        Some(Link { field, kind, id }) => no_such_link(field, *kind, &id.unwrap_or_default().to_string()),
        None => error,
    }
}

/// How many records the next backlink of a deletion concerned.
fn unlinked(written: &mut Written) -> usize {
    let _note = written.next_rows();
    written.next_rows().len()
}

struct Id(Uuid);

impl FromRow for Id {
    fn from_row(row: &mut Row) -> Result<Self> {
        row.uuid().map(Self)
    }
}
