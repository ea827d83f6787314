//! Deals: what may be sold, to whom, and how far that is.

use super::list::{self, Column, Filter, Order};
use super::record::{Facts, Head, Link, Record, words};
use super::statements::{Backlink, Statements, backlink, statements};
use crate::amount::Amount;
use crate::error::{Error, Result};
use crate::store::{FromRow, RecordKind, Row, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How far a deal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    #[default]
    Lead,
    Qualified,
    Proposal,
    Negotiation,
    Won,
    Lost,
}

/// A deal.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Deal {
    #[serde(flatten)]
    pub(crate) head: Head,
    pub(crate) name: String,
    pub(crate) stage: Stage,
    /// A decimal, as text so that it stays exact; comes with a currency.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) amount: Option<Amount>,
    /// An ISO 4217 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<String>,
    /// When it is expected to be decided, as YYYY-MM-DD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) close_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) company_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contact_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<String>,
}

impl Stage {
    /// All of them, in the order in which a deal goes through them.
    pub(crate) const ALL: [Self; 6] =
        [Self::Lead, Self::Qualified, Self::Proposal, Self::Negotiation, Self::Won, Self::Lost];

    /// Its name, in requests and in the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Qualified => "qualified",
            Self::Proposal => "proposal",
            Self::Negotiation => "negotiation",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// Whether it is neither won nor lost.
    pub(crate) fn is_open(self) -> bool {
        !matches!(self, Self::Won | Self::Lost)
    }

    /// Reads a stage that the store kept.
    pub(crate) fn stored(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|stage| stage.as_str() == text);
        found.ok_or_else(|| Error::Internal("the store holds a deal of an unknown stage".into()))
    }
}

impl FromRow for Deal {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            head: Head::from_row(row)?,
            name: row.text()?,
            stage: Stage::stored(&row.text()?)?,
            amount: row.opt_int()?.map(Amount::stored),
            currency: row.opt_text()?,
            close_date: row.opt_text()?,
            company_id: row.opt_uuid()?,
            contact_id: row.opt_uuid()?,
            notes: row.opt_text()?,
        })
    }
}

impl Record for Deal {
    const KIND: RecordKind = RecordKind::Deal;
    const SQL: Statements = statements! {
        table: "deal",
        title: "name",
        fields: [
            "name" "$6", "stage" "$7", "amount" "$8", "currency" "$9", "close_date" "$10",
            "company_id" "$11", "contact_id" "$12", "notes" "$13",
        ],
        keys: ["name_key" "$14"],
        joined: [],
        joins: "",
    };
    const COLUMNS: &'static [Column] = &[
        list::NAME,
        list::CREATED,
        list::UPDATED,
        Column { name: "amount", sql: "r.amount", number: true, nullable: true },
        Column { name: "close_date", sql: "r.close_date", number: false, nullable: true },
    ];
    const SORTED: Order = Order { by: &list::NAME, descending: false };
    const BACKLINKS: &'static [Backlink] = &[backlink!(Activity, "activity", "deal_id")];

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
        words([&self.notes])
    }

    fn facts(&self, facts: &mut Facts) {
        facts.add(Some(self.stage.as_str()));
        facts.add(self.amount.zip(self.currency.as_ref()).map(|(amount, currency)| format!("{amount} {currency}")));
        facts.named("closes", self.close_date.as_ref());
        facts.named("company", self.company_id);
        facts.named("contact", self.contact_id);
    }

    fn texts(&self) -> Vec<(&'static str, &str)> {
        self.notes.iter().map(|notes| ("Notes", notes.as_str())).collect()
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("name", (&self.name).into()),
            ("stage", self.stage.as_str().into()),
            ("amount", self.amount.map(Amount::units).into()),
            ("currency", self.currency.as_ref().into()),
            ("close_date", self.close_date.as_ref().into()),
            ("company_id", self.company_id.into()),
            ("contact_id", self.contact_id.into()),
            ("notes", self.notes.as_ref().into()),
        ]
    }

    fn keys(&self) -> Vec<Value> {
        vec![self.name.to_lowercase().into()]
    }

    fn links(&self) -> Vec<Link> {
        vec![
            Link { field: "company_id", kind: RecordKind::Company, id: self.company_id },
            Link { field: "contact_id", kind: RecordKind::Contact, id: self.contact_id },
        ]
    }
}

/// The deals of a stage, with a company or a contact, whose name contains a text.
pub(crate) fn filter(
    stage: Option<Stage>,
    company_id: Option<&str>,
    contact_id: Option<&str>,
    query: Option<&str>,
) -> Filter {
    Filter::default()
        .and("r.stage = ?", stage.map(Stage::as_str))
        .and("r.company_id = ?", company_id)
        .and("r.contact_id = ?", contact_id)
        .and_name_contains(query)
}
