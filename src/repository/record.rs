//! What all kinds of record have in common.

use crate::error::Result;
use crate::store::RecordKind;
use crate::tenancy::TenantScope;
use uuid::Uuid;

/// A record as it stands in a list of them all.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: RecordKind,
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

/// A record as JSON.
pub(crate) async fn json(_scope: &TenantScope, _kind: RecordKind, _id: Uuid) -> Result<Option<String>> {
    Ok(None)
}

/// Whether there is such a record.
pub(crate) async fn exists(_scope: &TenantScope, _kind: RecordKind, _id: Uuid) -> Result<bool> {
    Ok(false)
}

/// Records of all kinds, by kind and id.
pub(crate) async fn page(
    _scope: &TenantScope,
    _after: Option<(RecordKind, Uuid)>,
    _limit: usize,
) -> Result<Vec<Entry>> {
    Ok(Vec::new())
}
