//! The CRM: tools, records as resources, prompts, and the completion of their arguments.

mod activity;
mod company;
mod completion;
mod contact;
mod contact_csv;
mod deal;
mod export;
mod import;
mod pipeline;
mod prompts;
mod record;
mod resources;
mod search;
mod sort;
mod timeline;

use super::Tool;

/// The CRM as a provider of resources, prompts and completions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Crm;

/// The family's tools.
pub(super) fn tools() -> Vec<Tool> {
    let records = [company::tools(), contact::tools(), deal::tools(), activity::tools()];
    let across = [search::tool(), pipeline::tool(), timeline::tool(), import::tool(), export::tool()];
    records.into_iter().flatten().chain(across).collect()
}
