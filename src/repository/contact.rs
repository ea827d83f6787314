//! Contacts: people.

use super::list::{self, Column, Filter, Order};
use super::record::{Facts, Head, Link, Record, words};
use super::statements::{Backlink, Statements, backlink, statements};
use crate::error::Result;
use crate::store::{FromRow, RecordKind, Row, Value};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A person.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Contact {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) company_id: Option<Uuid>,
    /// The company's name; follows company_id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) company_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
}

impl FromRow for Contact {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            head: Head::from_row(row)?,
            name: row.text()?,
            email: row.opt_text()?,
            phone: row.opt_text()?,
            job_title: row.opt_text()?,
            company_id: row.opt_uuid()?,
            notes: row.opt_text()?,
            company_name: row.opt_text()?,
        })
    }
}

impl Record for Contact {
    const KIND: RecordKind = RecordKind::Contact;
    const SQL: Statements = statements! {
        table: "contact",
        title: "name",
        fields: ["name" "$6", "email" "$7", "phone" "$8", "job_title" "$9", "company_id" "$10", "notes" "$11"],
        keys: ["name_key" "$12", "email_key" "$13"],
        joined: ["c.name"],
        joins: " LEFT JOIN company c ON c.tenant_id = r.tenant_id AND c.id = r.company_id",
    };
    const COLUMNS: &'static [Column] = &[list::NAME, list::CREATED, list::UPDATED];
    const SORTED: Order = Order { by: &list::NAME, descending: false };
    const BACKLINKS: &'static [Backlink] =
        &[backlink!(Deal, "deal", "contact_id"), backlink!(Activity, "activity", "contact_id")];

    fn head(&self) -> &Head {
        &self.head
    }

    fn head_mut(&mut self) -> &mut Head {
        &mut self.head
    }

    fn title(&self) -> &str {
        &self.name
    }

    fn words(&self) -> String {
        words([&self.email, &self.phone, &self.job_title, &self.notes])
    }

    fn facts(&self, facts: &mut Facts) {
        facts.add(self.email.as_ref());
        facts.add(self.phone.as_ref());
        facts.add(self.job_title.as_ref());
        facts.named("at", self.company_name.as_ref());
        facts.named("company", self.company_id);
    }

    fn texts(&self) -> Vec<(&'static str, &str)> {
        self.notes.iter().map(|notes| ("Notes", notes.as_str())).collect()
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("name", (&self.name).into()),
            ("email", self.email.as_ref().into()),
            ("phone", self.phone.as_ref().into()),
            ("job_title", self.job_title.as_ref().into()),
            ("company_id", self.company_id.into()),
            ("notes", self.notes.as_ref().into()),
        ]
    }

    fn keys(&self) -> Vec<Value> {
        vec![self.name.to_lowercase().into(), self.email.as_ref().map(|email| email.to_lowercase()).into()]
    }

    fn links(&self) -> Vec<Link> {
        vec![Link { field: "company_id", kind: RecordKind::Company, id: self.company_id }]
    }

    fn linked(&mut self, _: &'static str, name: Option<String>) {
        self.company_name = name;
    }
}

/// The contacts of a company, with an email address, whose name contains a text.
pub(crate) fn filter(company_id: Option<&str>, email: Option<&str>, query: Option<&str>) -> Filter {
    Filter::default()
        .and("r.company_id = ?", company_id)
        .and("r.email_key = ?", email.map(str::to_lowercase))
        .and_name_contains(query)
}
