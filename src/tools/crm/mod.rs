//! The CRM.

mod activity;
mod company;
mod contact;
mod contact_csv;
mod deal;
mod export;
mod import;
mod pipeline;
mod record;
mod search;
mod sort;
mod timeline;

use super::Tool;

/// The family's tools.
pub(super) fn tools() -> Vec<Tool> {
    let records = [company::tools(), contact::tools(), deal::tools(), activity::tools()];
    let across = [search::tool(), pipeline::tool(), timeline::tool(), import::tool(), export::tool()];
    records.into_iter().flatten().chain(across).collect()
}
