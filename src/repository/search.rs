//! Full-text search over all records: what is found, in which order, and what is shown of it.
//!
//! The order comes from the found records alone. How rare a word is among all documents would weigh
//! in other tenants' data, too.

mod snippet;

use crate::error::Result;
use crate::store::{Document, RecordKind, words};
use crate::tenancy::TenantScope;
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Reverse;
use uuid::Uuid;

/// Documents that are ranked: the newest that hold the words in their title, and the newest of all.
const CANDIDATES: usize = 200;

/// A record that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Hit {
    pub(crate) kind: RecordKind,
    pub(crate) id: Uuid,
    pub(crate) title: String,
    /// Some of its other words, around the first that was looked for; may be empty.
    pub(crate) snippet: String,
    /// What resources/read takes.
    pub(crate) uri: String,
}

/// How well a title fits; the greater, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Whether it is just the words that are looked for.
    exact: bool,
    /// How many of them it holds.
    whole: usize,
    /// How many of them its words start with.
    started: usize,
}

/// The records that hold every word of the query or a longer word that starts with it, best first.
pub(crate) async fn find(scope: &TenantScope, query: &str, kinds: &[RecordKind], limit: usize) -> Result<Vec<Hit>> {
    let wanted: Vec<_> = words(query).collect();
    let found = ranked(scope.search(query, kinds, CANDIDATES).await?, &wanted);
    Ok(found.into_iter().take(limit).map(|document| hit(document, &wanted)).collect())
}

/// By rank; the documents come newest first, and equals stay so.
fn ranked(mut documents: Vec<Document>, wanted: &[String]) -> Vec<Document> {
    documents.sort_by_cached_key(|document| Reverse(rank(&document.title, wanted)));
    documents
}

/// Whatever is not in the title is in the body, else the document would not have been found.
fn rank(title: &str, wanted: &[String]) -> Rank {
    let title: Vec<_> = words(title).collect();
    let holding = |fits: fn(&str, &str) -> bool| {
        wanted.iter().filter(|wanted| title.iter().any(|word| fits(word, wanted))).count()
    };
    Rank {
        exact: title == wanted,
        whole: holding(|word, wanted| word == wanted),
        started: holding(|word, wanted| word.starts_with(wanted)),
    }
}

fn hit(Document { kind, id, title, body, .. }: Document, wanted: &[String]) -> Hit {
    Hit { kind, id, title, snippet: snippet::around(&body, wanted), uri: kind.uri(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(query: &str, titles: &[&str]) -> Vec<String> {
        let document = |title: &&str| Document {
            tenant: Uuid::nil(),
            kind: RecordKind::Contact,
            id: Uuid::nil(),
            title: (*title).to_owned(),
            body: String::new(),
        };
        let wanted: Vec<_> = words(query).collect();
        ranked(titles.iter().map(document).collect(), &wanted).into_iter().map(|document| document.title).collect()
    }

    #[test]
    fn titles_come_before_bodies_whole_words_before_beginnings_and_the_newest_first() {
        let newest_first = ["Call Bob", "Portman", "Port authority", "Acme", "PORT", "Old port", "Portugal"];
        let best_first = ["PORT", "Port authority", "Old port", "Portman", "Portugal", "Call Bob", "Acme"];
        assert_eq!(order("port", &newest_first), best_first);
        let newest_first = ["Ada", "Ada Love", "Lovelace", "Ada Lovelace", "Zoë Ada"];
        let best_first = ["Ada Love", "Ada Lovelace", "Ada", "Zoë Ada", "Lovelace"];
        assert_eq!(order("ada love", &newest_first), best_first);
    }

    #[test]
    fn case_and_diacritics_make_no_difference() {
        assert_eq!(order("zoe", &["Zo", "Zoë Ada", "ZOË", "Zoe\u{308}"]), ["ZOË", "Zoe\u{308}", "Zoë Ada", "Zo"]);
    }
}
