//! `crm_activity_…`: what was done, and what is to be done.

use super::super::input::{Date, Given, IdempotencyKey, Key, Limit, Patch, Text, Time};
use super::super::{Caller, Effect, Reply, Tool};
use super::record::{self, Created, link, patch_link};
use super::sort::Sort;
use crate::error::{Error, Result};
use crate::repository::activity::{self, Activity, ActivityKind};
use crate::repository::list::Page;
use crate::repository::once::Once;
use crate::repository::record::Head;
use crate::store::RecordKind;
use crate::tenancy::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What makes one.
const CREATE: &str = "crm_activity_create";

/// The kind's tools.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        Tool::new(CREATE, Role::Member, Effect::Adds, create).described(
            "Log an activity or add a task",
            "Adds a note, call, meeting, email or task, with the contact, company and deal that it concerns.",
        ),
        Tool::new("crm_activity_get", Role::Viewer, Effect::Reads, record::get::<Activity>)
            .described("Get an activity", "Reads one activity by id: all fields and the version."),
        Tool::new("crm_activity_update", Role::Member, Effect::Changes, update).described(
            "Update an activity",
            "Changes the given fields of an activity, such as whether a task is done, and leaves the rest; null empties a field. Takes the version that was read: if somebody changed the activity since, nothing is written and the answer tells who changed what.",
        ),
        Tool::new("crm_activity_delete", Role::Member, Effect::Changes, record::delete::<Activity>).described(
            "Delete an activity",
            "Deletes an activity for good; a task that was carried out is rather set to done.",
        ),
        Tool::new("crm_activity_list", Role::Viewer, Effect::Reads, list).described(
            "List activities and tasks",
            "Lists activities, page by page, the latest first: those of a kind, with a contact, a company or a deal. Open tasks are those with done false; sort them by due_date.",
        ),
    ]
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// What it is.
    kind: ActivityKind,
    /// What it is about, in a line.
    subject: Text<200>,
    /// The whole of it.
    body: Option<Text<10_000>>,
    /// When it happened or happens; now unless told.
    at: Option<Time>,
    /// Until when it is to be done; for tasks only.
    due_date: Option<Date>,
    /// Whether it is done; for tasks only, which are not unless told.
    done: Option<bool>,
    /// The id of the contact it concerns.
    contact_id: Option<Key>,
    /// The id of the company it concerns.
    company_id: Option<Key>,
    /// The id of the deal it concerns.
    deal_id: Option<Key>,
    idempotency_key: Option<IdempotencyKey>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// The activity's id.
    id: Key,
    /// The version that is to be changed, as last read.
    version: i64,
    /// What it is. What is no longer a task loses its due_date and done.
    #[serde(default)]
    kind: Given<ActivityKind>,
    /// What it is about, in a line.
    #[serde(default)]
    subject: Given<Text<200>>,
    /// The whole of it.
    #[serde(default)]
    body: Patch<Text<10_000>>,
    /// When it happened or happens.
    #[serde(default)]
    at: Given<Time>,
    /// Until when it is to be done; for tasks only.
    #[serde(default)]
    due_date: Patch<Date>,
    /// Whether it is done; for tasks only.
    #[serde(default)]
    done: Given<bool>,
    /// The id of the contact it concerns.
    #[serde(default)]
    contact_id: Patch<Key>,
    /// The id of the company it concerns.
    #[serde(default)]
    company_id: Patch<Key>,
    /// The id of the deal it concerns.
    #[serde(default)]
    deal_id: Patch<Key>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// Only those of this kind.
    kind: Option<ActivityKind>,
    /// Only tasks that are done (true) or not (false).
    done: Option<bool>,
    /// Only those that concern this contact.
    contact_id: Option<Key>,
    /// Only those that concern this company.
    company_id: Option<Key>,
    /// Only those that concern this deal.
    deal_id: Option<Key>,
    /// By what to sort; "-" in front turns it around. Activities without the value come last.
    #[serde(default)]
    sort: Sort<Activity>,
    #[serde(default)]
    limit: Limit,
    /// The next_cursor of the page before.
    cursor: Option<String>,
}

async fn create(caller: Caller, new: Create) -> Result<Reply<Created<Activity>>> {
    let once = Once::of(CREATE, new.idempotency_key.as_deref(), &new)?;
    let contact_id = new.contact_id.map(|key| link("contact_id", RecordKind::Contact, &key)).transpose()?;
    let company_id = new.company_id.map(|key| link("company_id", RecordKind::Company, &key)).transpose()?;
    let deal_id = new.deal_id.map(|key| link("deal_id", RecordKind::Deal, &key)).transpose()?;
    for_tasks_only(new.kind, new.due_date.is_some(), new.done.is_some())?;
    let head = Head::new();
    let activity = Activity {
        kind: new.kind,
        subject: new.subject.into(),
        body: new.body.map(Into::into),
        at: new.at.unwrap_or(head.created_at),
        due_date: new.due_date.map(Into::into),
        done: (new.kind == ActivityKind::Task).then(|| new.done.unwrap_or_default()),
        contact_id,
        company_id,
        deal_id,
        head,
    };
    record::create(&caller, activity, once).await
}

async fn update(caller: Caller, new: Update) -> Result<Reply<Activity>> {
    let contact_id = patch_link("contact_id", RecordKind::Contact, new.contact_id)?;
    let company_id = patch_link("company_id", RecordKind::Company, new.company_id)?;
    let deal_id = patch_link("deal_id", RecordKind::Deal, new.deal_id)?;
    record::update(&caller, &new.id, new.version, |activity: &mut Activity| {
        new.kind.set(&mut activity.kind);
        for_tasks_only(activity.kind, matches!(new.due_date, Patch::Set(_)), new.done.is_some())?;
        new.subject.set(&mut activity.subject);
        activity.body = new.body.apply(activity.body.take());
        new.at.set(&mut activity.at);
        let is_task = activity.kind == ActivityKind::Task;
        activity.due_date = new.due_date.apply(activity.due_date.take()).filter(|_| is_task);
        let mut done = activity.done.unwrap_or_default();
        new.done.set(&mut done);
        activity.done = is_task.then_some(done);
        activity.contact_id = contact_id.apply(activity.contact_id);
        activity.company_id = company_id.apply(activity.company_id);
        activity.deal_id = deal_id.apply(activity.deal_id);
        Ok(())
    })
    .await
}

async fn list(caller: Caller, of: List) -> Result<Reply<Page<Activity>>> {
    let (contact_id, company_id, deal_id) = (of.contact_id.as_deref(), of.company_id.as_deref(), of.deal_id.as_deref());
    let filter = activity::filter(of.kind, of.done, contact_id, company_id, deal_id);
    record::page(&caller, filter, &of.sort, of.limit, of.cursor.as_deref()).await
}

/// Tasks alone are due and done.
fn for_tasks_only(kind: ActivityKind, due: bool, done: bool) -> Result<()> {
    let field = match (due, done) {
        _ if kind == ActivityKind::Task => return Ok(()),
        (true, _) => "due_date",
        (false, true) => "done",
        (false, false) => return Ok(()),
    };
    let what = kind.with_article();
    Err(Error::InvalidArguments(format!(
        "{field}: only tasks have it, and this is {what}; leave it out or set kind to task."
    )))
}
