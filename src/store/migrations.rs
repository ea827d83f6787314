//! The schema's version, and how an older database becomes a current one.

use crate::error::{Error, Result};
use rusqlite::Connection;

/// Each entry takes the schema from one version to the next; the first makes it from nothing.
const STEPS: &[&str] = &[concat!(include_str!("../../schema.sql"), include_str!("sqlite_search.sql"))];

/// Brings the schema to this program's version.
///
/// A database of a newer version is left alone: an older program could not keep its promises.
pub(super) fn run(connection: &mut Connection, path: &str) -> Result<()> {
    let wrong = |e: rusqlite::Error| Error::Config(format!("database_url: cannot prepare the schema of {path}: {e}"));
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(wrong)?;
    let version: usize = transaction
        .query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get::<_, i64>(0))
        .map(|version| usize::try_from(version).unwrap_or(usize::MAX))
        .map_err(wrong)?;
    if version > STEPS.len() {
        return Err(Error::Config(format!(
            "database_url: {path} has schema version {version}, and this program knows versions up to {}; \
             start it with the newer program that wrote it",
            STEPS.len()
        )));
    }
    for (step, reached) in STEPS.iter().zip(1u32..).skip(version) {
        transaction.execute_batch(step).map_err(wrong)?;
        transaction.pragma_update(None, "user_version", reached).map_err(wrong)?;
    }
    transaction.commit().map_err(wrong)
}
