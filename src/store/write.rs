//! A write as data: steps that are applied together, and the events that follow.

use super::{Event, Row, Value, search::Document};
use std::borrow::Cow;
use uuid::Uuid;

/// What is to be changed, whole or not at all.
#[derive(Debug, Default)]
pub struct Write {
    pub(super) steps: Vec<Step>,
    pub(super) events: Vec<Event>,
}

#[derive(Debug)]
pub(super) enum Step {
    /// Run a statement and keep what it returns. With a tag, it has to return or change a row.
    Run { sql: Cow<'static, str>, params: Vec<Value>, expect: Option<&'static str> },
    /// Put a document in the full-text index, in place of an older one.
    Index(Document),
    /// Take a document out of the full-text index.
    Unindex { tenant: Uuid, id: Uuid },
    /// Take documents of a tenant out of it, at most so many.
    UnindexSome { tenant: Uuid, most: i64 },
}

impl Write {
    /// A write that does nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a statement.
    #[must_use]
    pub fn run(mut self, sql: impl Into<Cow<'static, str>>, params: Vec<Value>) -> Self {
        self.steps.push(Step::Run { sql: sql.into(), params, expect: None });
        self
    }

    /// Adds a statement that has to return or change at least one row; else the whole write is
    /// undone and fails with [`Error::Unmet`](crate::error::Error::Unmet) and this tag.
    #[must_use]
    pub fn expect(mut self, tag: &'static str, sql: impl Into<Cow<'static, str>>, params: Vec<Value>) -> Self {
        self.steps.push(Step::Run { sql: sql.into(), params, expect: Some(tag) });
        self
    }

    /// Puts a document in the full-text index.
    #[must_use]
    pub fn index(mut self, document: Document) -> Self {
        self.steps.push(Step::Index(document));
        self
    }

    /// Takes a document out of the full-text index.
    #[must_use]
    pub fn unindex(mut self, tenant: Uuid, id: Uuid) -> Self {
        self.steps.push(Step::Unindex { tenant, id });
        self
    }

    /// Takes documents of a tenant out of the full-text index, at most so many.
    #[must_use]
    pub(crate) fn unindex_some(mut self, tenant: Uuid, most: i64) -> Self {
        self.steps.push(Step::UnindexSome { tenant, most });
        self
    }

    /// Adds what to tell once this is committed.
    #[must_use]
    pub fn tell(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// Appends the steps and events of another write.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.steps.extend(other.steps);
        self.events.extend(other.events);
        self
    }
}

/// What the statements of a write returned, in their order (index steps return nothing and are
/// not counted).
#[derive(Debug)]
pub struct Written {
    pub(super) rows: std::vec::IntoIter<Vec<Row>>,
}

impl Written {
    /// The rows that the next statement returned.
    pub fn next_rows(&mut self) -> Vec<Row> {
        self.rows.next().unwrap_or_default()
    }
}
