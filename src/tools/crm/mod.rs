//! The CRM.

mod activity;
mod company;
mod contact;
mod deal;
mod record;
mod sort;

use super::Tool;

/// The family's tools.
pub(super) fn tools() -> Vec<Tool> {
    [company::tools(), contact::tools(), deal::tools(), activity::tools()].into_iter().flatten().collect()
}
