//! All that the database holds of one tenant, row by row, as it is at one point in time.

use super::{StoreOptions, path};
use crate::error::{Error, Result};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The tables of a tenant's data: those that name the tenant. What finds words is made from the rest.
const TABLES: &str = "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c
     WHERE m.type = 'table' AND c.name = 'tenant_id' AND m.name NOT LIKE 'search%' ORDER BY m.rowid";
/// What a table has, but for hashes, which prove who people are, what is sealed, and where its members are besides.
const COLUMNS: &str = "SELECT name FROM pragma_table_info($1)
     WHERE name NOT LIKE '%\\_hash' ESCAPE '\\' AND name NOT IN ('last_tenant_id', 'sealed') ORDER BY cid";

/// Gives each row of a tenant, and of the users who are its members, to `take`: its table's name and its
/// columns. No row holds the hash of a password, a key or a code, nor a credential.
pub(crate) fn dump(
    options: &StoreOptions,
    tenant: Uuid,
    mut take: impl FnMut(&str, Map<String, Value>) -> Result<()>,
) -> Result<()> {
    let failed = |e: rusqlite::Error| Error::internal("reading a tenant", e);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path(options)?, flags).map_err(failed)?;
    // All that is read from here on is of one moment.
    database.execute_batch("BEGIN").map_err(failed)?;
    let mut tables = vec![
        ("tenant".to_owned(), "id = $1"),
        ("app_user".to_owned(), "id IN (SELECT user_id FROM member WHERE tenant_id = $1)"),
    ];
    tables.extend(names(&database, TABLES, None).map_err(failed)?.into_iter().map(|name| (name, "tenant_id = $1")));
    for (table, which) in tables {
        let columns = names(&database, COLUMNS, Some(&table)).map_err(failed)?;
        let sql = format!("SELECT {} FROM {table} WHERE {which}", columns.join(", "));
        let mut statement = database.prepare(&sql).map_err(failed)?;
        let mut rows = statement.query([tenant.to_string()]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let mut object = Map::new();
            for (index, column) in columns.iter().enumerate() {
                object.insert(column.clone(), value(row.get_ref(index).map_err(failed)?)?);
            }
            take(&table, object)?;
        }
    }
    Ok(())
}

fn names(database: &Connection, sql: &str, of: Option<&str>) -> rusqlite::Result<Vec<String>> {
    let mut statement = database.prepare(sql)?;
    statement.query_map(rusqlite::params_from_iter(of), |row| row.get(0))?.collect()
}

fn value(value: ValueRef<'_>) -> Result<Value> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(number.into()),
        ValueRef::Text(text) => std::str::from_utf8(text).map(Into::into).map_err(|e| Error::internal("a text", e)),
        ValueRef::Real(_) | ValueRef::Blob(_) => {
            Err(Error::Internal("a column is neither text nor a whole number".into()))
        }
    }
}
