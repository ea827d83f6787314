//! Pages of records: filtered, sorted, and continued where the one before ended.

use super::record::Record;
use crate::error::{Error, Result};
use crate::store::{FromRow, Row, Value};
use crate::tenancy::TenantScope;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use uuid::Uuid;

/// A column that lists can be sorted by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// As callers name it.
    pub(crate) name: &'static str,
    /// As it stands in the statement.
    pub(crate) sql: &'static str,
    /// Whether it holds numbers, and not text.
    pub(crate) number: bool,
    /// Whether it can be null; nulls come last in both directions.
    pub(crate) nullable: bool,
}

/// What a record is called, without regard to case.
pub(crate) const NAME: Column = Column { name: "name", sql: "r.name_key", number: false, nullable: false };
/// When a record was created, which its id tells and keeps in order.
pub(crate) const CREATED: Column = Column { name: "created_at", sql: "r.id", number: false, nullable: false };
/// When a record was last changed.
pub(crate) const UPDATED: Column = Column { name: "updated_at", sql: "r.updated_at", number: true, nullable: false };

/// How a list is sorted; ties are broken by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) by: &'static Column,
    pub(crate) descending: bool,
}

/// What a list holds: conditions, all of which apply.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    conditions: Vec<(&'static str, Value)>,
}

/// Some of a list, and how to get at what follows.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page<R> {
    pub(crate) items: Vec<R>,
    /// Given when there is more: call again with it, and with the same filters and sort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

impl Order {
    /// The order with this name: a column's, with a `-` in front to have the largest first.
    pub(crate) fn named(columns: &'static [Column], name: &str) -> Option<Self> {
        let (column, descending) = name.strip_prefix('-').map_or((name, false), |column| (column, true));
        columns.iter().find(|known| known.name == column).map(|by| Self { by, descending })
    }

    /// Its name.
    pub(crate) fn name(self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.by.name)
    }
}

impl Filter {
    /// Adds a condition, if there is a value for it: `?` stands for that.
    pub(crate) fn and(mut self, sql: &'static str, value: Option<impl Into<Value>>) -> Self {
        self.conditions.extend(value.map(|value| (sql, value.into())));
        self
    }

    /// Adds that the name contains a text, in whatever case.
    pub(crate) fn and_name_contains(self, text: Option<&str>) -> Self {
        self.and(r"r.name_key LIKE ? ESCAPE '\'", text.map(contains))
    }
}

/// A page of records.
pub(crate) async fn list<R: Record>(
    scope: &TenantScope,
    filter: Filter,
    order: Order,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<R>> {
    let fingerprint = fingerprint::<R>(&filter, order);
    let after = cursor.map(|cursor| Cursor::read(cursor, &fingerprint, order.by)).transpose()?;
    let (sql, params) = statement::<R>(filter, order, limit + 1, after);
    let mut rows: Vec<Sorted<R>> = scope.list(sql, params).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some(Sorted { record, by }) if more => Some(Cursor::new(fingerprint, by.clone(), record.head().id).write()?),
        _ => None,
    };
    Ok(Page { items: rows.into_iter().map(|row| row.record).collect(), next_cursor })
}

/// A record with the value by which it is sorted.
struct Sorted<R> {
    record: R,
    by: Value,
}

impl<R: Record> FromRow for Sorted<R> {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { record: R::from_row(row)?, by: row.value()? })
    }
}

/// Where a page ended. Outside it is opaque text.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// The list of which it is a page.
    of: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    id: Uuid,
}

impl Cursor {
    fn new(of: String, value: Value, id: Uuid) -> Self {
        let (number, text) = match value {
            Value::Null => (None, None),
            Value::Int(number) => (Some(number), None),
            Value::Text(text) => (None, Some(text)),
        };
        Self { of, number, text, id }
    }

    fn write(&self) -> Result<String> {
        let json = serde_json::to_vec(self).map_err(|e| Error::internal("writing a cursor", e))?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    fn read(text: &str, of: &str, by: &Column) -> Result<Self> {
        let wrong = |why| Error::InvalidArguments(format!("cursor: {why}; start again without it."));
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong("it is not one that a list gave"))?;
        let cursor: Self = serde_json::from_slice(&json).map_err(|_| wrong("it is not one that a list gave"))?;
        if cursor.of != of {
            return Err(wrong("it belongs to a list with other filters or another sort"));
        }
        let fits = match (&cursor.number, &cursor.text) {
            (Some(_), None) => by.number,
            (None, Some(_)) => !by.number,
            (None, None) => by.nullable,
            (Some(_), Some(_)) => false,
        };
        if fits { Ok(cursor) } else { Err(wrong("it is not one that a list gave")) }
    }

