//! The schema's version, and how an older database becomes a current one.

use crate::error::{Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Each entry takes the schema from one version to the next; the first makes it from nothing. What they
/// arrive at is what `schema.sql` and `sqlite_search.sql` show.
const STEPS: &[&str] = &[
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
];

/// Brings the schema to this program's version.
///
/// A database of a newer version is left alone: an older program could not keep its promises.
pub(super) fn run(connection: &mut Connection, path: &str) -> Result<()> {
    let wrong = |e: rusqlite::Error| Error::Config(format!("database_url: cannot prepare the schema of {path}: {e}"));
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(wrong)?;
    let version = version(&transaction).map_err(wrong)?;
    refuse_newer(version, path)?;
    for (step, reached) in STEPS.iter().zip(1u32..).skip(version) {
        transaction.execute_batch(step).map_err(wrong)?;
        transaction.pragma_update(None, "user_version", reached).map_err(wrong)?;
    }
    transaction.commit().map_err(wrong)
}

/// The schema's version as this program writes it.
pub(super) const CURRENT: usize = STEPS.len();

/// A database's version; 0 is one without a schema.
pub(super) fn version(database: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = database.query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Refuses a database that is not there, or whose schema is not this program's own.
pub(super) fn expect_current(path: &str) -> Result<()> {
    if !Path::new(path).exists() {
        return Err(Error::Config(format!("database_url: there is no database {path}")));
    }
    let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let version = opened
        .and_then(|database| version(&database))
        .map_err(|e| Error::Config(format!("database_url: cannot open {path}: {e}")))?;
    refuse_newer(version, path)?;
    if version < CURRENT {
        return Err(Error::Config(format!(
            "database_url: {path} has schema version {version}, and this program's is {CURRENT}; serve it with this \
             program, which brings it up to date"
        )));
    }
    Ok(())
}

pub(super) fn refuse_newer(version: usize, path: &str) -> Result<()> {
    if version <= CURRENT {
        return Ok(());
    }
    Err(Error::Config(format!(
        "database_url: {path} has schema version {version}, and this program knows versions up to {CURRENT}; \
         start it with the newer program that wrote it"
    )))
}

#[cfg(test)]
mod tests {
    use super::STEPS;
    use crate::store::{Store, StoreOptions};
    use rusqlite::Connection;

    #[test]
    fn the_steps_arrive_at_the_schema_as_it_is_shown() {
        let shown = concat!(include_str!("../../schema.sql"), include_str!("sqlite_search.sql"));
        let [steps, shown] = [STEPS.concat(), shown.to_owned()].map(|sql| {
            let made = Connection::open_in_memory().expect("a database");
            made.execute_batch(&sql).expect("the statements run");
            described(&made)
        });
        assert_eq!(steps, shown);
    }

    /// Tables with their columns, constraints and indexes, whatever statements made them.
    fn described(database: &Connection) -> Vec<String> {
        let sql = "SELECT m.name || ' ' || c.cid || ' ' || c.name || ' ' || c.type || c.\"notnull\" || c.pk || coalesce(c.dflt_value, '')
                     FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'
                   UNION SELECT m.name || ' references ' || f.\"table\" || f.seq || f.\"from\" || f.\"to\" || f.on_delete
                     FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'
                   UNION SELECT m.name || ' ' || coalesce(i.origin, '') || coalesce(i.\"unique\", '') || k.seqno || coalesce(k.name, '')
                     FROM sqlite_schema m, pragma_index_list(m.name) i, pragma_index_info(i.name) k WHERE m.type = 'table'
                   ORDER BY 1";
        let mut statement = database.prepare(sql).expect("the statement is good");
        let rows = statement.query_map([], |row| row.get(0)).expect("it runs");
        rows.collect::<Result<_, _>>().expect("rows of text")
    }

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
