//! `crm_company_…`: who contacts work for and deals are made with.

use super::super::input::{Given, IdempotencyKey, Key, Limit, Patch, Text};
use super::super::{Caller, Effect, Reply, Tool};
use super::record::{self, Created};
use super::sort::Sort;
use crate::error::Result;
use crate::repository::company::{self, Company};
use crate::repository::list::Page;
use crate::repository::once::Once;
use crate::repository::record::Head;
use crate::tenancy::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What makes one.
const CREATE: &str = "crm_company_create";

/// The kind's tools.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        Tool::new(CREATE, Role::Member, Effect::Adds, create).described(
            "Create a company",
            "Adds a company to the CRM. Look with crm_search or crm_company_list first, so that none is in it twice.",
        ),
        Tool::new("crm_company_get", Role::Viewer, Effect::Reads, record::get::<Company>)
            .described("Get a company", "Reads one company by id: all fields and the version."),
        Tool::new("crm_company_update", Role::Member, Effect::Changes, update).described(
            "Update a company",
            "Changes the given fields of a company and leaves the rest; null empties a field. Takes the version that was read: if somebody changed the company since, nothing is written and the answer tells who changed what.",
        ),
        Tool::new("crm_company_delete", Role::Member, Effect::Changes, record::delete::<Company>).described(
            "Delete a company",
            "Deletes a company for good. Contacts, deals and activities that refer to it stay, without it.",
        ),
        Tool::new("crm_company_list", Role::Viewer, Effect::Reads, list).described(
            "List companies",
            "Lists companies, page by page: all, the one with a domain, or those whose name contains a text. To look through all fields and kinds, use crm_search.",
        ),
    ]
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// What the company is called.
    name: Text<200>,
    /// Its internet domain, such as example.com; kept in lower case.
    domain: Option<Text<253>>,
    industry: Option<Text<100>>,
    phone: Option<Text<50>>,
    website: Option<Text<500>>,
    address: Option<Text<500>>,
    notes: Option<Text<10_000>>,
    idempotency_key: Option<IdempotencyKey>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// The company's id.
    id: Key,
    /// The version that is to be changed, as last read.
    version: i64,
    /// What the company is called.
    #[serde(default)]
    name: Given<Text<200>>,
    /// Its internet domain, such as example.com; kept in lower case.
    #[serde(default)]
    domain: Patch<Text<253>>,
    #[serde(default)]
    industry: Patch<Text<100>>,
    #[serde(default)]
    phone: Patch<Text<50>>,
    #[serde(default)]
    website: Patch<Text<500>>,
    #[serde(default)]
    address: Patch<Text<500>>,
    #[serde(default)]
    notes: Patch<Text<10_000>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// Only those with this domain, in whatever case.
    domain: Option<Text<253>>,
    /// Only those whose name contains this, in whatever case.
    query: Option<Text<200>>,
    /// By what to sort; "-" in front turns it around.
    #[serde(default)]
    sort: Sort<Company>,
    #[serde(default)]
    limit: Limit,
    /// The next_cursor of the page before.
    cursor: Option<String>,
}

async fn create(caller: Caller, new: Create) -> Result<Reply<Created<Company>>> {
    let once = Once::of(CREATE, new.idempotency_key.as_deref(), &new)?;
    let company = Company {
        head: Head::new(),
        name: new.name.into(),
        domain: new.domain.map(|domain| domain.to_lowercase()),
        industry: new.industry.map(Into::into),
        phone: new.phone.map(Into::into),
        website: new.website.map(Into::into),
        address: new.address.map(Into::into),
        notes: new.notes.map(Into::into),
    };
    record::create(&caller, company, once).await
}

async fn update(caller: Caller, new: Update) -> Result<Reply<Company>> {
    record::update(&caller, &new.id, new.version, |company: &mut Company| {
        new.name.set(&mut company.name);
        company.domain = new.domain.apply(company.domain.take()).map(|domain| domain.to_lowercase());
        company.industry = new.industry.apply(company.industry.take());
        company.phone = new.phone.apply(company.phone.take());
        company.website = new.website.apply(company.website.take());
        company.address = new.address.apply(company.address.take());
        company.notes = new.notes.apply(company.notes.take());
        Ok(())
    })
    .await
}

async fn list(caller: Caller, of: List) -> Result<Reply<Page<Company>>> {
    let filter = company::filter(of.domain.as_deref(), of.query.as_deref());
    record::page(&caller, filter, &of.sort, of.limit, of.cursor.as_deref()).await
}
