//! Completion: what the value of an argument could become, while it is typed.

use super::lists::{self, Members};
use super::prompts::Prompt;
use super::resources::failed;
use crate::error::Result;
use crate::repository::completion::{self, Fitting};
use crate::store::RecordKind;
use crate::tenancy::TenantScope;
use crate::time::Time;
use crate::wire::WireError;
use jiff::ToSpan;
use serde::Deserialize;
use serde_json::json;

/// Values that are given at the most, in both eras.
const MOST: i64 = 100;
/// Days that are proposed as a date.
const DAYS: i32 = 7;

/// Where the argument belongs.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Reference {
    #[serde(rename = "ref/prompt")]
    Prompt { name: String },
    #[serde(rename = "ref/resource")]
    Resource { uri: String },
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    value: String,
}

/// What an argument holds.
enum Holds {
    Date,
    ContactName,
    IdOf(RecordKind),
}

/// `completion/complete`.
pub(super) async fn complete(
    scope: Option<TenantScope>,
    reference: String,
    argument: String,
) -> Result<Members, WireError> {
    let reference: Reference = serde_json::from_str(&reference).map_err(|_| {
        WireError::invalid_params(
            r#"Invalid params: ref must be {"type":"ref/prompt","name":…} or {"type":"ref/resource","uri":…}"#,
        )
    })?;
    let Argument { name, value } = serde_json::from_str(&argument).map_err(|_| {
        WireError::invalid_params(r#"Invalid params: argument must be {"name":…,"value":…}, two strings"#)
    })?;
    let holds = holds(&reference, &name)?;
    let fitting = match scope {
        // Before a sign-in there is nothing to tell.
        None => Fitting::default(),
        Some(scope) => fitting(&scope, holds, value.trim()).await.map_err(|error| failed(&error))?,
    };
    let Fitting { texts, total } = fitting;
    let has_more = usize::try_from(total).is_ok_and(|total| total > texts.len());
    let completion = json!({ "values": texts, "total": total, "hasMore": has_more });
    Ok(Members::Plain(format!(r#""completion":{completion}"#)))
}

/// What the argument holds, if there is such a thing with such an argument.
fn holds(reference: &Reference, argument: &str) -> Result<Holds, WireError> {
    let (of, known, holds) = match reference {
        Reference::Prompt { name } => {
            let prompt = Prompt::named(name)?;
            let holds = match prompt {
                Prompt::DailyBrief => Holds::Date,
                Prompt::MeetingPrep => Holds::ContactName,
            };
            (name, prompt.argument(), holds)
        }
        Reference::Resource { uri } => {
            let kind = RecordKind::ALL.into_iter().find(|kind| lists::template(*kind) == *uri);
            let kind = kind.ok_or_else(|| {
                WireError::invalid_params(format!(
                    "Unknown resource template: {uri}. resources/templates/list names those there are."
                ))
            })?;
            (uri, "id", Holds::IdOf(kind))
        }
    };
    if argument == known {
        return Ok(holds);
    }
    Err(WireError::invalid_params(format!("Unknown argument: {argument}. {of} has the argument {known}.")))
}

async fn fitting(scope: &TenantScope, holds: Holds, start: &str) -> Result<Fitting> {
    match holds {
        Holds::Date => Ok(dates(Time::now(), start)),
        Holds::ContactName => completion::contact_names(scope, start, MOST).await,
        Holds::IdOf(kind) => completion::ids(scope, kind, start, MOST).await,
    }
}

/// Today and the days that follow, as far as they, or what people call them, start with the text.
fn dates(now: Time, start: &str) -> Fitting {
    let (today, start) = (now.date(), start.to_lowercase());
    let fits = |days: i32| {
        let day = today.saturating_add(days.days());
        let date = day.to_string();
        let weekday = day.strftime("%A").to_string().to_lowercase();
        let called = ["today", "tomorrow"].get(usize::try_from(days).ok()?).copied();
        let fits = [date.as_str(), &weekday].into_iter().chain(called).any(|name| name.starts_with(&start));
        fits.then_some(date)
    };
    let texts: Vec<_> = (0..DAYS).filter_map(fits).collect();
    Fitting { total: i64::try_from(texts.len()).unwrap_or(i64::MAX), texts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_found_by_its_digits_and_by_what_people_call_it() {
        // A Monday.
        let now = Time::stored(1_795_392_000_000);
        for (start, expected) in [
            ("tod", vec!["2026-11-23"]),
            ("Tom", vec!["2026-11-24"]),
            ("fri", vec!["2026-11-27"]),
            (
                "2026-11-2",
                vec!["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"],
            ),
            ("t", vec!["2026-11-23", "2026-11-24", "2026-11-26"]),
            ("2027", vec![]),
        ] {
            assert_eq!(dates(now, start).texts, expected, "{start}");
        }
    }
}
