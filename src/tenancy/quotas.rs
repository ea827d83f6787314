//! How much a tenant may have.

use crate::error::Error;
use crate::store::{Value, Write, params};

/// What bounds a tenant's size.
#[derive(Debug, Clone, Copy)]
pub struct Quotas {
    /// Members of one tenant.
    pub max_members: i64,
    /// Business records of one tenant.
    pub max_records: i64,
}

/// The tag of a write's step that found no room for records.
pub(super) const RECORDS: &str = "record quota";
/// The tag of a write's step that found no room for a member.
pub(super) const MEMBERS: &str = "member quota";

impl Quotas {
    /// Counts a tenant's records up or down, where there is room for them; must be in the write in which
    /// they come or go.
    pub(super) fn records(self, tenant: Value, change: i64) -> Write {
        match change {
            0 => Write::new(),
            1.. => Write::new().expect(
                RECORDS,
                "UPDATE tenant SET record_count = record_count + $2 WHERE id = $1 AND record_count + $2 <= $3",
                params![tenant, change, self.max_records],
            ),
            _ => Write::new()
                .run("UPDATE tenant SET record_count = record_count + $2 WHERE id = $1", params![tenant, change]),
        }
    }

    /// Expects room for one more member.
    pub(super) fn member(self, tenant: Value) -> Write {
        Write::new().expect(
            MEMBERS,
            "SELECT 1 WHERE (SELECT COUNT(*) FROM member WHERE tenant_id = $1) < $2",
            params![tenant, self.max_members],
        )
    }

    pub(super) fn no_more_records(self) -> Error {
        Error::Limit(format!(
            "This tenant may have {} records, and has no room for this; nothing was written. Delete some, or ask whoever runs this server for more room.",
            self.max_records
        ))
    }

    pub(super) fn no_more_members(self) -> Error {
        Error::Limit(format!(
            "This tenant has {} members, which is as many as it may have. Ask an admin of the tenant to remove some; the invitation stays good.",
            self.max_members
        ))
    }
}
