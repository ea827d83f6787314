//! What one tenant has, as far as that tenant knows: a model in plain maps.

use super::operation::{Kind, STAGES};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A record's members as a tool shows them, but for what follows from other records.
type Record = Map<String, Value>;

/// A tenant's records by kind and id.
#[derive(Debug, Default)]
pub(super) struct Model {
    records: BTreeMap<(Kind, String), Record>,
    gone: Vec<(Kind, String)>,
}

/// What an update comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    NotFound,
    Conflict,
}

impl Model {
    pub(super) fn ids(&self, kind: Kind) -> Vec<&str> {
        self.records.keys().filter(|(of, _)| *of == kind).map(|(_, id)| id.as_str()).collect()
    }

    pub(super) fn gone(&self, kind: Kind) -> Vec<&str> {
        self.gone.iter().filter(|(of, _)| *of == kind).map(|(_, id)| id.as_str()).collect()
    }

    pub(super) fn has(&self, kind: Kind, id: &str) -> bool {
        self.records.contains_key(&(kind, id.to_owned()))
    }

    pub(super) fn version(&self, kind: Kind, id: &str) -> i64 {
        self.records.get(&(kind, id.to_owned())).and_then(|record| record["version"].as_i64()).unwrap_or(1)
    }

    /// Whether all that the arguments refer to is there.
    pub(super) fn links_hold(&self, kind: Kind, arguments: &Value) -> bool {
        let mut links = kind.links().iter().filter_map(|(field, of)| Some((of, arguments.get(field)?.as_str()?)));
        links.all(|(of, id)| self.has(*of, id))
    }

    /// Takes in a record that was made with these arguments, and came to have this id and time.
    pub(super) fn create(&mut self, kind: Kind, arguments: &Value, id: &str, created_at: &Value) {
        let mut record = arguments.as_object().expect("arguments are an object").clone();
        record.insert("id".into(), json!(id));
        record.insert("version".into(), json!(1));
        record.insert("created_at".into(), created_at.clone());
        if kind == Kind::Activity {
            record.insert("at".into(), created_at.clone());
        }
        self.records.insert((kind, id.to_owned()), record);
    }

    pub(super) fn update(&mut self, kind: Kind, arguments: &Value) -> Outcome {
        let id = arguments["id"].as_str().expect("an update names a record").to_owned();
        let links_hold = self.links_hold(kind, arguments);
        let Some(record) = self.records.get_mut(&(kind, id)) else { return Outcome::NotFound };
        if record["version"] != arguments["version"] {
            return Outcome::Conflict;
        }
        if !links_hold {
            return Outcome::NotFound;
        }
        let before = record.clone();
        for (field, value) in arguments.as_object().into_iter().flatten() {
            match value {
                Value::Null => drop(record.remove(field)),
                value => drop(record.insert(field.clone(), value.clone())),
            }
        }
        if *record != before {
            bump(record);
        }
        Outcome::Done
    }

    /// Deletes a record, and says how many others referred to it.
    pub(super) fn delete(&mut self, kind: Kind, id: &str) -> usize {
        self.records.remove(&(kind, id.to_owned()));
        self.gone.push((kind, id.to_owned()));
        let mut unlinked = 0;
        for ((other, _), record) in &mut self.records {
            for (field, of) in other.links() {
                if *of == kind && record.get(*field) == Some(&json!(id)) {
                    record.remove(*field);
                    bump(record);
                    unlinked += 1;
                }
            }
        }
        unlinked
    }

    /// A record as tools show it, without the time of its last change.
    pub(super) fn shown(&self, kind: Kind, id: &str) -> Option<Value> {
        let mut record = self.records.get(&(kind, id.to_owned()))?.clone();
        if kind == Kind::Contact
            && let Some(company) = record.get("company_id").and_then(Value::as_str)
        {
            let company = self.records.get(&(Kind::Company, company.to_owned())).expect("what is referred to is there");
            record.insert("company_name".into(), company["name"].clone());
        }
        Some(Value::Object(record))
    }

