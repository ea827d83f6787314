//! The CRM.

mod contact;
mod record;
mod sort;

use super::Tool;

/// The family's tools.
pub(super) fn tools() -> Vec<Tool> {
    [contact::tools()].into_iter().flatten().collect()
}
