//! Many contacts in one write: what is there already, and how all the rest comes to be at once.

use super::change::{changed_fields, insert, replace};
use super::company::Company;
use super::contact::Contact;
use super::once::{Before, Once};
use super::record::Record;
use crate::error::{Error, Result};
use crate::store::{FromRow, Row, Value, params};
use crate::tenancy::{ScopedWrite, TenantScope};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Keys that are looked up at once.
const BATCH: usize = 30;
/// Records after which other tasks get their turn.
const TURN: usize = 500;

/// What is to be written.
#[derive(Debug, Default)]
pub(crate) struct Import {
    pub(crate) companies: Vec<Company>,
    pub(crate) contacts: Vec<Contact>,
    /// Contacts that were there before, as they were and as they are to be.
    pub(crate) changed: Vec<(Contact, Contact)>,
    /// Companies that were there before and are referred to.
    pub(crate) linked: BTreeSet<Uuid>,
}

/// A company by the name that it is looked up by.
#[derive(Debug)]
pub(crate) struct NamedCompany {
    pub(crate) id: Uuid,
    pub(crate) name_key: String,
}

impl FromRow for NamedCompany {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { id: row.uuid()?, name_key: row.text()? })
    }
}

/// The contacts with these email addresses, which are in lower case; of several with the same one,
/// the oldest.
pub(crate) async fn contacts(scope: &TenantScope, email_keys: &[String]) -> Result<Vec<Contact>> {
    let sql = format!(
        "SELECT {} FROM {} WHERE r.tenant_id = $1 AND r.id IN
           (SELECT MIN(id) FROM contact WHERE tenant_id = $1 AND email_key IN ({}) GROUP BY email_key)",
        Contact::SQL.columns,
        Contact::SQL.from,
        placeholders()
    );
    look_up(scope, &sql, email_keys).await
}

/// The companies with these names, which are in lower case; of several with the same one, the oldest.
pub(crate) async fn companies(scope: &TenantScope, name_keys: &[String]) -> Result<Vec<NamedCompany>> {
    let sql = format!(
        "SELECT MIN(id), name_key FROM company WHERE tenant_id = $1 AND name_key IN ({}) GROUP BY name_key",
        placeholders()
    );
    look_up(scope, &sql, name_keys).await
}

/// Writes it all, or nothing if any of what was looked up has changed since. With a key goes what is noted of it; if an
/// import was made with the key meanwhile, gives that one.
pub(crate) async fn apply(scope: &TenantScope, import: Import, once: Option<(&Once, &str)>) -> Result<Option<Before>> {
    let Import { companies, contacts, changed, linked } = import;
    let mut write = once.map_or_else(|| scope.write(), |(once, answer)| once.write(scope, answer));
    for id in linked {
        write = write.expect("company", "SELECT id FROM company WHERE tenant_id = $1 AND id = $2", params![id]);
    }
    for (number, company) in companies.iter().enumerate() {
        write = insert(unless_there(write, NO_SUCH_COMPANY, company.name.to_lowercase()), company);
        give_way(number).await;
    }
    for (number, contact) in contacts.iter().enumerate() {
        if let Some(email) = &contact.email {
            write = unless_there(write, NO_SUCH_CONTACT, email.to_lowercase());
        }
        write = insert(write, contact);
        give_way(number).await;
    }
    for (number, (old, mut new)) in changed.into_iter().enumerate() {
        let fields = changed_fields(&old, &new);
        write = replace(write, scope.principal(), &old, &mut new, &fields);
        give_way(number).await;
    }
    let Err(error) = write.commit().await else { return Ok(None) };
    let error = match once {
        Some((once, _)) => match once.overtaken(scope, error).await {
            Ok(before) => return Ok(Some(before)),
            Err(error) => error,
        },
        None => error,
    };
    Err(match error {
        Error::Unmet(_) => Error::Conflict(
            "Somebody else changed contacts or companies of this file just now; nothing was imported. Call again."
                .into(),
        ),
        error => error,
    })
}

const NO_SUCH_COMPANY: &str =
    "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM company WHERE tenant_id = $1 AND name_key = $2)";
const NO_SUCH_CONTACT: &str =
    "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM contact WHERE tenant_id = $1 AND email_key = $2)";

/// Adds to a write that it needs a key to be free still.
fn unless_there<'s>(write: ScopedWrite<'s>, free: &'static str, key: String) -> ScopedWrite<'s> {
    write.expect("free", free, params![key])
}

async fn give_way(number: usize) {
    if number % TURN == TURN - 1 {
        tokio::task::yield_now().await;
    }
}

/// Looks keys up in batches of one size, so that all are one prepared statement.
async fn look_up<T: FromRow>(scope: &TenantScope, sql: &str, keys: &[String]) -> Result<Vec<T>> {
    let mut found = Vec::new();
    for batch in keys.chunks(BATCH) {
        let padding = batch.iter().cycle().take(BATCH);
        found.extend(scope.list(sql, padding.map(Value::from).collect()).await?);
    }
    Ok(found)
}

fn placeholders() -> String {
    (2..BATCH + 2).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}
