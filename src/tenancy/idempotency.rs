//! For how long it is remembered that a write was made with a key.

use super::Authority;
use crate::error::Result;
use crate::store::{Write, params};

/// For how long, in milliseconds.
pub(crate) const KEPT: i64 = 24 * 3_600 * 1000;

/// Rows that are deleted in one transaction: others write between two of them.
const BATCH: i64 = 2_000;

impl Authority {
    /// Forgets the keys that are too old to count.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when the database fails.
    pub(crate) async fn forget_idempotency_keys(&self, now: i64) -> Result<()> {
        let delete = "DELETE FROM idempotency WHERE (tenant_id, user_id, tool, key) IN
             (SELECT tenant_id, user_id, tool, key FROM idempotency WHERE created_at <= $1 LIMIT $2) RETURNING 1";
        loop {
            let write = Write::new().run(delete, params![now - KEPT, BATCH]);
            if self.store().write(write).await?.next_rows().is_empty() {
                return Ok(());
            }
        }
    }
}
