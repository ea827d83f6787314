//! `crm_deal_…`: what may be sold.

use super::super::input::{Amount, Currency, Date, Given, IdempotencyKey, Key, Limit, Patch, Text};
use super::super::{Caller, Effect, Reply, Tool};
use super::record::{self, Created, link, patch_link};
use super::sort::Sort;
use crate::error::{Error, Result};
use crate::repository::deal::{self, Deal, Stage};
use crate::repository::list::Page;
use crate::repository::once::Once;
use crate::repository::record::Head;
use crate::store::RecordKind;
use crate::tenancy::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What makes one.
const CREATE: &str = "crm_deal_create";

/// The kind's tools.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        Tool::new(CREATE, Role::Member, Effect::Adds, create).described(
            "Create a deal",
            "Adds a deal to the pipeline, as a lead unless another stage is given. An amount comes with its currency.",
        ),
        Tool::new("crm_deal_get", Role::Viewer, Effect::Reads, record::get::<Deal>)
            .described("Get a deal", "Reads one deal by id: all fields and the version."),
        Tool::new("crm_deal_update", Role::Member, Effect::Changes, update).described(
            "Update a deal",
            "Changes the given fields of a deal, such as its stage, and leaves the rest; null empties a field. Takes the version that was read: if somebody changed the deal since, nothing is written and the answer tells who changed what.",
        ),
        Tool::new("crm_deal_delete", Role::Member, Effect::Changes, record::delete::<Deal>).described(
            "Delete a deal",
            "Deletes a deal for good; a deal that fell through is rather set to the stage lost. Activities that refer to it stay, without it.",
        ),
        Tool::new("crm_deal_list", Role::Viewer, Effect::Reads, list).described(
            "List deals",
            "Lists deals, page by page: those of a stage, with a company or a contact, or whose name contains a text. Sorting by amount does not convert currencies. For totals by stage, use crm_pipeline.",
        ),
    ]
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// What the deal is called.
    name: Text<200>,
    /// How far it is.
    #[serde(default)]
    stage: Stage,
    /// What it is worth, as a decimal such as "12500.00"; goes with currency.
    amount: Option<Amount>,
    /// The currency of the amount, as an ISO 4217 code such as EUR.
    currency: Option<Currency>,
    /// When it is expected to be decided.
    close_date: Option<Date>,
    /// The id of the company it is with.
    company_id: Option<Key>,
    /// The id of the contact it is with.
    contact_id: Option<Key>,
    notes: Option<Text<10_000>>,
    idempotency_key: Option<IdempotencyKey>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// The deal's id.
    id: Key,
    /// The version that is to be changed, as last read.
    version: i64,
    /// What the deal is called.
    #[serde(default)]
    name: Given<Text<200>>,
    /// How far it is.
    #[serde(default)]
    stage: Given<Stage>,
    /// What it is worth, as a decimal such as "12500.00"; goes with currency.
    #[serde(default)]
    amount: Patch<Amount>,
    /// The currency of the amount, as an ISO 4217 code such as EUR.
    #[serde(default)]
    currency: Patch<Currency>,
    /// When it is expected to be decided.
    #[serde(default)]
    close_date: Patch<Date>,
    /// The id of the company it is with.
    #[serde(default)]
    company_id: Patch<Key>,
    /// The id of the contact it is with.
    #[serde(default)]
    contact_id: Patch<Key>,
    #[serde(default)]
    notes: Patch<Text<10_000>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// Only those of this stage.
    stage: Option<Stage>,
    /// Only those with this company.
    company_id: Option<Key>,
    /// Only those with this contact.
    contact_id: Option<Key>,
    /// Only those whose name contains this, in whatever case.
    query: Option<Text<200>>,
    /// By what to sort; "-" in front turns it around. Deals without the value come last.
    #[serde(default)]
    sort: Sort<Deal>,
    #[serde(default)]
    limit: Limit,
    /// The next_cursor of the page before.
    cursor: Option<String>,
}

async fn create(caller: Caller, new: Create) -> Result<Reply<Created<Deal>>> {
    let once = Once::of(CREATE, new.idempotency_key.as_deref(), &new)?;
    let company_id = new.company_id.map(|key| link("company_id", RecordKind::Company, &key)).transpose()?;
    let contact_id = new.contact_id.map(|key| link("contact_id", RecordKind::Contact, &key)).transpose()?;
    let deal = Deal {
        head: Head::new(),
        name: new.name.into(),
        stage: new.stage,
        amount: new.amount,
        currency: new.currency.map(Into::into),
        close_date: new.close_date.map(Into::into),
        company_id,
        contact_id,
        notes: new.notes.map(Into::into),
    };
    check(&deal)?;
    record::create(&caller, deal, once).await
}

async fn update(caller: Caller, new: Update) -> Result<Reply<Deal>> {
    let company_id = patch_link("company_id", RecordKind::Company, new.company_id)?;
    let contact_id = patch_link("contact_id", RecordKind::Contact, new.contact_id)?;
    record::update(&caller, &new.id, new.version, |deal: &mut Deal| {
        new.name.set(&mut deal.name);
        new.stage.set(&mut deal.stage);
        deal.amount = new.amount.apply(deal.amount);
        deal.currency = new.currency.apply(deal.currency.take());
        deal.close_date = new.close_date.apply(deal.close_date.take());
        deal.company_id = company_id.apply(deal.company_id);
        deal.contact_id = contact_id.apply(deal.contact_id);
        deal.notes = new.notes.apply(deal.notes.take());
        check(deal)
    })
    .await
}

async fn list(caller: Caller, of: List) -> Result<Reply<Page<Deal>>> {
    let filter = deal::filter(of.stage, of.company_id.as_deref(), of.contact_id.as_deref(), of.query.as_deref());
    record::page(&caller, filter, &of.sort, of.limit, of.cursor.as_deref()).await
}

/// An amount without a currency says nothing, nor does the reverse.
fn check(deal: &Deal) -> Result<()> {
    let missing = match (&deal.amount, &deal.currency) {
        (Some(_), None) => "an amount needs a currency",
        (None, Some(_)) => "a currency needs an amount",
        _ => return Ok(()),
    };
    Err(Error::InvalidArguments(format!("amount and currency: {missing}; give both, or neither.")))
}
