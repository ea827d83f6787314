//! What was done in the tenant.

use crate::error::Result;
use crate::repository::audit::{self, Entry};
use crate::tools::input::{Cursor, Limit, Text, cut, more};
use crate::tools::{Caller, Reply};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadLog {
    /// Only this action, such as auth.sign_in; ending in a dot, all that start with it, such as auth.
    #[serde(default)]
    action: Option<Text<100>>,
    /// How many entries a page has at the most.
    #[serde(default)]
    limit: Limit,
    /// The next_cursor of the page before.
    #[serde(default)]
    cursor: Option<Cursor<Uuid>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Log {
    entries: Vec<Entry>,
    /// There are older ones: pass this as cursor to get them.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(super) async fn list(caller: Caller, ReadLog { action, limit, cursor }: ReadLog) -> Result<Reply<Log>> {
    let action = action.as_deref().unwrap_or_default();
    let mut entries = audit::page(&caller, action, cursor.map(|Cursor(id)| id), limit.get() + 1).await?;
    let next_cursor = cut(&mut entries, limit.get(), |entry| entry.id);
    let lines: String = entries.iter().map(line).collect();
    let more = more(next_cursor.as_deref());
    let text = format!("Entries in the audit log of {}:{lines}{more}", caller.principal().tenant_name());
    Ok(Reply::new(Log { entries, next_cursor }, text))
}

fn line(Entry { at, action, actor, detail, .. }: &Entry) -> String {
    let mut line = format!("\n- {at} {action}");
    if let Some(actor) = actor {
        line.push_str(&format!(" by {actor}"));
    }
    if let Some(detail) = detail {
        line.push_str(&format!(": {detail}"));
    }
    line
}