    fn value(self) -> Value {
        match (self.number, self.text) {
            (Some(number), _) => number.into(),
            (None, text) => text.into(),
        }
    }
}

/// What tells one list from another: kind, order and filter.
fn fingerprint<R: Record>(filter: &Filter, order: Order) -> String {
    let whole = format!("{} {} {:?}", R::KIND.as_str(), order.name(), filter.conditions);
    URL_SAFE_NO_PAD.encode(&Sha256::digest(whole)[..12])
}

/// The statement is put together from fixed pieces; what callers gave is in the parameters.
fn statement<R: Record>(filter: Filter, order: Order, limit: usize, after: Option<Cursor>) -> (String, Vec<Value>) {
    let Column { sql: by, nullable, .. } = *order.by;
    let (direction, beyond) = if order.descending { ("DESC", "<") } else { ("ASC", ">") };
    let mut sql = format!("SELECT {}, {by} FROM {} WHERE r.tenant_id = $1", R::SQL.columns, R::SQL.from);
    let mut params = Vec::new();
    let mut bind = |value: Value| {
        params.push(value);
        format!("${}", params.len() + 1)
    };
    for (condition, value) in filter.conditions {
        let _ = write!(sql, " AND {}", condition.replace('?', &bind(value)));
    }
    if let Some(cursor) = after {
        let id = bind(cursor.id.into());
        let _ = match cursor.value() {
            Value::Null => write!(sql, " AND {by} IS NULL AND r.id {beyond} {id}"),
            value => {
                let value = bind(value);
                let nulls = if nullable { format!(" OR {by} IS NULL") } else { String::new() };
                write!(sql, " AND (({by}, r.id) {beyond} ({value}, {id}){nulls})")
            }
        };
    }
    let limit = bind(Value::Int(i64::try_from(limit).unwrap_or(i64::MAX)));
    let nulls = if nullable { " NULLS LAST" } else { "" };
    let _ = write!(sql, " ORDER BY {by} {direction}{nulls}, r.id {direction} LIMIT {limit}");
    (sql, params)
}

/// The pattern for `LIKE … ESCAPE '\'` that finds a text anywhere.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::deal::Deal;

    fn order(name: &str) -> Order {
        Order::named(Deal::COLUMNS, name).expect("a column")
    }

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        for (sort, value) in [
            ("name", Value::from("zoë \u{1f4a1} \"quoted\"")),
            ("-amount", Value::Int(-5)),
            ("amount", Value::Null),
            ("close_date", Value::from("2026-01-31")),
        ] {
            let id = Uuid::now_v7();
            let text = Cursor::new("list".into(), value.clone(), id).write().expect("a cursor");
            let back = Cursor::read(&text, "list", order(sort).by).expect("the same cursor");
            assert_eq!((back.id, back.value()), (id, value), "{sort}");
        }
    }

    #[test]
    fn a_cursor_of_another_list_or_no_cursor_at_all_is_refused() {
        let cursor = |value| Cursor::new("list".into(), value, Uuid::nil()).write().expect("a cursor");
        let refused = |text: &str, of: &str, sort: &str| {
            let error = Cursor::read(text, of, order(sort).by).expect_err(text);
            assert!(error.to_string().ends_with("; start again without it."), "{error}");
        };
        refused(&cursor("a".into()), "another list", "name");
        refused(&cursor(Value::Int(1)), "list", "name");
        refused(&cursor("a".into()), "list", "amount");
        refused(&cursor(Value::Null), "list", "name");
        for text in ["", "!", "e30", "bm8", &URL_SAFE_NO_PAD.encode(r#"{"of":"list","text":"a","number":1,"id":"x"}"#)]
        {
            refused(text, "list", "name");
        }
    }

    #[test]
    fn lists_are_the_same_when_kind_order_and_filter_are() {
        let of =
            |query: Option<&str>, sort| fingerprint::<Deal>(&Filter::default().and_name_contains(query), order(sort));
        assert_eq!(of(Some("A"), "name"), of(Some("a"), "name"));
        assert_ne!(of(Some("a"), "name"), of(Some("b"), "name"));
        assert_ne!(of(Some("a"), "name"), of(None, "name"));
        assert_ne!(of(None, "name"), of(None, "-name"));
    }

    #[test]
    fn what_is_looked_for_is_no_pattern() {
        assert_eq!(contains(r"100%_\É"), r"%100\%\_\\é%");
    }
}
