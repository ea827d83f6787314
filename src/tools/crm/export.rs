//! `crm_export`: records as CSV that a spreadsheet opens, and contacts as an import takes them.

use super::super::input::{Limit, more};
use super::super::{Caller, Effect, Reply, Tool};
use super::contact_csv;
use crate::error::{Error, Result};
use crate::repository::activity::Activity;
use crate::repository::company::Company;
use crate::repository::contact::Contact;
use crate::repository::deal::Deal;
use crate::repository::list::{self, Filter, Order};
use crate::repository::record::Record;
use crate::store::RecordKind;
use crate::tenancy::{Role, TenantScope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Records that are read at once.
const BATCH: usize = 100;
/// Bytes after which a page ends, however few its rows are.
const ENOUGH: usize = 1 << 20;

pub(super) fn tool() -> Tool {
    Tool::new("crm_export", Role::Viewer, Effect::Reads, run).described(
        "Export records",
        "Writes all records of a kind as CSV, in the order of their creation, page by page; each page has the header line. Contacts come as crm_import_contacts takes them.",
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Export {
    /// Which kind of record.
    kind: RecordKind,
    /// How many records to give; fewer come if they are long.
    #[serde(default)]
    limit: Limit<1000, 500>,
    /// The next_cursor of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Exported {
    /// A header line and one record a row. A cell that a spreadsheet would calculate starts with an
    /// apostrophe.
    csv: String,
    /// How many records there are in it.
    rows: usize,
    /// Given when there are more: call again with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn run(caller: Caller, Export { kind, limit, cursor }: Export) -> Result<Reply<Exported>> {
    let exported = match kind {
        RecordKind::Company => export::<Company>(&caller, COMPANY, limit.get(), cursor).await,
        RecordKind::Contact => export::<Contact>(&caller, CONTACT, limit.get(), cursor).await,
        RecordKind::Deal => export::<Deal>(&caller, DEAL, limit.get(), cursor).await,
        RecordKind::Activity => export::<Activity>(&caller, ACTIVITY, limit.get(), cursor).await,
    }?;
    let text = format!("{}{}", exported.csv, more(exported.next_cursor.as_deref()).trim_start());
    Ok(Reply::new(exported, text))
}

// The columns of each kind.
const COMPANY: &str = "id name domain industry phone website address notes created_at updated_at version";
const CONTACT: &str = "id name email phone job_title company_id company_name notes created_at updated_at version";
const DEAL: &str = "id name stage amount currency close_date company_id contact_id notes created_at updated_at version";
const ACTIVITY: &str =
    "id kind subject body at due_date done contact_id company_id deal_id created_at updated_at version";

async fn export<R: Record>(
    scope: &TenantScope,
    columns: &str,
    limit: usize,
    mut cursor: Option<String>,
) -> Result<Exported> {
    let columns: Vec<_> = columns.split(' ').collect();
    let created = Order { by: &list::CREATED, descending: false };
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    loop {
        let batch = BATCH.min(limit - rows.len());
        let page = list::list::<R>(scope, Filter::default(), created, batch, cursor.as_deref()).await?;
        for record in &page.items {
            let row = row(record, &columns)?;
            bytes += row.iter().map(String::len).sum::<usize>();
            rows.push(row);
        }
        cursor = page.next_cursor;
        if cursor.is_none() || rows.len() >= limit || bytes >= ENOUGH {
            break;
        }
    }
    let count = rows.len();
    Ok(Exported { csv: contact_csv::write(&columns, rows.into_iter()), rows: count, next_cursor: cursor })
}

/// A record's fields as its JSON has them; what is empty is an empty cell.
fn row(record: &impl Serialize, columns: &[&str]) -> Result<Vec<String>> {
    let mut fields = serde_json::to_value(record).map_err(|e| Error::internal("writing a record", e))?;
    let cell = |column: &&str| match fields.get_mut(column).map(Value::take) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
    };
    Ok(columns.iter().map(cell).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::input::schema;

    fn fields<R: JsonSchema>() -> Vec<String> {
        let schema = schema::<R>();
        let mut names: Vec<_> =
            schema["properties"].as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect();
        names.sort();
        names
    }

    fn sorted(columns: &str) -> Vec<String> {
        let mut columns: Vec<_> = columns.split(' ').map(str::to_owned).collect();
        columns.sort();
        columns
    }

    #[test]
    fn every_field_of_a_record_has_its_column() {
        assert_eq!(sorted(COMPANY), fields::<Company>());
        assert_eq!(sorted(CONTACT), fields::<Contact>());
        assert_eq!(sorted(DEAL), fields::<Deal>());
        assert_eq!(sorted(ACTIVITY), fields::<Activity>());
    }

    #[test]
    fn cells_are_text_numbers_or_empty() {
        let record = serde_json::json!({ "name": "Ada, \"=1\"", "version": 3, "done": false, "notes": null });
        let row = row(&record, &["name", "version", "done", "notes", "email"]);
        assert_eq!(row.ok(), Some(["Ada, \"=1\"", "3", "false", "", ""].map(str::to_owned).to_vec()));
    }
}
