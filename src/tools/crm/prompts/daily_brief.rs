//! `daily_brief`: the day at a glance.

use super::lines::{DATA, ONE_MORE, activity, deal, section, stage};
use super::{Words, wrong};
use crate::error::Result;
use crate::repository::{agenda, pipeline};
use crate::tenancy::TenantScope;
use crate::time::Time;
use jiff::ToSpan;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const WORDS: Words = Words {
    name: "daily_brief",
    title: "Daily brief",
    description: "Briefs on a day: overdue and due tasks, meetings and calls, deals that close within a week, and the pipeline.",
    argument: "date",
    argument_title: "Date",
    argument_description: "The day to brief on, as YYYY-MM-DD; today (UTC) unless given.",
    required: false,
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    #[serde(default)]
    date: Option<String>,
}

pub(super) async fn text(scope: &TenantScope, Arguments { date }: Arguments) -> Result<String> {
    let day = match date.as_deref().map(str::trim) {
        // Clients that ask for each argument send an empty one for what was left out.
        None | Some("") => Time::now().date(),
        Some(text) => parse(text).ok_or_else(|| wrong(&WORDS, "must be a date as YYYY-MM-DD."))?,
    };
    let (from, until) = (Time::start_of(day), Time::start_of(day.saturating_add(1.day())));
    let (date, in_a_week) = (day.to_string(), day.saturating_add(7.days()).to_string());
    let overdue = agenda::overdue(scope, &date, ONE_MORE).await?;
    let due = agenda::due(scope, &date, ONE_MORE).await?;
    let appointments = agenda::appointments(scope, from, until, ONE_MORE).await?;
    let closing = agenda::closing(scope, &in_a_week, ONE_MORE).await?;
    let stages = pipeline::read(scope).await?.stages;
    let principal = scope.principal();
    let mut text = format!(
        "Brief me on {}, {date}. I am {} at {}. Begin with what can't wait and why; go through the day in its order; \
         name the deals that are to be decided within a week, with what they are worth and what would help; \
         end with the pipeline in a sentence. Be short, and call people and companies by name. {DATA} Times are UTC.",
        day.strftime("%A"),
        principal.email(),
        principal.tenant_name(),
    );
    text.push_str(&section("Overdue tasks", &overdue, activity));
    text.push_str(&section("Tasks due on the day", &due, activity));
    text.push_str(&section("Meetings and calls of the day", &appointments, activity));
    text.push_str(&section("Open deals to be decided within a week, or late", &closing, deal));
    text.push_str(&section("Pipeline", &stages, stage));
    Ok(text)
}

fn parse(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == "YYYY-MM-DD".len())
}
