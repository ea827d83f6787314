//! Which upstreams were configured, and which names are taken.

use super::definition::Definition;
use crate::tenancy::TenantId;
use parking_lot::RwLock;
use std::sync::Arc;

/// What tenants may add themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnUpstreams {
    /// How many a tenant may have.
    pub max_per_tenant: i64,
    /// Whether they may have private addresses.
    pub allow_private: bool,
}

/// The upstreams that were configured, for the tools that show and add others.
#[derive(Debug)]
pub struct Catalogue {
    own: OwnUpstreams,
    /// The names of built-in tools.
    built_in: Vec<String>,
    configured: RwLock<Arc<[Arc<Definition>]>>,
}

impl Catalogue {
    /// Nothing is configured yet.
    #[must_use]
    pub fn new(own: OwnUpstreams, built_in: impl IntoIterator<Item = String>) -> Self {
        Self { own, built_in: built_in.into_iter().collect(), configured: RwLock::new(Arc::new([])) }
    }

    /// Takes these in place of those before.
    pub fn configure(&self, definitions: impl IntoIterator<Item = Arc<Definition>>) {
        *self.configured.write() = definitions.into_iter().collect();
    }

    /// Those that were configured.
    #[must_use]
    pub fn configured(&self) -> Arc<[Arc<Definition>]> {
        Arc::clone(&self.configured.read())
    }

    /// What tenants may add.
    #[must_use]
    pub fn own(&self) -> OwnUpstreams {
        self.own
    }

    /// Refuses a name or a prefix that a tenant can't give to a further upstream, beside its own ones.
    ///
    /// # Errors
    /// Says with what it clashes, and what to do. Nothing is told of what is not open to the tenant.
    pub(crate) fn check_free(&self, tenant: TenantId, adding: &Definition, own: &[Definition]) -> Result<(), String> {
        let configured = self.configured();
        let open = configured.iter().map(Arc::as_ref).filter(|one| one.is_open_in(tenant));
        for one in open.chain(own) {
            if one.name == adding.name {
                return Err(format!("name: there is an upstream {:?} already; choose another name", one.name));
            }
            if overlap(&one.prefix, &adding.prefix) {
                return Err(format!(
                    "prefix: {:?} can't be told from {:?}, which is the prefix of the upstream {:?}; choose another one",
                    adding.prefix, one.prefix, one.name
                ));
            }
        }
        match self.built_in.iter().find(|tool| tool.starts_with(&adding.prefix)) {
            Some(tool) => {
                Err(format!("prefix: the built-in tool {tool} begins with {:?}; choose another one", adding.prefix))
            }
            None => Ok(()),
        }
    }
}

/// Whether a name could begin with both. An empty one tells nothing by itself.
fn overlap(one: &str, other: &str) -> bool {
    !one.is_empty() && !other.is_empty() && (one.starts_with(other) || other.starts_with(one))
}
