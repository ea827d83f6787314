//! `crm_import_contacts`: a file of contacts, all of it or nothing.

mod plan;

use super::super::input::{Email, IdempotencyKey, Text};
use super::super::{Caller, Effect, Reply, Tool};
use super::contact_csv::{self, ContactRow, Format};
use crate::error::{Error, Result};
use crate::repository::import;
use crate::repository::once::{Before, Once};
use crate::tenancy::Role;
use crate::time;
use plan::{Duplicates, Line, Outcome, Plan, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// The tool.
const IMPORT: &str = "crm_import_contacts";
/// Contacts that one call takes.
const MOST: usize = 10_000;
/// Lines with mistakes that are told one by one.
const MISTAKES: usize = 50;
/// Lines that the readable answer shows.
const SHOWN: usize = 20;
/// How often progress is told.
const STEPS: usize = 10;

pub(super) fn tool() -> Tool {
    Tool::new(IMPORT, Role::Member, Effect::Adds, run).described(
        "Import contacts",
        "Adds the contacts of a CSV file as Google Contacts, HubSpot or crm_export write it, and the companies they work for: all of it or, if any line is wrong, nothing. Contacts are recognised by their email address; those without one are always added. Try with dry_run first.",
    )
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImportContacts {
    /// The text of the file, with its header line; at most 10,000 contacts.
    csv: String,
    /// Who wrote the file; auto, as it is unless told, has the header line tell.
    #[serde(default)]
    format: FileFormat,
    /// What to do with a contact whose email address is there already, in the CRM or on an earlier
    /// line: skip it, as happens unless told, or merge it: that fills in empty fields and overwrites
    /// nothing.
    #[serde(default)]
    duplicates: Duplicates,
    /// Tells what an import would do, and does nothing.
    #[serde(default)]
    dry_run: bool,
    /// Makes this call safe to repeat: make up a key for each file to import, such as a UUID, and if no answer comes,
    /// call again with the same key and arguments; it is imported once, and the answer has repeated: true. Kept for 24
    /// hours; of no effect with dry_run.
    idempotency_key: Option<IdempotencyKey>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum FileFormat {
    #[default]
    Auto,
    Google,
    HubSpot,
    Sessile,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Imported {
    #[serde(flatten)]
    counts: Counts,
    /// Nothing was written: this is what an import would do.
    dry_run: bool,
    /// What became of each line of the file that holds a contact; empty when the call is repeated.
    lines: Vec<Line>,
    /// Nothing was written: a call with the same idempotency_key has imported the file before, and these are its counts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
}

/// What an import made. With a key it is kept, and the lines are not: they would be as long as the file.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Counts {
    created: usize,
    merged: usize,
    skipped: usize,
    companies_created: usize,
}

async fn run(caller: Caller, call: ImportContacts) -> Result<Reply<Imported>> {
    let format = match call.format {
        FileFormat::Auto => None,
        FileFormat::Google => Some(Format::Google),
        FileFormat::HubSpot => Some(Format::HubSpot),
        FileFormat::Sessile => Some(Format::Sessile),
    };
    let key = call.idempotency_key.as_deref().filter(|_| !call.dry_run);
    let once = Once::of(IMPORT, key, &call)?;
    if let Some(once) = &once
        && let Some(before) = once.before(&caller).await?
    {
        return again(&before);
    }
    let rows = read(&call.csv, format)?;
    let mut plan = Plan::new(call.duplicates);
    let total = rows.len();
    let mut lines = Vec::with_capacity(total);
    for some in rows.chunks(total.div_ceil(STEPS)) {
        plan.know_contacts(import::contacts(&caller, &keys(some, |row| row.contact.email.as_deref())).await?);
        plan.know_companies(import::companies(&caller, &keys(some, |row| row.contact.company_name.as_deref())).await?);
        lines.extend(some.iter().map(|row| plan.take(row)));
        let (done, all) = (lines.len() as u64, total as u64);
        caller.reporter.progress(done, all, &format!("Looked at {done} of {all} contacts"));
        tokio::task::yield_now().await;
    }
    let plan = plan.finish();
    let count = |outcome| lines.iter().filter(|line| line.outcome == outcome).count();
    let counts = Counts {
        created: count(Outcome::Created),
        merged: count(Outcome::Merged),
        skipped: count(Outcome::Skipped),
        companies_created: plan.companies.len(),
    };
    let mut imported = Imported { counts, dry_run: call.dry_run, lines, repeated: false };
    if call.dry_run {
        imported.lines.iter_mut().filter(|line| line.new).for_each(|line| line.contact_id = None);
    } else if once.is_some() || imported.counts.created + imported.counts.merged > 0 {
        let counts = serde_json::to_string(&imported.counts).map_err(|e| Error::internal("noting an import", e))?;
        if let Some(before) = import::apply(&caller, plan, once.as_ref().map(|once| (once, &*counts))).await? {
            return again(&before);
        }
    }
    caller.reporter.log("info", &summary(&imported));
    let text = describe(&imported);
    Ok(Reply::new(imported, text))
}

/// What there is to say of an import that was made before.
fn again(before: &Before) -> Result<Reply<Imported>> {
    let counts = serde_json::from_str(&before.answer).map_err(|e| Error::internal("reading what was imported", e))?;
    let imported = Imported { counts, dry_run: false, lines: Vec::new(), repeated: true };
    let text = format!(
        "Nothing was written: this call was made before, at {}. {} What contact each line is now, a dry_run tells.",
        time::text(before.at),
        summary(&imported)
    );
    Ok(Reply::new(imported, text))
}

/// The contacts of a file, if all of them can be used.
fn read(csv: &str, format: Option<Format>) -> Result<Vec<Row>> {
    let wrong = |why| Error::InvalidArguments(format!("csv: {why}."));
    let (_, lines) = contact_csv::read(csv, format).map_err(wrong)?;
    if lines.len() > MOST {
        return Err(Error::Limit(format!(
            "csv: the file holds {} contacts, and one call takes {MOST}; split it, with the header line in each part.",
            lines.len()
        )));
    }
    let total = lines.len();
    let mut rows = Vec::with_capacity(total);
    let mut mistakes = Vec::new();
    for contact_csv::Line { number, contact } in lines {
        match contact.and_then(checked) {
            Ok(contact) => rows.push(Row { line: number, contact }),
            Err(why) => mistakes.push((number, why)),
        }
    }
    if mistakes.is_empty() { Ok(rows) } else { Err(refused(&mistakes, total)) }
}

/// The contact with its fields as the tools for single contacts would take them.
fn checked(row: ContactRow) -> Result<ContactRow, String> {
    fn text<const MAX: usize>(name: &str, text: &str) -> Result<String, String> {
        Text::<MAX>::new(text).map(Into::into).map_err(|rule| format!("{name}: {rule}"))
    }
    let email = row.email.map(|email| Email::new(&email).map_err(|rule| format!("email: {rule}")));
    Ok(ContactRow {
        name: text::<200>("name", &row.name)?,
        email: email.transpose()?.map(Into::into),
        phone: row.phone.map(|phone| text::<50>("phone", &phone)).transpose()?,
        job_title: row.job_title.map(|title| text::<100>("job_title", &title)).transpose()?,
        company_name: row.company_name.map(|name| text::<200>("company_name", &name)).transpose()?,
        notes: row.notes.map(|notes| text::<10_000>("notes", &notes)).transpose()?,
    })
}

fn refused(mistakes: &[(u64, String)], total: usize) -> Error {
    let mut text = format!("csv: {} of {total} contacts can't be used, so nothing was imported:", mistakes.len());
    for (line, why) in mistakes.iter().take(MISTAKES) {
        let _ = write!(text, "\n- line {line}: {why}");
    }
    if mistakes.len() > MISTAKES {
        let _ = write!(text, "\n- and {} more", mistakes.len() - MISTAKES);
    }
    text.push_str("\nCorrect these lines or take them out, and call again.");
    Error::InvalidArguments(text)
}

/// What the rows are looked up by, each once.
fn keys<'r>(rows: &'r [Row], of: impl Fn(&'r Row) -> Option<&'r str>) -> Vec<String> {
    let mut keys: Vec<_> = rows.iter().filter_map(of).map(str::to_lowercase).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn summary(imported: &Imported) -> String {
    let Counts { created, merged, skipped, companies_created } = imported.counts;
    let what = if imported.dry_run { "A dry run, nothing was written. It would be" } else { "Imported" };
    format!("{what}: {created} created, {merged} merged, {skipped} skipped; companies created: {companies_created}.")
}

fn describe(imported: &Imported) -> String {
    let mut text = summary(imported);
    for Line { line, outcome, contact_id, message, .. } in imported.lines.iter().take(SHOWN) {
        let _ = write!(text, "\n- line {line}: {}", outcome.as_str());
        if let Some(id) = contact_id {
            let _ = write!(text, " (contact {id})");
        }
        if let Some(message) = message {
            let _ = write!(text, ": {message}");
        }
    }
    if imported.lines.len() > SHOWN {
        let _ = write!(text, "\n- and {} more", imported.lines.len() - SHOWN);
    }
    text
}
