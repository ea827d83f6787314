//! The demo's data as records, around a day.

use super::activities::{ACTIVITIES, About, When};
use super::deals::DEALS;
use super::people::{COMPANIES, PEOPLE};
use crate::amount::Amount;
use crate::error::{Error, Result};
use crate::repository::activity::{Activity, ActivityKind};
use crate::repository::company::Company;
use crate::repository::contact::Contact;
use crate::repository::deal::{Deal, Stage};
use crate::repository::record::Head;
use crate::time::Time;
use jiff::ToSpan;
use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// All of it, in the order in which one refers to the other.
pub(super) struct Records {
    pub(super) companies: Vec<Company>,
    pub(super) contacts: Vec<Contact>,
    pub(super) deals: Vec<Deal>,
    pub(super) activities: Vec<Activity>,
}

impl Records {
    /// The same records for any `now`, but for their ids and times.
    pub(super) fn around(now: Time) -> Result<Self> {
        let today = now.date();
        let companies: Vec<_> = COMPANIES.iter().map(company).collect();
        let contacts = PEOPLE.iter().map(|one| contact(one, &companies)).collect::<Result<Vec<_>>>()?;
        let deals = DEALS.iter().map(|one| deal(one, today, &contacts)).collect::<Result<Vec<_>>>()?;
        let activities =
            ACTIVITIES.iter().map(|one| activity(one, now, &contacts, &deals)).collect::<Result<Vec<_>>>()?;
        Ok(Self { companies, contacts, deals, activities })
    }
}

fn company(one: &super::people::Company) -> Company {
    Company {
        head: Head::new(),
        name: one.name.into(),
        domain: filled(one.domain),
        industry: filled(one.industry),
        phone: filled(one.phone),
        website: Some(format!("https://{}", one.domain)),
        address: filled(one.address),
        notes: filled(one.notes),
    }
}

fn contact(one: &super::people::Person, companies: &[Company]) -> Result<Contact> {
    let company = named(companies, one.company, |company| &company.name)?;
    Ok(Contact {
        head: Head::new(),
        name: one.name.into(),
        email: company.domain.as_ref().map(|domain| format!("{}@{domain}", mailbox(one.name))),
        phone: filled(one.phone),
        job_title: filled(one.job_title),
        company_id: Some(company.head.id),
        company_name: None,
        notes: filled(one.notes),
    })
}

fn deal(one: &super::deals::Deal, today: Date, contacts: &[Contact]) -> Result<Deal> {
    let contact = named(contacts, one.contact, |contact| &contact.name)?;
    Ok(Deal {
        head: Head::new(),
        name: one.name.into(),
        stage: Stage::stored(one.stage)?,
        amount: Some(Amount::parse(one.amount).map_err(|rule| Error::internal(one.name, rule))?),
        currency: filled(one.currency),
        close_date: Some(day(today, one.closes).to_string()),
        company_id: contact.company_id,
        contact_id: Some(contact.head.id),
        notes: filled(one.notes),
    })
}

fn activity(one: &super::activities::Activity, now: Time, contacts: &[Contact], deals: &[Deal]) -> Result<Activity> {
    let (at, due_date, done) = match one.when {
        When::At(days, hour) => (at(day(now.date(), days), hour), None, None),
        // Written down a few days before it is due, and not in the future.
        When::Due(days, done) => {
            let noted = at(day(now.date(), days - 5), 9).min(now);
            (noted, Some(day(now.date(), days).to_string()), Some(done))
        }
    };
    let (contact_id, company_id, deal_id) = whom(&one.about, contacts, deals)?;
    Ok(Activity {
        head: Head::new(),
        kind: ActivityKind::stored(one.kind)?,
        subject: one.subject.into(),
        body: filled(one.body),
        at,
        due_date,
        done,
        contact_id,
        company_id,
        deal_id,
    })
}

/// The contact, company and deal that an activity is about.
fn whom(about: &About, contacts: &[Contact], deals: &[Deal]) -> Result<(Option<Uuid>, Option<Uuid>, Option<Uuid>)> {
    let deal = |name| named(deals, name, |deal| &deal.name);
    let person = |name| named(contacts, name, |contact| &contact.name);
    Ok(match about {
        About::Deal(name) => {
            let deal = deal(name)?;
            (deal.contact_id, deal.company_id, Some(deal.head.id))
        }
        About::DealWith(name, with) => {
            let (deal, contact) = (deal(name)?, person(with)?);
            (Some(contact.head.id), contact.company_id, Some(deal.head.id))
        }
        About::Person(name) => {
            let contact = person(name)?;
            (Some(contact.head.id), contact.company_id, None)
        }
    })
}

fn named<'r, R>(records: &'r [R], name: &str, of: impl Fn(&R) -> &String) -> Result<&'r R> {
    let found = records.iter().find(|record| of(record) == name);
    found.ok_or_else(|| Error::Internal(format!("the demo refers to {name:?}, which is not in it")))
}

/// `ruth.abernathy` for Dr. Ruth Abernathy, in letters that every mail server takes.
fn mailbox(name: &str) -> String {
    let words: Vec<_> = name.split(' ').filter(|word| !word.ends_with('.')).collect();
    words.join(".").nfd().filter(|c| c.is_ascii()).collect::<String>().to_lowercase()
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn day(today: Date, days: i32) -> Date {
    today.saturating_add(days.days())
}

fn at(day: Date, hour: i64) -> Time {
    Time::stored(Time::start_of(day).milliseconds() + hour * 3_600_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn it_refers_to_nothing_outside_and_shows_every_stage_and_kind() {
        let Ok(demo) = Records::around(Time::stored(1_790_000_000_000)) else { panic!("a name or a number is wrong") };
        let counts = [demo.companies.len(), demo.contacts.len(), demo.deals.len(), demo.activities.len()];
        assert_eq!(counts, [8, 25, 14, 50]);
        let stages: HashSet<_> = demo.deals.iter().map(|deal| deal.stage.as_str()).collect();
        assert_eq!(stages.len(), Stage::ALL.len());
        let kinds: HashSet<_> = demo.activities.iter().map(|activity| activity.kind.as_str()).collect();
        assert_eq!(kinds.len(), ActivityKind::ALL.len());
        let mailboxes: HashSet<_> = demo.contacts.iter().filter_map(|contact| contact.email.clone()).collect();
        assert_eq!(mailboxes.len(), 25);
        assert!(mailboxes.contains("petra.nystrom@astrup-hotels.example"));
        assert!(mailboxes.contains("ruth.abernathy@tidewater-museum.example"));
    }
}