    /// The ids of a list: of those that refer to something, or of all.
    pub(super) fn list(&self, kind: Kind, link: Option<(&str, &str)>, descending: bool) -> Vec<&str> {
        let mut found: Vec<_> = self.records.iter().filter(|((of, _), _)| *of == kind).collect();
        found.retain(|(_, record)| link.is_none_or(|(field, id)| record.get(field) == Some(&json!(id))));
        found.sort_by_key(|((_, id), record)| {
            // Activities by time, all else by name.
            let by = if kind == Kind::Activity { &record["created_at"] } else { &record["name"] };
            (by.as_str().unwrap_or_default().to_lowercase(), id.clone())
        });
        if descending {
            found.reverse();
        }
        found.into_iter().map(|((_, id), _)| id.as_str()).collect()
    }

    /// The ids of a timeline, the latest first.
    pub(super) fn timeline(&self, kind: Kind, id: &str) -> Vec<&str> {
        let of_company = |record: &Record, field: &str, of: Kind| {
            let linked = record.get(field).and_then(Value::as_str);
            let linked = linked.and_then(|linked| self.records.get(&(of, linked.to_owned())));
            linked.is_some_and(|linked| linked.get("company_id") == Some(&json!(id)))
        };
        let concerns = |record: &Record| {
            record.get(&format!("{}_id", kind.name())) == Some(&json!(id))
                || kind == Kind::Company
                    && (of_company(record, "contact_id", Kind::Contact) || of_company(record, "deal_id", Kind::Deal))
        };
        let activities = self.records.iter().filter(|((of, _), record)| *of == Kind::Activity && concerns(record));
        let mut found: Vec<_> = activities.map(|((_, id), record)| (record["at"].to_string(), id.as_str())).collect();
        found.sort_by_key(|found| Reverse(found.clone()));
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Kinds, ids and titles of the records that have a word in their title which starts with this one.
    pub(super) fn search(&self, word: &str) -> Vec<(Kind, &str, &str)> {
        let word = word.to_lowercase();
        let title = |kind: Kind, record: &'_ Record| record[kind.title()].as_str().expect("it is text").to_lowercase();
        let fits = |kind, record| title(kind, record).split(' ').any(|one| one.starts_with(&word));
        let found = self.records.iter().filter(|((kind, _), record)| fits(*kind, record));
        found
            .map(|((kind, id), record)| (*kind, id.as_str(), record[kind.title()].as_str().unwrap_or_default()))
            .collect()
    }

    pub(super) fn pipeline(&self) -> Value {
        let add_up = |stages: &[&str]| {
            let deals = self.records.iter().filter(|((kind, _), _)| *kind == Kind::Deal).map(|(_, record)| record);
            let deals: Vec<_> = deals.filter(|deal| stages.iter().any(|stage| deal["stage"] == *stage)).collect();
            let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
            for deal in &deals {
                let amount = deal.get("amount").and_then(Value::as_str).and_then(|amount| amount.strip_suffix(".00"));
                if let (Some(amount), Some(currency)) = (amount, deal.get("currency").and_then(Value::as_str)) {
                    *sums.entry(currency).or_default() += amount.parse::<u64>().expect("it is a number");
                }
            }
            let total = |(currency, sum): (&str, u64)| json!({ "currency": currency, "amount": format!("{sum}.00") });
            json!({ "count": deals.len(), "totals": sums.into_iter().map(total).collect::<Vec<_>>() })
        };
        let at = |stage: &str| {
            let mut totals = add_up(&[stage]);
            totals["stage"] = json!(stage);
            totals
        };
        json!({ "stages": STAGES.map(at), "open": add_up(&STAGES[..4]) })
    }
}

fn bump(record: &mut Record) {
    let version = record["version"].as_i64().expect("a version is a number");
    record.insert("version".into(), json!(version + 1));
}
