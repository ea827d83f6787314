//! What an upstream session is opened and called with, for one tenant and user.

use super::definition::{Definition, Reach};
use super::failure::Failure;
use crate::tenancy::{Principal, TenantId};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What an upstream session is opened and called with.
#[derive(Debug, Clone)]
pub(crate) struct Outward {
    definition: Arc<Definition>,
    principal: Option<Principal>,
    unit: Arc<str>,
}

impl Outward {
    pub(crate) fn new(definition: Arc<Definition>, principal: Option<Principal>, unit: &str) -> Self {
        Self { definition, principal, unit: unit.into() }
    }

    pub(crate) fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    pub(crate) fn tenant(&self) -> Option<TenantId> {
        self.principal.as_ref().map(Principal::tenant)
    }

    pub(crate) fn unit(&self) -> &str {
        &self.unit
    }

    pub(crate) fn version(&self) -> u64 {
        0
    }

    pub(crate) async fn environment(&self) -> Result<Vec<(String, Zeroizing<String>)>, Failure> {
        let Reach::Command { environment, .. } = &self.definition.reach else { return Ok(Vec::new()) };
        let plain = |text: &super::Template| text.plain().map(|text| Zeroizing::new(text.to_owned()));
        Ok(environment.iter().filter_map(|(name, text)| Some((name.clone(), plain(text)?))).collect())
    }
}
