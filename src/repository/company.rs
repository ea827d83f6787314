//! Companies: who contacts work for and deals are made with.

use super::list::{self, Column, Filter, Order};
use super::record::{Facts, Head, Record, words};
use super::statements::{Backlink, Statements, backlink, statements};
use crate::error::Result;
use crate::store::{FromRow, RecordKind, Row, Value};
use schemars::JsonSchema;
use serde::Serialize;

/// A company.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Company {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) name: String,
    /// In lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) industry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
}

impl FromRow for Company {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            head: Head::from_row(row)?,
            name: row.text()?,
            domain: row.opt_text()?,
            industry: row.opt_text()?,
            phone: row.opt_text()?,
            website: row.opt_text()?,
            address: row.opt_text()?,
            notes: row.opt_text()?,
        })
    }
}

impl Record for Company {
    const KIND: RecordKind = RecordKind::Company;
    const SQL: Statements = statements! {
        table: "company",
        title: "name",
        fields: [
            "name" "$6", "domain" "$7", "industry" "$8", "phone" "$9", "website" "$10", "address" "$11", "notes" "$12",
        ],
        keys: ["name_key" "$13"],
        joined: [],
        joins: "",
    };
    const COLUMNS: &'static [Column] = &[list::NAME, list::CREATED, list::UPDATED];
    const SORTED: Order = Order { by: &list::NAME, descending: false };
    const BACKLINKS: &'static [Backlink] = &[
        backlink!(Contact, "contact", "company_id"),
        backlink!(Deal, "deal", "company_id"),
        backlink!(Activity, "activity", "company_id"),
    ];

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
        words([&self.domain, &self.industry, &self.phone, &self.website, &self.address, &self.notes])
    }

    fn facts(&self, facts: &mut Facts) {
        facts.add(self.domain.as_ref());
        facts.add(self.industry.as_ref());
        facts.add(self.phone.as_ref());
        facts.add(self.website.as_ref());
    }

    fn texts(&self) -> Vec<(&'static str, &str)> {
        let texts = [("Address", &self.address), ("Notes", &self.notes)];
        texts.into_iter().filter_map(|(name, text)| text.as_deref().map(|text| (name, text))).collect()
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("name", (&self.name).into()),
            ("domain", self.domain.as_ref().into()),
            ("industry", self.industry.as_ref().into()),
            ("phone", self.phone.as_ref().into()),
            ("website", self.website.as_ref().into()),
            ("address", self.address.as_ref().into()),
            ("notes", self.notes.as_ref().into()),
        ]
    }

    fn keys(&self) -> Vec<Value> {
        vec![self.name.to_lowercase().into()]
    }
}

/// The companies with a domain, whose name contains a text.
pub(crate) fn filter(domain: Option<&str>, query: Option<&str>) -> Filter {
    Filter::default().and("r.domain = ?", domain.map(str::to_lowercase)).and_name_contains(query)
}
