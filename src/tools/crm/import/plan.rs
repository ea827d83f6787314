//! What an import makes of each contact, given what is there already. It reads and writes nothing.

use super::ContactRow;
use crate::repository::change::changed_fields;
use crate::repository::company::Company;
use crate::repository::contact::Contact;
use crate::repository::import::{Import, NamedCompany};
use crate::repository::record::Head;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// What to do with a contact whose email address is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Duplicates {
    #[default]
    Skip,
    Merge,
}

/// A contact of the file and the line on which it stands.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) contact: ContactRow,
}

/// What becomes of a contact of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Created,
    Merged,
    Skipped,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Line {
    /// Where the contact starts in the file; its first line is 1.
    pub(super) line: u64,
    pub(super) outcome: Outcome,
    /// The contact that it became, or that was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contact_id: Option<Uuid>,
    /// Why it was skipped, or what was filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// Whether the contact is one that the import makes.
    #[serde(skip)]
    pub(super) new: bool,
}

/// What was looked up, and what is to be written.
#[derive(Debug, Default)]
pub(super) struct Plan {
    duplicates: Duplicates,
    people: Vec<Person>,
    /// Places in `people`, by email address.
    by_email: HashMap<String, usize>,
    /// By name, and whether they were there before.
    by_name: HashMap<String, (Uuid, bool)>,
    companies: Vec<Company>,
    linked: BTreeSet<Uuid>,
}

#[derive(Debug)]
struct Person {
    origin: Origin,
    contact: Contact,
}

#[derive(Debug)]
enum Origin {
    /// The line of the file.
    File(u64),
    /// The contact as it was.
    Known(Contact),
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Merged => "merged",
            Self::Skipped => "skipped",
        }
    }
}

impl Plan {
    pub(super) fn new(duplicates: Duplicates) -> Self {
        Self { duplicates, ..Self::default() }
    }

    /// Notes contacts that were there before.
    pub(super) fn know_contacts(&mut self, contacts: Vec<Contact>) {
        for contact in contacts {
            let Some(email) = &contact.email else { continue };
            let place = self.people.len();
            if *self.by_email.entry(email.to_lowercase()).or_insert(place) == place {
                self.people.push(Person { origin: Origin::Known(contact.clone()), contact });
            }
        }
    }

    /// Notes companies that were there before.
    pub(super) fn know_companies(&mut self, companies: Vec<NamedCompany>) {
        for NamedCompany { id, name_key } in companies {
            self.by_name.entry(name_key).or_insert((id, true));
        }
    }

    /// Decides what becomes of a contact.
    pub(super) fn take(&mut self, Row { line, contact }: &Row) -> Line {
        let email_key = contact.email.as_ref().map(|email| email.to_lowercase());
        let known = email_key.as_ref().and_then(|key| self.by_email.get(key).copied());
        let Some(place) = known else { return self.create(*line, contact, email_key) };
        let whose = match &self.people[place].origin {
            Origin::File(line) => format!("line {line} has the same email address"),
            Origin::Known(_) => "a contact with this email address is there already".into(),
        };
        let (outcome, message) = match self.duplicates {
            Duplicates::Skip => (Outcome::Skipped, whose),
            Duplicates::Merge => match self.fill(place, contact) {
                filled if filled.is_empty() => (Outcome::Skipped, format!("{whose}, with nothing to fill in")),
                filled => (Outcome::Merged, format!("{whose}; filled in: {}", filled.join(", "))),
            },
        };
        let Person { origin, contact } = &self.people[place];
        let new = matches!(origin, Origin::File(_));
        Line { line: *line, outcome, contact_id: Some(contact.head.id), message: Some(message), new }
    }

    /// What is to be written.
    pub(super) fn finish(self) -> Import {
        let mut import = Import { companies: self.companies, linked: self.linked, ..Import::default() };
        for Person { origin, contact } in self.people {
            match origin {
                Origin::File(_) => import.contacts.push(contact),
                Origin::Known(old) if !changed_fields(&old, &contact).is_empty() => import.changed.push((old, contact)),
                Origin::Known(_) => {}
            }
        }
        import
    }

    fn create(&mut self, line: u64, row: &ContactRow, email_key: Option<String>) -> Line {
        let contact = Contact {
            head: Head::new(),
            name: row.name.clone(),
            email: row.email.clone(),
            phone: row.phone.clone(),
            job_title: row.job_title.clone(),
            company_id: row.company_name.as_ref().map(|name| self.company(name)),
            company_name: None,
            notes: row.notes.clone(),
        };
        let id = contact.head.id;
        if let Some(key) = email_key {
            self.by_email.insert(key, self.people.len());
        }
        self.people.push(Person { origin: Origin::File(line), contact });
        Line { line, outcome: Outcome::Created, contact_id: Some(id), message: None, new: true }
    }

