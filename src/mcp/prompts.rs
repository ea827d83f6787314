//! Prompts.

use super::lists::Members;
use crate::tenancy::TenantScope;
use crate::wire::WireError;

/// `prompts/list`, as JSON.
pub(super) fn list() -> serde_json::Value {
    serde_json::json!([])
}

/// `prompts/get`.
pub(super) async fn get(
    _scope: Option<TenantScope>,
    name: String,
    _arguments: Option<String>,
) -> Result<Members, WireError> {
    Err(WireError::invalid_params(format!("Unknown prompt: {name}")))
}
