//! What was done around a record, and is to be done.

use super::activity::Activity;
use super::list::{self, Filter, Page};
use super::record::{self, Record as _};
use crate::error::Result;
use crate::store::RecordKind;
use crate::tenancy::TenantScope;

/// A page of the activities that concern a contact, a company or a deal, the latest first. What
/// concerns a company's contacts and deals concerns the company.
pub(crate) async fn page(
    scope: &TenantScope,
    kind: RecordKind,
    id: &str,
    limit: usize,
    cursor: Option<&str>,
) -> Result<Page<Activity>> {
    let known = match record::id(id) {
        Some(id) => record::exists(scope, kind, id).await?,
        None => false,
    };
    if !known {
        return Err(record::not_found(kind, id));
    }
    let condition = match kind {
        RecordKind::Contact => "r.contact_id = ?",
        RecordKind::Deal => "r.deal_id = ?",
        // By ids, which the index of times holds: only the page itself is read from the table.
        RecordKind::Company => {
            "r.id IN (
               SELECT id FROM activity WHERE tenant_id = $1 AND company_id = ?
               UNION ALL SELECT id FROM activity WHERE tenant_id = $1
                 AND contact_id IN (SELECT id FROM contact WHERE tenant_id = $1 AND company_id = ?)
               UNION ALL SELECT id FROM activity WHERE tenant_id = $1
                 AND deal_id IN (SELECT id FROM deal WHERE tenant_id = $1 AND company_id = ?))"
        }
        RecordKind::Activity => "r.id = ?",
    };
    let filter = Filter::default().and(condition, Some(id));
    list::list(scope, filter, Activity::SORTED, limit, cursor).await
}
