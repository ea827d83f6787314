//! Completion: what the value of an argument could become, while it is typed.

use super::Crm;
use super::prompts::Prompt;
use super::resources::template;
use crate::error::{Error, Result};
use crate::repository::completion::{self, Fitting};
use crate::store::RecordKind;
use crate::tenancy::TenantScope;
use crate::time::Time;
use crate::tools::{Completing, Completions, Context, Members, Reference};
use futures_util::future::BoxFuture;
use jiff::ToSpan;

/// Values that are given at the most, in both eras.
const MOST: i64 = 100;
/// Days that are proposed as a date.
const DAYS: i32 = 7;

/// What an argument holds.
enum Holds {
    Date,
    ContactName,
    IdOf(RecordKind),
}

impl Completions for Crm {
    fn complete<'a>(&'a self, context: &'a Context, wanted: &'a Completing) -> BoxFuture<'a, Result<Option<Members>>> {
        Box::pin(async move {
            let Some(holds) = holds(wanted)? else { return Ok(None) };
            let fitting = match context.scope() {
                // Before a sign-in there is nothing to tell.
                Err(_) => Fitting::default(),
                Ok(scope) => fitting(scope, holds, wanted.value.trim()).await?,
            };
            let total = usize::try_from(fitting.total).unwrap_or_default();
            Ok(Some(Members::completion(&fitting.texts, total)))
        })
    }
}

/// What the argument holds, if there is such a thing with such an argument.
fn holds(wanted: &Completing) -> Result<Option<Holds>> {
    let (of, known, holds) = match &wanted.reference {
        Reference::Prompt { name } => {
            let Some(prompt) = Prompt::named(name) else { return Ok(None) };
            let holds = match prompt {
                Prompt::DailyBrief => Holds::Date,
                Prompt::MeetingPrep => Holds::ContactName,
            };
            (name, prompt.argument(), holds)
        }
        Reference::Resource { uri } => {
            let Some(kind) = RecordKind::ALL.into_iter().find(|kind| template(*kind) == *uri) else { return Ok(None) };
            (uri, "id", Holds::IdOf(kind))
        }
    };
    let argument = &wanted.argument;
    if argument == known {
        return Ok(Some(holds));
    }
    Err(Error::InvalidArguments(format!("Unknown argument: {argument}. {of} has the argument {known}.")))
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
