//! The full-text index, as SQLite's FTS5 keeps it.
//!
//! One index serves all tenants, and each document carries its tenant as a token of its own, so a
//! query is narrowed to the tenant inside the index. Ranking is left to the caller: FTS5's own
//! `bm25` weighs a word by how rare it is over *all* documents, and so would let one tenant's data
//! shift another tenant's order.
//!
//! A table beside the index maps records to row numbers: finding a document through the index itself
//! would have FTS5 write out what it has gathered of the transaction, at each write.

use super::{FromRow, RecordKind, Row, Value, params};
use crate::error::{Error, Result};
use std::fmt::Write as _;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// What the index holds of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Whose it is.
    pub tenant: Uuid,
    /// What it is.
    pub kind: RecordKind,
    /// Which record.
    pub id: Uuid,
    /// What it is called: counts most.
    pub title: String,
    /// All its other words.
    pub body: String,
}

impl FromRow for Document {
    fn from_row(row: &mut Row) -> Result<Self> {
        let tenant = row.uuid()?;
        let kind = row.text()?;
        let kind = RecordKind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
            .ok_or_else(|| Error::Internal("the index holds a record of an unknown kind".into()))?;
        Ok(Self { tenant, kind, id: row.uuid()?, title: row.text()?, body: row.text()? })
    }
}

/// Finds a document's row number in the index, or gives it one.
pub(super) const PLACE: &str = "INSERT INTO search_row (tenant_id, record_id) VALUES ($1, $2)
     ON CONFLICT (tenant_id, record_id) DO UPDATE SET record_id = excluded.record_id RETURNING id";
pub(super) const DISPLACE: &str = "DELETE FROM search_row WHERE tenant_id = $1 AND record_id = $2 RETURNING id";
pub(super) const DISPLACE_SOME: &str = "DELETE FROM search_row WHERE id IN
     (SELECT id FROM search_row WHERE tenant_id = $1 LIMIT $2) RETURNING id";
pub(super) const INSERT: &str =
    "INSERT INTO search (rowid, tenant, tenant_id, kind, id, title, body) VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(super) const DELETE: &str = "DELETE FROM search WHERE rowid = $1";

pub(super) fn insert_params(row: i64, document: &Document) -> Vec<Value> {
    params![
        row,
        document.tenant.simple().to_string(),
        document.tenant,
        document.kind.as_str(),
        document.id,
        &document.title,
        &document.body,
    ]
}

/// The words of a text, as the index cuts and compares them: runs of letters and digits, in lower
/// case and without diacritics.
pub fn words(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let folded = if lower.is_ascii() {
        lower
    } else {
        lower.nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc().collect()
    };
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// The statement that finds the documents which hold every word of `query` or a longer word that
/// starts with it: the newest that hold them in their title, and the newest of all. `None` when
/// there is no word in it.
pub(super) fn statement(
    tenant: &Value,
    query: &str,
    kinds: &[RecordKind],
    limit: usize,
) -> Option<(String, Vec<Value>)> {
    let Value::Text(tenant_id) = tenant else { return None };
    // A run of letters and digits is safe within the quotes of an FTS5 string.
    let words: Vec<_> = words(query).take(16).map(|word| format!("\"{word}\"*")).collect();
    if words.is_empty() {
        return None;
    }
    let (tenant, words) = (tenant_id.replace('-', ""), words.join(" AND "));
    let matching = |columns| format!("tenant:{tenant} AND {{{columns}}}:({words})");
    let mut among = String::new();
    if !kinds.is_empty() {
        let names: Vec<_> = kinds.iter().map(|kind| format!("'{}'", kind.as_str())).collect();
        let _ = write!(among, " AND kind IN ({})", names.join(", "));
    }
    let newest = |matching| {
        format!(
            "SELECT * FROM (SELECT rowid AS row, tenant_id, kind, id, title, body FROM search
             WHERE search MATCH {matching} AND tenant_id = $3{among} ORDER BY rowid DESC LIMIT {limit})"
        )
    };
    let sql = format!(
        "SELECT tenant_id, kind, id, title, body FROM ({} UNION {}) ORDER BY row DESC",
        newest("$1"),
        newest("$2")
    );
    Some((sql, params![matching("title"), matching("title body"), tenant_id]))
}
