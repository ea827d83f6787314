//! `crm_search`: full-text search over all kinds of record.

use super::super::input::{Limit, Text};
use super::super::{Caller, Effect, Reply, Tool};
use crate::error::{Error, Result};
use crate::repository::search::{self, Hit};
use crate::store::{RecordKind, words};
use crate::tenancy::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

pub(super) fn tool() -> Tool {
    Tool::new("crm_search", Role::Viewer, Effect::Reads, find).described(
        "Search the CRM",
        "Finds companies, contacts, deals and activities that hold all the given words, or longer words that start with them, in any field and in whatever case. Titles count most.",
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// The words to look for.
    query: Text<200>,
    /// Only records of these kinds; all unless told.
    #[serde(default)]
    kinds: Vec<RecordKind>,
    /// How many records to give, best first.
    #[serde(default)]
    limit: Limit,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Hits {
    hits: Vec<Hit>,
}

async fn find(caller: Caller, Search { query, mut kinds, limit }: Search) -> Result<Reply<Hits>> {
    if words(&query).next().is_none() {
        return Err(Error::InvalidArguments(
            "query: must hold a word to look for; signs alone are not looked for.".into(),
        ));
    }
    kinds.sort_unstable();
    kinds.dedup();
    let hits = search::find(&caller, &query, &kinds, limit.get()).await?;
    let text = describe(&query, &hits);
    Ok(Reply::new(Hits { hits }, text))
}

fn describe(query: &str, hits: &[Hit]) -> String {
    let mut text = match hits.len() {
        0 => format!("Nothing holds all the words of {query:?}; try fewer words, or only how they start."),
        1 => format!("1 record for {query:?}:"),
        n => format!("{n} records for {query:?}, best first:"),
    };
    for Hit { kind, id, title, snippet, .. } in hits {
        let _ = write!(text, "\n- {title} ({} {id})", kind.as_str());
        if !snippet.is_empty() {
            let _ = write!(text, ": {snippet}");
        }
    }
    text
}
