//! The upstreams that are configured, and their replacement while the server runs. This keeps no session with any.

use crate::error::{Error, Result};
use crate::mcp::Registry;
use crate::upstream::{Definition, Upstreams, check_together};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

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

    /// What is configured.
    #[must_use]
    pub fn get(&self) -> Arc<Vec<Definition>> {
        Arc::clone(&self.now.borrow())
    }
}

/// Has the gateway follow what is configured, until the server closes.
pub(super) fn follow(
    gateway: Arc<Upstreams>,
    tables: &UpstreamTables,
    closing: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let mut tables = tables.subscribe();
    // They may have been replaced since the gateway was made.
    tables.mark_changed();
    async move {
        loop {
            let changed = tokio::select! {
                changed = tables.changed() => changed,
                () = closing.cancelled() => break,
            };
            if changed.is_err() {
                break;
            }
            let now = Arc::clone(&tables.borrow_and_update());
            gateway.replace(&now);
        }
    }
}
