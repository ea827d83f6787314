//! `crm_contact_…`: people.

use super::super::input::{Email, Given, IdempotencyKey, Key, Limit, Patch, Text};
use super::super::{Caller, Effect, Reply, Tool};
use super::record::{self, Created, link, patch_link};
use super::sort::Sort;
use crate::error::Result;
use crate::repository::contact::{self, Contact};
use crate::repository::list::Page;
use crate::repository::once::Once;
use crate::repository::record::Head;
use crate::store::RecordKind;
use crate::tenancy::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What makes one.
const CREATE: &str = "crm_contact_create";

/// The kind's tools.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        Tool::new(CREATE, Role::Member, Effect::Adds, create).described(
            "Create a contact",
            "Adds a person to the CRM. Look with crm_search or crm_contact_list first, so that nobody is in it twice.",
        ),
        Tool::new("crm_contact_get", Role::Viewer, Effect::Reads, record::get::<Contact>)
            .described("Get a contact", "Reads one person by id: all fields, the company's name, and the version."),
        Tool::new("crm_contact_update", Role::Member, Effect::Changes, update).described(
            "Update a contact",
            "Changes the given fields of a person and leaves the rest; null empties a field. Takes the version that was read: if somebody changed the contact since, nothing is written and the answer tells who changed what.",
        ),
        Tool::new("crm_contact_delete", Role::Member, Effect::Changes, record::delete::<Contact>).described(
            "Delete a contact",
            "Deletes a person for good. Deals and activities that refer to them stay and no longer do.",
        ),
        Tool::new("crm_contact_list", Role::Viewer, Effect::Reads, list).described(
            "List contacts",
            "Lists people, page by page: those of a company, with an email address, or whose name contains a text. To look through all fields and kinds, use crm_search.",
        ),
    ]
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// The full name.
    name: Text<200>,
    email: Option<Email>,
    phone: Option<Text<50>>,
    job_title: Option<Text<100>>,
    /// The id of the company they work for.
    company_id: Option<Key>,
    notes: Option<Text<10_000>>,
    idempotency_key: Option<IdempotencyKey>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// The contact's id.
    id: Key,
    /// The version that is to be changed, as last read.
    version: i64,
    /// The full name.
    #[serde(default)]
    name: Given<Text<200>>,
    #[serde(default)]
    email: Patch<Email>,
    #[serde(default)]
    phone: Patch<Text<50>>,
    #[serde(default)]
    job_title: Patch<Text<100>>,
    /// The id of the company they work for.
    #[serde(default)]
    company_id: Patch<Key>,
    #[serde(default)]
    notes: Patch<Text<10_000>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// Only those who work for this company.
    company_id: Option<Key>,
    /// Only those with this email address, in whatever case.
    email: Option<Email>,
    /// Only those whose name contains this, in whatever case.
    query: Option<Text<200>>,
    /// By what to sort; "-" in front turns it around.
    #[serde(default)]
    sort: Sort<Contact>,
    #[serde(default)]
    limit: Limit,
    /// The next_cursor of the page before.
    cursor: Option<String>,
}

async fn create(caller: Caller, new: Create) -> Result<Reply<Created<Contact>>> {
    let once = Once::of(CREATE, new.idempotency_key.as_deref(), &new)?;
    let company_id = new.company_id.map(|key| link("company_id", RecordKind::Company, &key)).transpose()?;
    let contact = Contact {
        head: Head::new(),
        name: new.name.into(),
        email: new.email.map(Into::into),
        phone: new.phone.map(Into::into),
        job_title: new.job_title.map(Into::into),
        company_id,
        company_name: None,
        notes: new.notes.map(Into::into),
    };
    record::create(&caller, contact, once).await
}

async fn update(caller: Caller, new: Update) -> Result<Reply<Contact>> {
    let company_id = patch_link("company_id", RecordKind::Company, new.company_id)?;
    record::update(&caller, &new.id, new.version, |contact: &mut Contact| {
        new.name.set(&mut contact.name);
        contact.email = new.email.apply(contact.email.take());
        contact.phone = new.phone.apply(contact.phone.take());
        contact.job_title = new.job_title.apply(contact.job_title.take());
        contact.company_id = company_id.apply(contact.company_id);
        contact.notes = new.notes.apply(contact.notes.take());
        Ok(())
    })
    .await
}

async fn list(caller: Caller, of: List) -> Result<Reply<Page<Contact>>> {
    let filter = contact::filter(of.company_id.as_deref(), of.email.as_deref(), of.query.as_deref());
    record::page(&caller, filter, &of.sort, of.limit, of.cursor.as_deref()).await
}
