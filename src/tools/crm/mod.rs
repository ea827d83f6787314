//! The CRM.

use super::Tool;

/// The family's tools.
pub(super) fn tools() -> Vec<Tool> {
    Vec::new()
}
