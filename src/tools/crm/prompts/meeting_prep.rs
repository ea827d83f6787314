//! `meeting_prep`: a person, and all that matters before meeting them.

use super::lines::{DATA, ONE_MORE, activity, deal, section};
use super::{Words, wrong};
use crate::error::Result;
use crate::repository::agenda;
use crate::repository::company::Company;
use crate::repository::contact::{self, Contact};
use crate::repository::list::{self, Filter};
use crate::repository::record::{self, Record};
use crate::tenancy::TenantScope;
use crate::tools::input::Text;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const WORDS: Words = Words {
    name: "meeting_prep",
    title: "Prepare a meeting",
    description: "Prepares for meeting a contact: who they are, their company, open deals, what happened last, and open tasks.",
    argument: "contact",
    argument_title: "Contact",
    argument_description: "Whom to meet: a contact's name, email address or id.",
    required: true,
};

/// Activities that are told of.
const LATEST: i64 = 10;
/// Contacts that are named when several fit.
const CANDIDATES: usize = 5;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    contact: Text<254>,
}

pub(super) async fn text(scope: &TenantScope, Arguments { contact }: Arguments) -> Result<String> {
    let contact = find(scope, &contact).await?;
    let id = contact.head().id;
    let company: Option<Company> = match contact.company_id {
        Some(company) => record::find(scope, company).await?,
        None => None,
    };
    let deals = agenda::deals_with(scope, id, contact.company_id, ONE_MORE).await?;
    let latest = agenda::latest_with(scope, id, LATEST).await?;
    let tasks = agenda::tasks_with(scope, id, ONE_MORE).await?;
    let principal = scope.principal();
    let mut text = format!(
        "Prepare me for meeting {}. I am {} at {}. Tell me who they are and what matters to them, where our deals with \
         them and their company stand, what was said and agreed last, and what we still owe them; then propose three \
         questions to ask and one result to aim for. Be short. {DATA} Times are UTC.",
        contact.title(),
        principal.email(),
        principal.tenant_name(),
    );
    text.push_str(&format!("\n\n## Contact\n{}", contact.text()));
    text.push_str(&format!("\n\n## Company\n{}", company.map_or_else(|| "None.".into(), |company| company.text())));
    text.push_str(&section("Open deals with them or their company", &deals, deal));
    text.push_str(&section("Latest activities, the newest or next first", &latest, activity));
    text.push_str(&section("Open tasks", &tasks, activity));
    Ok(text)
}

/// The one contact that a text names: by its id, by its email address, by its whole name, or else
/// by a part of it.
async fn find(scope: &TenantScope, named: &str) -> Result<Contact> {
    if let Some(id) = record::id(&named.to_lowercase())
        && let Some(contact) = record::find(scope, id).await?
    {
        return Ok(contact);
    }
    let whole_name = Filter::default().and("r.name_key = ?", Some(named.to_lowercase()));
    for filter in [contact::filter(None, Some(named), None), whole_name, contact::filter(None, None, Some(named))] {
        let mut page = list::list::<Contact>(scope, filter, Contact::SORTED, CANDIDATES, None).await?;
        match page.items.len() {
            0 => {}
            1 => return Ok(page.items.remove(0)),
            _ => {
                let mut lines: Vec<_> = page.items.iter().map(Record::line).collect();
                lines.extend(page.next_cursor.map(|_| "and others".into()));
                return Err(wrong(
                    &WORDS,
                    format!("several contacts fit {named:?}; name one by email address or id: {}.", lines.join("; ")),
                ));
            }
        }
    }
    Err(wrong(&WORDS, format!("there is no contact {named:?}; give a name, an email address or an id.")))
}
