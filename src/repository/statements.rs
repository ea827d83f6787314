//! The statements of a kind of record, put together from the names of its columns when the program
//! is built: each is one fixed text, which the database prepares once.

/// A kind's statements. `$1` is the tenant and `$2` the record's id; what else they take is said
/// with each.
#[derive(Debug)]
pub(crate) struct Statements {
    /// What is read of a record: its head, its fields, and what is joined.
    pub(crate) columns: &'static str,
    /// Where it is read from; the record's own table is `r`.
    pub(crate) from: &'static str,
    /// Reads a record.
    pub(crate) get: &'static str,
    /// Reads id and title of the records after `$2`, at most `$3`.
    pub(crate) titles: &'static str,
    /// Takes `$3` version, `$4` creation, `$5` update, and from `$6` on the fields and then the keys.
    pub(crate) insert: &'static str,
    /// Takes `$3` the version that is replaced, `$4` its successor, `$5` update, and the rest as
    /// `insert` does.
    pub(crate) update: &'static str,
    /// Takes `$3` the only version to delete, or null.
    pub(crate) delete: &'static str,
}

/// The statements of a kind: its table, the column that is its title, its fields with the numbers of
/// their parameters, the keys (columns that are written, to sort and look up by, and never read),
/// and the columns that are joined from elsewhere.
macro_rules! statements {
    (
        table: $table:literal,
        title: $title:literal,
        fields: [$($field:literal $field_at:literal),* $(,)?],
        keys: [$($key:literal $key_at:literal),* $(,)?],
        joined: [$($joined:literal),* $(,)?],
        joins: $joins:literal $(,)?
    ) => {
        $crate::repository::statements::Statements {
            columns: statements!(@columns [$($field)*] [$($joined)*]),
            from: concat!($table, " r", $joins),
            get: concat!(
                "SELECT ", statements!(@columns [$($field)*] [$($joined)*]), " FROM ", $table, " r", $joins,
                " WHERE r.tenant_id = $1 AND r.id = $2"
            ),
            titles: concat!(
                "SELECT id, ", $title, " FROM ", $table, " WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3"
            ),
            insert: concat!(
                "INSERT INTO ", $table, " (tenant_id, id, version, created_at, updated_at",
                $(", ", $field,)* $(", ", $key,)* ") VALUES ($1, $2, $3, $4, $5",
                $(", ", $field_at,)* $(", ", $key_at,)* ")"
            ),
            update: concat!(
                "UPDATE ", $table, " SET version = $4, updated_at = $5",
                $(", ", $field, " = ", $field_at,)* $(", ", $key, " = ", $key_at,)*
                " WHERE tenant_id = $1 AND id = $2 AND version = $3"
            ),
            delete: concat!(
                "DELETE FROM ", $table,
                " WHERE tenant_id = $1 AND id = $2 AND (CAST($3 AS BIGINT) IS NULL OR version = $3)"
            ),
        }
    };
    (@columns [$($field:literal)*] [$($joined:literal)*]) => {
        concat!("r.id, r.version, r.created_at, r.updated_at", $(", r.", $field,)* $(", ", $joined,)*)
    };
}
pub(crate) use statements;

/// The statements that take a record out of the records of another kind which refer to it: `$2` is
/// its id.
#[derive(Debug)]
pub(crate) struct Backlink {
    /// The kind that refers.
    pub(crate) kind: crate::store::RecordKind,
    /// Finds those that do.
    pub(crate) find: &'static str,
    /// Notes the change; takes `$3` user and `$4` time.
    pub(crate) note: &'static str,
    /// Makes it; takes `$3` time, returns the ids.
    pub(crate) clear: &'static str,
}

/// A [`Backlink`], by kind, table and field.
macro_rules! backlink {
    ($kind:ident, $table:literal, $field:literal) => {
        $crate::repository::statements::Backlink {
            kind: $crate::store::RecordKind::$kind,
            find: concat!("SELECT id FROM ", $table, " WHERE tenant_id = $1 AND ", $field, " = $2"),
            note: concat!(
                "INSERT INTO record_change (tenant_id, record_id, version, user_id, at, fields) ",
                "SELECT tenant_id, id, version + 1, CAST($3 AS TEXT), CAST($4 AS BIGINT), '",
                $field,
                "' FROM ",
                $table,
                " WHERE tenant_id = $1 AND ",
                $field,
                " = $2"
            ),
            clear: concat!(
                "UPDATE ",
                $table,
                " SET ",
                $field,
                " = NULL, version = version + 1, updated_at = $3",
                " WHERE tenant_id = $1 AND ",
                $field,
                " = $2 RETURNING id"
            ),
        }
    };
}
pub(crate) use backlink;
