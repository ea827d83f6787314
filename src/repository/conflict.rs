//! What happened to a record since somebody looked at it.

use super::record::Record;
use crate::error::{Error, Result};
use crate::store::{FromRow, Row, params};
use crate::tenancy::TenantScope;
use crate::time;
use std::fmt::Write as _;

/// Changes that are told one by one, the latest ones.
const TOLD: usize = 10;
/// Characters of a field's value that are shown.
const SHOWN: usize = 200;

/// One change of a record.
#[derive(Debug)]
struct Change {
    version: i64,
    at: i64,
    fields: String,
    who: Option<String>,
}

impl FromRow for Change {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { version: row.int()?, at: row.int()?, fields: row.text()?, who: row.opt_text()? })
    }
}

/// The conflict between the version that somebody saw and the record as it is now.
pub(super) async fn explain<R: Record>(scope: &TenantScope, current: &R, seen: i64) -> Result<Error> {
    let sql = "SELECT c.version, c.at, c.fields, u.email FROM record_change c LEFT JOIN app_user u ON u.id = c.user_id
               WHERE c.tenant_id = $1 AND c.record_id = $2 AND c.version > $3 ORDER BY c.version";
    let head = current.head();
    let changes =
        if (1..head.version).contains(&seen) { scope.list(sql, params![head.id, seen]).await? } else { Vec::new() };
    Ok(Error::Conflict(text(current, seen, &changes)?))
}

fn text<R: Record>(current: &R, seen: i64, changes: &[Change]) -> Result<String> {
    let (kind, title) = (R::KIND.as_str(), current.title());
    let (id, version) = (current.head().id, current.head().version);
    let mut text = format!("The {kind} {title:?} ({id}) is at version {version}, not {seen}; nothing was written.");
    if !(1..version).contains(&seen) {
        let _ = write!(text, " There never was a version {seen} of it.");
    } else {
        text.push_str(" Changed since then:");
        let told = &changes[changes.len().saturating_sub(TOLD)..];
        let before = told.first().map_or(version, |first| first.version) - seen - 1;
        if before > 0 {
            let _ = write!(text, "\n- {before} earlier changes");
        }
        for Change { version, at, fields, who } in told {
            let who = who.as_deref().unwrap_or("somebody");
            let (fields, at) = (fields.replace(',', ", "), time::text(*at));
            let _ = write!(text, "\n- version {version}: {who} changed {fields} at {at}");
        }
        text.push_str("\nAs it is now:");
        for (name, value) in now(current, changes)? {
            let _ = write!(text, "\n- {name}: {value}");
        }
    }
    let _ = write!(text, "\nRead it again with crm_{kind}_get and, if the change still fits, give version {version}.");
    Ok(text)
}

/// The fields that were changed, each once, with their values as a result shows them.
fn now<R: Record>(current: &R, changes: &[Change]) -> Result<Vec<(&'static str, String)>> {
    let shown = serde_json::to_value(current).map_err(|e| Error::internal("writing a record", e))?;
    let changed = |name: &str| changes.iter().any(|change| change.fields.split(',').any(|field| field == name));
    let fields = current.fields().into_iter().map(|(name, _)| name).filter(|name| changed(name));
    Ok(fields
        .map(|name| {
            let value = shown.get(name).unwrap_or(&serde_json::Value::Null).to_string();
            let cut = value.char_indices().nth(SHOWN).map(|(at, _)| format!("{}…", &value[..at]));
            (name, cut.unwrap_or(value))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::contact::Contact;
    use crate::repository::record::Head;

    fn contact(version: i64) -> Contact {
        Contact {
            head: Head { version, ..Head::new() },
            name: "Ada".into(),
            email: None,
            phone: Some("1".repeat(300)),
            job_title: Some("Analyst".into()),
            company_id: None,
            company_name: None,
            notes: None,
        }
    }

    fn change(version: i64, fields: &str) -> Change {
        Change { version, at: 0, fields: fields.into(), who: Some("bob@example.com".into()) }
    }

    #[test]
    fn a_conflict_tells_who_changed_what_and_what_it_is_now() {
        let contact = contact(4);
        let id = contact.head.id;
        let told = text(&contact, 2, &[change(3, "job_title,email"), change(4, "job_title")]).expect("a text");
        let expected = format!(
            "The contact \"Ada\" ({id}) is at version 4, not 2; nothing was written. Changed since then:
- version 3: bob@example.com changed job_title, email at 1970-01-01T00:00:00.000Z
- version 4: bob@example.com changed job_title at 1970-01-01T00:00:00.000Z
As it is now:
- email: null
- job_title: \"Analyst\"
Read it again with crm_contact_get and, if the change still fits, give version 4."
        );
        assert_eq!(told, expected);
    }

    #[test]
    fn a_conflict_with_much_behind_it_stays_short() {
        let changes: Vec<_> = (13..=62).map(|version| change(version, "phone")).collect();
        let told = text(&contact(62), 3, &changes).expect("a text");
        assert!(told.contains("\n- 49 earlier changes\n- version 53: "), "{told}");
        assert!(told.contains(&format!("\n- phone: \"{}…\n", "1".repeat(199))), "{told}");
    }

    #[test]
    fn versions_that_never_were_are_told_so() {
        for seen in [-1, 0, 5] {
            let told = text(&contact(4), seen, &[]).expect("a text");
            assert!(told.contains(&format!("There never was a version {seen} of it.")), "{told}");
        }
    }
}
