//! Hearing what other processes have changed.
//!
//! Another process that changes something about a user, the signing keys, or what a tenant's upstreams are called
//! with, inserts a row into `notice` in the same transaction. The serving process looks for such rows, tells its listeners, and then deletes them: when
//! they are gone, the change is in force.

use super::sqlite::spawn;
use super::{Event, Row, Write, params};
use crate::error::Result;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked for notices.
pub(super) const INTERVAL: Duration = Duration::from_millis(100);
/// For how long another process waits until its notices are heard.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// Reads some notices, in the order of what was done.
pub(super) const READ: &str = "SELECT id, user_id, kind, in_tenant FROM notice ORDER BY id LIMIT 256";

/// The thread that hears; dropping this ends it.
#[derive(Debug)]
pub(super) struct Hearing {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Hearing {
    pub(super) fn start(
        read: impl Fn() -> Result<Vec<Row>> + Send + 'static,
        tell: impl Fn(&Event) + Send + 'static,
        forget: impl Fn(Write) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = spawn("sessile-notices".into(), move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = hear(&read, &tell, &forget) {
                    tracing::error!(%error, "could not take note of what another process changed");
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

fn hear(
    read: &impl Fn() -> Result<Vec<Row>>,
    tell: &impl Fn(&Event),
    forget: &impl Fn(Write) -> Result<()>,
) -> Result<()> {
    loop {
        let rows = read()?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut heard = Write::new();
        for mut row in rows {
            let (id, user, kind, tenant) = (row.text()?, row.opt_uuid()?, row.text()?, row.opt_uuid()?);
            match (user, tenant) {
                (Some(user), _) => {
                    tracing::info!(%user, kind, "another process changed something about a user");
                    if kind == "end" {
                        tell(&Event::EndSessions { user, tenant });
                    }
                    tell(&Event::User { user });
                }
                (None, Some(tenant)) => {
                    tracing::info!(%tenant, "another process changed the upstreams of a tenant");
                    tell(&Event::Sealed { tenant, what: None });
                    tell(&Event::Upstreams { tenant });
                }
                (None, None) => {
                    tracing::info!("another process changed the signing keys");
                    tell(&Event::SigningKeys);
                }
            }
            heard = heard.run("DELETE FROM notice WHERE id = $1", params![id]);
        }
        // Told first and then deleted: whoever waits for them to be gone finds the change in force.
        forget(heard)?;
    }
}
