//! Activities: what was done, and what is to be done.

use super::list::{self, Column, Filter, Order};
use super::record::{Facts, Head, Link, Record, words};
use super::statements::{Backlink, Statements, statements};
use crate::error::{Error, Result};
use crate::store::{FromRow, RecordKind, Row, Value};
use crate::time::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an activity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActivityKind {
    Note,
    Call,
    Meeting,
    Email,
    Task,
}

/// An activity.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Activity {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) kind: ActivityKind,
    pub(crate) subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// When it happened or happens.
    pub(crate) at: Time,
    /// Until when a task is to be done, as YYYY-MM-DD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_date: Option<String>,
    /// Whether a task is done; tasks alone have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) done: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) company_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deal_id: Option<Uuid>,
}

/// When an activity happened.
pub(crate) const AT: Column = Column { name: "at", sql: "r.at", number: true, nullable: false };

impl ActivityKind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Note, Self::Call, Self::Meeting, Self::Email, Self::Task];

    /// Its name, in requests and in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Call => "call",
            Self::Meeting => "meeting",
            Self::Email => "email",
            Self::Task => "task",
        }
    }

    /// Its name with its article, for sentences.
    pub(crate) fn with_article(self) -> &'static str {
        match self {
            Self::Note => "a note",
            Self::Call => "a call",
            Self::Meeting => "a meeting",
            Self::Email => "an email",
            Self::Task => "a task",
        }
    }

    /// Reads a kind that the store kept.
    pub(crate) fn stored(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Error::Internal("the store holds an activity of an unknown kind".into()))
    }
}

impl FromRow for Activity {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            head: Head::from_row(row)?,
            kind: ActivityKind::stored(&row.text()?)?,
            subject: row.text()?,
            body: row.opt_text()?,
            at: Time::stored(row.int()?),
            due_date: row.opt_text()?,
            done: row.opt_int()?.map(|done| done != 0),
            contact_id: row.opt_uuid()?,
            company_id: row.opt_uuid()?,
            deal_id: row.opt_uuid()?,
        })
    }
}

impl Record for Activity {
    const KIND: RecordKind = RecordKind::Activity;
    const SQL: Statements = statements! {
        table: "activity",
        title: "subject",
        fields: [
            "kind" "$6", "subject" "$7", "body" "$8", "at" "$9", "due_date" "$10", "done" "$11",
            "contact_id" "$12", "company_id" "$13", "deal_id" "$14",
        ],
        keys: [],
        joined: [],
        joins: "",
    };
    const COLUMNS: &'static [Column] = &[
        AT,
        list::CREATED,
        list::UPDATED,
        Column { name: "due_date", sql: "r.due_date", number: false, nullable: true },
    ];
    const SORTED: Order = Order { by: &AT, descending: true };
    const BACKLINKS: &'static [Backlink] = &[];

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn title(&self) -> &str {
        &self.subject
    }

    fn words(&self) -> String {
        words([&self.body])
    }

    fn facts(&self, facts: &mut Facts) {
        facts.add(Some(self.kind.as_str()));
        facts.named("at", Some(self.at));
        facts.named("due", self.due_date.as_ref());
        facts.add(self.done.map(|done| if done { "done" } else { "not done" }));
        facts.named("contact", self.contact_id);
        facts.named("company", self.company_id);
        facts.named("deal", self.deal_id);
    }

    fn texts(&self) -> Vec<(&'static str, &str)> {
        self.body.iter().map(|body| ("Body", body.as_str())).collect()
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("kind", self.kind.as_str().into()),
            ("subject", (&self.subject).into()),
            ("body", self.body.as_ref().into()),
            ("at", self.at.milliseconds().into()),
            ("due_date", self.due_date.as_ref().into()),
            ("done", self.done.into()),
            ("contact_id", self.contact_id.into()),
            ("company_id", self.company_id.into()),
            ("deal_id", self.deal_id.into()),
        ]
    }

    fn keys(&self) -> Vec<Value> {
        Vec::new()
    }

    fn links(&self) -> Vec<Link> {
        vec![
            Link { field: "contact_id", kind: RecordKind::Contact, id: self.contact_id },
            Link { field: "company_id", kind: RecordKind::Company, id: self.company_id },
            Link { field: "deal_id", kind: RecordKind::Deal, id: self.deal_id },
        ]
    }
}

/// The activities of a kind, done or not, with a contact, a company or a deal.
pub(crate) fn filter(
    kind: Option<ActivityKind>,
    done: Option<bool>,
    contact_id: Option<&str>,
    company_id: Option<&str>,
    deal_id: Option<&str>,
) -> Filter {
    Filter::default()
        .and("r.kind = ?", kind.map(ActivityKind::as_str))
        .and("r.done = ?", done)
        .and("r.contact_id = ?", contact_id)
        .and("r.company_id = ?", company_id)
        .and("r.deal_id = ?", deal_id)
}
