//! Whether a database is as it should be: the file, the schema, and what one table says of another.

use super::{StoreOptions, migrations, path};
use crate::error::{Error, Result};
use rusqlite::{Connection, OpenFlags};

/// Mistakes that are told one by one, for each question.
const MOST: usize = 20;

/// What came of one question.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) about: &'static str,
    /// What is wrong, a line each; empty when all is well.
    pub(crate) wrong: Vec<String>,
}

/// Questions to the rows: each finds those that are wrong, and says so.
const QUESTIONS: &[(&str, &str)] = &[
    (
        "record counts",
        "SELECT 'tenant ' || t.id || ' has ' || n || ' records, and record_count says ' || t.record_count
           FROM (SELECT t.id, t.record_count,
                   (SELECT COUNT(*) FROM company r WHERE r.tenant_id = t.id)
                   + (SELECT COUNT(*) FROM contact r WHERE r.tenant_id = t.id)
                   + (SELECT COUNT(*) FROM deal r WHERE r.tenant_id = t.id)
                   + (SELECT COUNT(*) FROM activity r WHERE r.tenant_id = t.id) AS n
                 FROM tenant t) t
          WHERE n <> t.record_count",
    ),
    (
        "owners",
        "SELECT 'tenant ' || t.id || ' has members and no owner' FROM tenant t
          WHERE EXISTS (SELECT 1 FROM member m WHERE m.tenant_id = t.id)
            AND NOT EXISTS (SELECT 1 FROM member m WHERE m.tenant_id = t.id AND m.role = 'owner')",
    ),
    (
        "rows without what they belong to",
        "SELECT 'record_change of ' || c.record_id || ', which is no record of tenant ' || c.tenant_id
           FROM (SELECT DISTINCT tenant_id, record_id FROM record_change) c
          WHERE NOT EXISTS (SELECT 1 FROM company r WHERE r.tenant_id = c.tenant_id AND r.id = c.record_id)
            AND NOT EXISTS (SELECT 1 FROM contact r WHERE r.tenant_id = c.tenant_id AND r.id = c.record_id)
            AND NOT EXISTS (SELECT 1 FROM deal r WHERE r.tenant_id = c.tenant_id AND r.id = c.record_id)
            AND NOT EXISTS (SELECT 1 FROM activity r WHERE r.tenant_id = c.tenant_id AND r.id = c.record_id)
         UNION ALL
         SELECT 'search_row ' || s.id || ' of a tenant that is not there: ' || s.tenant_id FROM search_row s
          WHERE NOT EXISTS (SELECT 1 FROM tenant t WHERE t.id = s.tenant_id)",
    ),
    (
        "sealed values",
        "SELECT 'credential ' || c.name || ' of tenant ' || c.tenant_id || ' is sealed with a master key that is not known'
           FROM credential c WHERE NOT EXISTS (SELECT 1 FROM master_key m WHERE m.id = substr(c.sealed, 1, 16))
         UNION ALL
         SELECT 'upstream_token for ' || c.upstream || ' of tenant ' || c.tenant_id || ' is sealed with a master key that is not known'
           FROM upstream_token c WHERE NOT EXISTS (SELECT 1 FROM master_key m WHERE m.id = substr(c.sealed, 1, 16))
         UNION ALL
         SELECT 'upstream_token for ' || c.upstream || ' of ' || c.user_id || ', who is no member of tenant ' || c.tenant_id
           FROM upstream_token c WHERE c.user_id <> ''
            AND NOT EXISTS (SELECT 1 FROM member m WHERE m.tenant_id = c.tenant_id AND m.user_id = c.user_id)",
    ),
    (
        "search index",
        "WITH record AS (
           SELECT tenant_id, id, 'company' AS kind, name AS title FROM company
           UNION ALL SELECT tenant_id, id, 'contact', name FROM contact
           UNION ALL SELECT tenant_id, id, 'deal', name FROM deal
           UNION ALL SELECT tenant_id, id, 'activity', subject FROM activity)
         SELECT r.kind || ' ' || r.id || ' is not in the index, or not as it is' FROM record r
          WHERE NOT EXISTS (
            SELECT 1 FROM search_row p JOIN search s ON s.rowid = p.id
             WHERE p.tenant_id = r.tenant_id AND p.record_id = r.id
               AND s.tenant_id = r.tenant_id AND s.id = r.id AND s.kind = r.kind AND s.title = r.title)
         UNION ALL
         SELECT s.kind || ' ' || s.id || ' is in the index and no record' FROM search s
          WHERE NOT EXISTS (SELECT 1 FROM search_row p WHERE p.id = s.rowid)
         UNION ALL
         SELECT 'search_row ' || p.id || ' stands for no document' FROM search_row p
          WHERE NOT EXISTS (SELECT 1 FROM search s WHERE s.rowid = p.id)
         UNION ALL
         SELECT 'search_row ' || p.id || ' stands for no record' FROM search_row p
          WHERE NOT EXISTS (SELECT 1 FROM company r WHERE r.tenant_id = p.tenant_id AND r.id = p.record_id)
            AND NOT EXISTS (SELECT 1 FROM contact r WHERE r.tenant_id = p.tenant_id AND r.id = p.record_id)
            AND NOT EXISTS (SELECT 1 FROM deal r WHERE r.tenant_id = p.tenant_id AND r.id = p.record_id)
            AND NOT EXISTS (SELECT 1 FROM activity r WHERE r.tenant_id = p.tenant_id AND r.id = p.record_id)",
    ),
];

/// Looks at a database, whoever serves it meanwhile. All that it reads is of one moment.
///
/// # Errors
/// [`Error::Config`] when it can't be opened.
pub(crate) fn check(options: &StoreOptions) -> Result<Vec<Finding>> {
    let path = path(options)?;
    if !std::path::Path::new(path).exists() {
        return Err(Error::Config(format!("database_url: there is no database {path}")));
    }
    let wrong = |e: rusqlite::Error| Error::Config(format!("database_url: cannot open {path}: {e}"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(wrong)?;
    database.execute_batch("BEGIN").map_err(wrong)?;
    let version = migrations::version(&database).map_err(wrong)?;
    let mut findings = vec![
        ask(&database, "file and indexes", "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
        ask(
            &database,
            "references",
            "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' refers to a row of ' || parent || ' that is not there'
               FROM pragma_foreign_key_check",
        ),
    ];
    let current = migrations::CURRENT;
    let told =
        format!("it has version {version}, and this program's is {current}: serve it once to bring it up to date");
    findings
        .push(Finding { about: "schema version", wrong: (version != current).then_some(told).into_iter().collect() });
    // The rest asks for tables that other versions need not have.
    if version == current {
        findings.extend(QUESTIONS.iter().map(|(about, sql)| ask(&database, about, sql)));
    }
    Ok(findings)
}

fn ask(database: &Connection, about: &'static str, sql: &str) -> Finding {
    let asked = database.prepare(sql).and_then(|mut statement| {
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        lines.collect::<rusqlite::Result<Vec<_>>>()
    });
    // What can't be read is not as it should be.
    let mut wrong = asked.unwrap_or_else(|error| vec![error.to_string()]);
    if wrong.len() > MOST {
        let more = wrong.len() - MOST;
        wrong.truncate(MOST);
        wrong.push(format!("and {more} more"));
    }
    Finding { about, wrong }
}