    /// Fills in what is empty in a contact, and names it.
    fn fill(&mut self, place: usize, row: &ContactRow) -> Vec<&'static str> {
        let mut filled = Vec::new();
        let contact = &mut self.people[place].contact;
        let texts = [
            ("phone", &mut contact.phone, &row.phone),
            ("job_title", &mut contact.job_title, &row.job_title),
            ("notes", &mut contact.notes, &row.notes),
        ];
        for (name, field, given) in texts {
            if field.is_none() && given.is_some() {
                field.clone_from(given);
                filled.push(name);
            }
        }
        if let (None, Some(name)) = (contact.company_id, &row.company_name) {
            self.people[place].contact.company_id = Some(self.company(name));
            filled.push("company");
        }
        filled
    }

    /// The company with a name, which is made if there is none.
    fn company(&mut self, name: &str) -> Uuid {
        if let Some((id, before)) = self.by_name.get(&name.to_lowercase()) {
            if *before {
                self.linked.insert(*id);
            }
            return *id;
        }
        let company = Company {
            head: Head::new(),
            name: name.to_owned(),
            domain: None,
            industry: None,
            phone: None,
            website: None,
            address: None,
            notes: None,
        };
        let id = company.head.id;
        self.by_name.insert(name.to_lowercase(), (id, false));
        self.companies.push(company);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of name, email, phone, job title, company and notes; an empty text is none.
    fn row(line: u64, [name, email, phone, job_title, company, notes]: [&str; 6]) -> Row {
        let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let contact = ContactRow {
            name: name.into(),
            email: optional(email),
            phone: optional(phone),
            job_title: optional(job_title),
            company_name: optional(company),
            notes: optional(notes),
        };
        Row { line, contact }
    }

    fn known(email: &str, phone: &str) -> Contact {
        let Row { contact, .. } = row(0, ["Known", email, phone, "", "", ""]);
        Contact {
            head: Head::new(),
            name: contact.name,
            email: contact.email,
            phone: contact.phone,
            job_title: None,
            company_id: None,
            company_name: None,
            notes: None,
        }
    }

    fn outcomes(plan: &mut Plan, rows: &[[&str; 6]]) -> Vec<(Outcome, String)> {
        let rows = rows.iter().zip(2..).map(|(cells, line)| row(line, *cells));
        rows.map(|row| plan.take(&row)).map(|line| (line.outcome, line.message.unwrap_or_default())).collect()
    }

    const FILE: [[&str; 6]; 5] = [
        ["Ada", "ADA@engine.example", "1", "Countess", "Engines", "met twice"],
        ["Bob", "bob@mill.example", "", "", "The Mill", ""],
        ["Bob", "Bob@Mill.example", "2", "Miller", "THE MILL", ""],
        ["Cyd", "", "", "", "engines", ""],
        ["Cyd", "", "", "", "", ""],
    ];

    fn plan(duplicates: Duplicates, phone: &str) -> Plan {
        let mut plan = Plan::new(duplicates);
        plan.know_contacts(vec![known("Ada@Engine.example", phone)]);
        plan.know_companies(vec![NamedCompany { id: Uuid::nil(), name_key: "engines".into() }]);
        plan
    }

    #[test]
    fn what_is_there_already_is_skipped_and_stays_as_it_is() {
        let mut plan = plan(Duplicates::Skip, "");
        let expected = [
            (Outcome::Skipped, "a contact with this email address is there already"),
            (Outcome::Created, ""),
            (Outcome::Skipped, "line 3 has the same email address"),
            (Outcome::Created, ""),
            (Outcome::Created, ""),
        ];
        assert_eq!(outcomes(&mut plan, &FILE), expected.map(|(outcome, message)| (outcome, message.to_owned())));
        let import = plan.finish();
        assert_eq!((import.contacts.len(), import.changed.len()), (3, 0));
        assert_eq!(import.contacts[0].phone, None);
        let made: Vec<_> = import.companies.iter().map(|company| &*company.name).collect();
        assert_eq!(made, ["The Mill"]);
        assert_eq!(import.contacts[1].company_id, Some(Uuid::nil()));
        assert_eq!(import.linked, BTreeSet::from([Uuid::nil()]));
    }

    #[test]
    fn merging_fills_in_what_is_empty_and_nothing_else() {
        let mut plan = plan(Duplicates::Merge, "0");
        let expected = [
            (
                Outcome::Merged,
                "a contact with this email address is there already; filled in: job_title, notes, company",
            ),
            (Outcome::Created, ""),
            (Outcome::Merged, "line 3 has the same email address; filled in: phone, job_title"),
            (Outcome::Created, ""),
            (Outcome::Created, ""),
        ];
        assert_eq!(outcomes(&mut plan, &FILE), expected.map(|(outcome, message)| (outcome, message.to_owned())));
        let again = plan.take(&row(7, FILE[0]));
        assert_eq!(again.outcome, Outcome::Skipped);
        let import = plan.finish();
        assert_eq!((import.contacts.len(), import.changed.len(), import.companies.len()), (3, 1, 1));
        assert_eq!(import.contacts[0].job_title.as_deref(), Some("Miller"));
        let (_, ada) = &import.changed[0];
        assert_eq!((&*ada.name, ada.email.as_deref()), ("Known", Some("Ada@Engine.example")));
        assert_eq!((ada.phone.as_deref(), ada.notes.as_deref()), (Some("0"), Some("met twice")));
        assert_eq!(ada.company_id, Some(Uuid::nil()));
    }

    #[test]
    fn what_is_looked_up_again_does_not_undo_what_was_planned() {
        let mut plan = plan(Duplicates::Merge, "");
        plan.take(&row(2, FILE[0]));
        plan.know_contacts(vec![known("ada@engine.example", "other")]);
        assert_eq!(plan.take(&row(3, FILE[0])).outcome, Outcome::Skipped);
        assert_eq!(plan.finish().changed.len(), 1);
    }
}
