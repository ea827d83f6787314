//! What all kinds of record have in common: a head, a row, a title, and how they are read.

use super::activity::Activity;
use super::company::Company;
use super::contact::Contact;
use super::deal::Deal;
use super::list::{Column, Order};
use super::statements::{Backlink, Statements};
use crate::error::{Error, Result};
use crate::store::{FromRow, RecordKind, Row, Value, params};
use crate::tenancy::TenantScope;
use crate::time::Time;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::{Display, Write as _};
use uuid::Uuid;

/// A business record of some kind.
pub(crate) trait Record: FromRow + Clone + Serialize + JsonSchema + Send + Sync + 'static {
    /// Which kind.
    const KIND: RecordKind;
    /// How it is read and written.
    const SQL: Statements;
    /// What its lists can be sorted by.
    const COLUMNS: &'static [Column];
    /// How they are sorted unless told.
    const SORTED: Order;
    /// Who refers to it, and lets go of it before it is deleted.
    const BACKLINKS: &'static [Backlink];

    fn head(&self) -> &Head;
    fn head_mut(&mut self) -> &mut Head;

    /// What it is called.
    fn title(&self) -> &str;

    /// Its other words, for full-text search.
    fn words(&self) -> String;

    /// Tells what is worth knowing of it at a glance, besides title, id and version.
    fn facts(&self, facts: &mut Facts);

    /// Its longer texts, with their names.
    fn texts(&self) -> Vec<(&'static str, &str)>;

    /// What can be changed, by name, in the order of its statements.
    fn fields(&self) -> Vec<(&'static str, Value)>;

    /// Its keys, in the order of its statements.
    fn keys(&self) -> Vec<Value>;

    /// What it refers to.
    fn links(&self) -> Vec<Link> {
        Vec::new()
    }

    /// Takes note of the name of what one of its links refers to.
    fn linked(&mut self, _field: &'static str, _name: Option<String>) {}

    /// One readable line.
    fn line(&self) -> String {
        let Head { id, version, .. } = self.head();
        let line = format!("{} ({} {id}, version {version})", self.title(), Self::KIND.as_str());
        let mut facts = Facts { line, separator: ": " };
        self.facts(&mut facts);
        let line = facts.line;
        if line.contains(['\n', '\r']) { line.replace(['\n', '\r'], " ") } else { line }
    }

    /// All of it, readable.
    fn text(&self) -> String {
        let mut text = self.line();
        for (name, long) in self.texts() {
            let _ = write!(text, "\n{name}: {long}");
        }
        text
    }
}

/// What every record has.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Head {
    pub(crate) id: Uuid,
    /// Starts at 1 and grows with each change. An update names the version that it changes.
    pub(crate) version: i64,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

/// A line that takes up facts.
#[derive(Debug)]
pub(crate) struct Facts {
    line: String,
    separator: &'static str,
}

/// A record as another one refers to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) field: &'static str,
    pub(crate) kind: RecordKind,
    pub(crate) id: Option<Uuid>,
}

/// A record as it stands in a list of them all.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: RecordKind,
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

impl Facts {
    /// Adds a fact, if there is one.
    pub(super) fn add(&mut self, fact: Option<impl Display>) {
        if let Some(fact) = fact {
            let _ = write!(self.line, "{}{fact}", self.separator);
            self.separator = ", ";
        }
    }

    /// Adds a fact by its name, if there is one.
    pub(super) fn named(&mut self, name: &str, fact: Option<impl Display>) {
        self.add(fact.map(|fact| format!("{name} {fact}")));
    }
}

impl Head {
    /// The head of a record that is new. Its time is its id's, so that ids sort as times do.
    pub(crate) fn new() -> Self {
        let id = Uuid::now_v7();
        let now = id.get_timestamp().map_or_else(Time::now, |timestamp| {
            let (seconds, nanoseconds) = timestamp.to_unix();
            Time::stored(seconds.cast_signed() * 1000 + i64::from(nanoseconds / 1_000_000))
        });
        Self { id, version: 1, created_at: now, updated_at: now }
    }
}

impl FromRow for Head {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.uuid()?,
            version: row.int()?,
            created_at: Time::stored(row.int()?),
            updated_at: Time::stored(row.int()?),
        })
    }
}

/// Those of the texts that there are, for the full-text index.
pub(super) fn words<const N: usize>(texts: [&Option<String>; N]) -> String {
    texts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// A record.
pub(crate) async fn find<R: Record>(scope: &TenantScope, id: Uuid) -> Result<Option<R>> {
    scope.get(R::SQL.get, params![id]).await
}

/// The id that a text is, if it is one: in lower case and with hyphens, as ids are given out.
pub(crate) fn id(text: &str) -> Option<Uuid> {
    // The other spellings that UUIDs have are of other lengths.
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// What to say when there is no such record. Unknown, malformed and foreign ids all get this.
pub(crate) fn not_found(kind: RecordKind, id: &str) -> Error {
    let (kind, plural) = (kind.as_str(), kind.plural());
    Error::NotFound(format!(
        "There is no {kind} {id:?}: it never existed, was deleted, or the id is mistyped. \
         crm_{kind}_list and crm_search find {plural}."
    ))
}

/// A record as JSON.
pub(crate) async fn json(scope: &TenantScope, kind: RecordKind, id: Uuid) -> Result<Option<String>> {
    async fn of<R: Record>(scope: &TenantScope, id: Uuid) -> Result<Option<String>> {
        let record: Option<R> = find(scope, id).await?;
        let json = record.map(|record| serde_json::to_string(&record)).transpose();
        json.map_err(|e| Error::internal("writing a record", e))
    }
    match kind {
        RecordKind::Company => of::<Company>(scope, id).await,
        RecordKind::Contact => of::<Contact>(scope, id).await,
        RecordKind::Deal => of::<Deal>(scope, id).await,
        RecordKind::Activity => of::<Activity>(scope, id).await,
    }
}

/// Whether there is such a record.
pub(crate) async fn exists(scope: &TenantScope, kind: RecordKind, id: Uuid) -> Result<bool> {
    Ok(match kind {
        RecordKind::Company => find::<Company>(scope, id).await?.is_some(),
        RecordKind::Contact => find::<Contact>(scope, id).await?.is_some(),
        RecordKind::Deal => find::<Deal>(scope, id).await?.is_some(),
        RecordKind::Activity => find::<Activity>(scope, id).await?.is_some(),
    })
}

/// Records of all kinds, by kind and id.
pub(crate) async fn page(scope: &TenantScope, after: Option<(RecordKind, Uuid)>, limit: usize) -> Result<Vec<Entry>> {
    let mut page = Vec::new();
    for kind in RecordKind::ALL {
        let from = match after {
            Some((reached, _)) if kind < reached => continue,
            Some((reached, id)) if kind == reached => id,
            _ => Uuid::nil(),
        };
        let left = i64::try_from(limit - page.len()).unwrap_or(i64::MAX);
        let sql = match kind {
            RecordKind::Company => Company::SQL.titles,
            RecordKind::Contact => Contact::SQL.titles,
            RecordKind::Deal => Deal::SQL.titles,
            RecordKind::Activity => Activity::SQL.titles,
        };
        let titles: Vec<Title> = scope.list(sql, params![from, left]).await?;
        page.extend(titles.into_iter().map(|Title { id, name }| Entry { kind, id, name }));
        if page.len() >= limit {
            break;
        }
    }
    Ok(page)
}

struct Title {
    id: Uuid,
    name: String,
}

impl FromRow for Title {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { id: row.uuid()?, name: row.text()? })
    }
}
