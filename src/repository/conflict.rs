//! What happened to a record since somebody looked at it.

use super::record::Record;
use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::TenantScope;
use crate::time;
use std::fmt::Write as _;

/// Characters of a field's value that are shown.
const SHOWN: usize = 200;

/// One change of a record.
#[derive(Debug)]
struct Change {
    version: i64,
    at: i64,
    fields: String,
    who: Option<String>,
}

impl FromRow for Change {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { version: row.int()?, at: row.int()?, fields: row.text()?, who: row.opt_text()? })
    }
}

/// The conflict between the version that somebody saw and the record as it is now.
pub(super) async fn explain<R: Record>(scope: &TenantScope, current: &R, seen: i64) -> Result<Error> {
    let sql = "SELECT c.version, c.at, c.fields, u.email FROM record_change c LEFT JOIN app_user u ON u.id = c.user_id
               WHERE c.tenant_id = $1 AND c.record_id = $2 AND c.version > $3 ORDER BY c.version";
    let head = current.head();
    let changes = if seen < head.version { scope.list(sql, params![head.id, seen]).await? } else { Vec::new() };
    Ok(Error::Conflict(text(current, seen, &changes)?))
}

fn text<R: Record>(current: &R, seen: i64, changes: &[Change]) -> Result<String> {
    let (kind, title) = (R::KIND.as_str(), current.title());
    let (id, version) = (current.head().id, current.head().version);
    let mut text = format!("The {kind} {title:?} ({id}) is at version {version}, not {seen}; nothing was written.");
    if seen > version {
        let _ = write!(text, " There never was a version {seen} of it.");
    } else {
        text.push_str(" Changed since then:");
        if changes.first().is_none_or(|first| first.version > seen + 1) {
            text.push_str("\n- (older changes are no longer on record)");
        }
        for Change { version, at, fields, who } in changes {
            let who = who.as_deref().unwrap_or("somebody");
            let (fields, at) = (fields.replace(',', ", "), time::text(*at));
            let _ = write!(text, "\n- version {version}: {who} changed {fields} at {at}");
        }
        text.push_str("\nAs it is now:");
        for (name, value) in now(current, changes)? {
            let _ = write!(text, "\n- {name}: {value}");
        }
    }
    let _ = write!(text, "\nRead it again with crm_{kind}_get and, if the change still fits, give version {version}.");
    Ok(text)
}

/// The fields that were changed, each once, with their values as a result shows them.
fn now<R: Record>(current: &R, changes: &[Change]) -> Result<Vec<(&'static str, String)>> {
    let shown = serde_json::to_value(current).map_err(|e| Error::internal("writing a record", e))?;
    let changed = |name: &str| changes.iter().any(|change| change.fields.split(',').any(|field| field == name));
    let fields = current.fields().into_iter().map(|(name, _)| name).filter(|name| changed(name));
    Ok(fields
        .map(|name| {
            let value = shown.get(name).unwrap_or(&serde_json::Value::Null).to_string();
            let cut = value.char_indices().nth(SHOWN).map(|(at, _)| format!("{}…", &value[..at]));
            (name, cut.unwrap_or(value))
        })
        .collect())
}
