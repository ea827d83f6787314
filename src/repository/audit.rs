//! The tenant's audit log.

use crate::error::Result;
use crate::store::{FromRow, Row, params};
use crate::tenancy::TenantScope;
use crate::time;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// Something that was done in the tenant, or was tried.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Entry {
    pub(crate) id: Uuid,
    pub(crate) at: String,
    /// What was done, such as auth.sign_in.
    pub(crate) action: String,
    /// The email address of who did it, and the name of the API key if it was done by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

impl FromRow for Entry {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.uuid()?,
            at: time::text(row.int()?),
            action: row.text()?,
            actor: row.opt_text()?,
            detail: Some(row.text()?).filter(|detail| !detail.is_empty()),
        })
    }
}

/// Entries, newest first. `action` is one action, or the start of several if it ends in a dot;
/// empty, it is all.
pub(crate) async fn page(scope: &TenantScope, action: &str, before: Option<Uuid>, limit: usize) -> Result<Vec<Entry>> {
    let whole = !(action.is_empty() || action.ends_with('.'));
    let prefix = if whole { 0 } else { action.chars().count() };
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    // Ids sort by time. A prefix of no length is one that every action starts with.
    let sql = "SELECT id, at, action, actor, detail FROM audit
               WHERE tenant_id = $1 AND id < $2 AND (action = $3 OR substr(action, 1, $4) = $3)
               ORDER BY id DESC LIMIT $5";
    scope.list(sql, params![before.unwrap_or(Uuid::max()), action, number(prefix), number(limit)]).await
}
