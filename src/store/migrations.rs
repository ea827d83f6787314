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

#[cfg(test)]
mod tests {
    use crate::store::{Store, StoreOptions};
    use rusqlite::Connection;

    #[test]
    fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("x.db");
        let options = StoreOptions { url: format!("sqlite:{}", path.display()), readers: 1 };
        drop(Store::open(&options).expect("a new database opens"));
        drop(Store::open(&options).expect("a current one opens"));

        let newer = Connection::open(&path).expect("the file opens");
        newer.pragma_update(None, "user_version", 99).expect("the version can be set");
        let error = Store::open(&options).expect_err("a newer one is refused").to_string();
        assert!(error.starts_with("database_url: ") && error.contains("has schema version 99"), "{error}");
        let version: i64 = newer.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("it has a version");
        assert_eq!(version, 99);
    }
}
