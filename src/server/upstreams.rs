//! The upstreams that are configured, and their replacement while the server runs. This keeps no session with any.

use crate::error::{Error, Result};
use crate::mcp::Registry;
use crate::observe::UpstreamState;
use crate::upstream::{Definition, check_together};
use std::sync::Arc;
use tokio::sync::watch;

/// The upstreams that are configured now.
#[derive(Debug, Clone)]
pub struct UpstreamTables {
    now: Arc<watch::Sender<Arc<Vec<Definition>>>>,
    /// The names of the tools that are not upstreams'.
    built_in: Arc<[String]>,
}

impl UpstreamTables {
    pub(super) fn new(definitions: Vec<Definition>, registry: &Registry) -> Result<Self> {
        let mut built_in: Vec<_> = registry.iter().map(|tool| tool.name.to_string()).collect();
        built_in.sort();
        let tables = Self { now: Arc::new(watch::Sender::new(Arc::default())), built_in: built_in.into() };
        tables.replace(definitions)?;
        Ok(tables)
    }

    /// Puts other definitions in place of all that there are.
    ///
    /// # Errors
    /// [`Error::Config`] when one can't be used or two clash; then nothing has changed.
    pub fn replace(&self, definitions: Vec<Definition>) -> Result<()> {
        for definition in &definitions {
            definition.check().map_err(|wrong| Error::Config(format!("upstream.{}.{wrong}", definition.name)))?;
        }
        let built_in: Vec<_> = self.built_in.iter().map(String::as_str).collect();
        check_together(&definitions, &built_in).map_err(Error::Config)?;
        self.now.send_if_modified(|now| {
            let changed = **now != definitions;
            if changed {
                *now = Arc::new(definitions);
            }
            changed
        });
        Ok(())
    }

    /// What is configured, and a way to hear when that changes.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Vec<Definition>>> {
        self.now.subscribe()
    }

    /// How they are doing, as far as that is known here.
    pub(super) fn states(&self) -> Vec<UpstreamState> {
        let state = |one: &Definition| UpstreamState { name: Some(one.name.clone()), state: "configured", sessions: 0 };
        self.get().iter().map(state).collect()
    }

    /// What is configured.
    #[must_use]
    pub fn get(&self) -> Arc<Vec<Definition>> {
        Arc::clone(&self.now.borrow())
    }
}
