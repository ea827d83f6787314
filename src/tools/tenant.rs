//! The `tenant` family: members, invitations, sessions and the audit log of the tenant.

use super::Tool;

/// The family's tools.
pub(super) fn tools() -> Vec<Tool> {
    Vec::new()
}
