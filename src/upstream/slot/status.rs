//! What there is to say of a unit's session with an upstream.

use super::super::definition::Definition;
use super::super::failure::Failure;
use super::super::health::Health;
use super::super::listing::List;
use super::{Slot, State};
use crate::tenancy::TenantId;
use std::time::Duration;

/// What there is to say of a session with an upstream.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    /// `closed`, `opening`, `open` or `resting`.
    pub(crate) state: &'static str,
    /// The revision of MCP that is spoken.
    pub(crate) version: Option<String>,
    pub(crate) open_for: Option<Duration>,
    /// In seconds.
    pub(crate) rests_for: Option<u64>,
    /// What happened the last time, where it is not open.
    pub(crate) problem: Option<String>,
    /// How many tools are served, where that is known.
    pub(crate) tools: Option<usize>,
    /// Tools that can't be served, since the server's own are called so.
    pub(crate) hidden: Vec<String>,
}

impl Slot {
    pub(crate) fn status(&self) -> Status {
        let mut status = Status::new("closed");
        let tools = self.known(List::Tools);
        status.tools = tools.as_ref().map(|items| items.entries.len());
        status.hidden = tools.map(|items| items.hidden.clone()).unwrap_or_default();
        match &*self.state.lock() {
            State::Closed { why, .. } => status.problem = why.as_ref().map(|why| self.told(why)),
            State::Ended => {}
            State::Opening(_) => status.state = "opening",
            State::Open(open) => {
                status.state = "open";
                status.version = open.peer.agreed().map(|agreed| agreed.version.clone());
                status.open_for = Some(open.since.elapsed());
            }
        }
        if status.state == "closed" {
            status.rest(&self.environment.health, &self.definition, self.tenant);
        }
        status
    }

    fn told(&self, why: &Failure) -> String {
        match why {
            Failure::Unauthorized(_) if self.is_authorized_by_people() => {
                // Until then it lists none, so that a name has to be made up.
                let prefix = &self.definition.prefix;
                format!(
                    "it wants a person to let the gateway use it: a call of any tool whose name begins with {prefix:?} has them asked"
                )
            }
            why => format!("it {why}"),
        }
    }
}

impl Status {
    /// Of a session that was never opened.
    pub(in crate::upstream) fn of_none(health: &Health, definition: &Definition, tenant: Option<TenantId>) -> Self {
        let mut status = Self::new("closed");
        status.rest(health, definition, tenant);
        status
    }

    fn new(state: &'static str) -> Self {
        let (version, open_for, rests_for, problem) = (None, None, None, None);
        Self { state, version, open_for, rests_for, problem, tools: None, hidden: Vec::new() }
    }

    fn rest(&mut self, health: &Health, definition: &Definition, tenant: Option<TenantId>) {
        if let Err(Failure::Resting { seconds, why }) = health.check(&definition.name, tenant) {
            (self.state, self.rests_for, self.problem) = ("resting", Some(seconds), Some(why));
        }
    }
}
