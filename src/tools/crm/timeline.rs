//! `crm_timeline`: what was done around a record, and is to be done.

use super::super::input::{Key, Limit};
use super::super::{Caller, Effect, Reply, Tool};
use super::record;
use crate::error::{Error, Result};
use crate::repository::activity::Activity;
use crate::repository::list::Page;
use crate::repository::timeline;
use crate::store::RecordKind;
use crate::tenancy::Role;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn tool() -> Tool {
    Tool::new("crm_timeline", Role::Viewer, Effect::Reads, read).described(
        "See a timeline",
        "Lists the activities that concern one contact, company or deal, page by page, the latest first. A company's timeline holds those of its contacts and deals, too.",
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Timeline {
    /// The id of a contact; give one id only.
    contact_id: Option<Key>,
    /// The id of a company; give one id only.
    company_id: Option<Key>,
    /// The id of a deal; give one id only.
    deal_id: Option<Key>,
    #[serde(default)]
    limit: Limit,
    /// The next_cursor of the page before.
    cursor: Option<String>,
}

async fn read(caller: Caller, of: Timeline) -> Result<Reply<Page<Activity>>> {
    let (kind, id) = match (of.contact_id, of.company_id, of.deal_id) {
        (Some(id), None, None) => (RecordKind::Contact, id),
        (None, Some(id), None) => (RecordKind::Company, id),
        (None, None, Some(id)) => (RecordKind::Deal, id),
        _ => {
            return Err(Error::InvalidArguments(
                "contact_id, company_id and deal_id: give exactly one of them; a timeline is that of one record."
                    .into(),
            ));
        }
    };
    let page = timeline::page(&caller, kind, &id, of.limit.get(), of.cursor.as_deref()).await?;
    let text = record::describe(&page);
    Ok(Reply::new(page, text))
}
