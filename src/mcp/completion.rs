//! Completion.

use super::lists::Members;
use crate::tenancy::TenantScope;
use crate::wire::WireError;

/// `completion/complete`.
pub(super) async fn complete(
    _scope: Option<TenantScope>,
    _reference: String,
    _argument: String,
) -> Result<Members, WireError> {
    Ok(Members::Plain(r#""completion":{"values":[]}"#.into()))
}
