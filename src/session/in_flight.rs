//! The requests of a session that have no answer yet.

use super::Session;
use crate::wire::RequestId;
use std::sync::Arc;

/// The ids that can't be used again yet, and the subscriptions among them.
#[derive(Debug, Default)]
pub(super) struct Requests {
    running: Vec<RequestId>,
    listens: Vec<Listen>,
}

/// A `subscriptions/listen` request, which stays in flight until it is cancelled.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Its request id, which is the subscription's id.
    pub id: RequestId,
    /// Whether it wants to know that the list of tools changed.
    pub tools: bool,
    /// Whether it wants to know that the list of prompts changed.
    pub prompts: bool,
    /// Whether it wants to know that the list of resources changed.
    pub resources: bool,
}

/// Why a request may not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// Another request with its id has no answer yet.
    IdInUse,
    /// As many requests run as may.
    TooMany,
}

/// A running request's hold on its id.
#[derive(Debug)]
pub struct InFlight {
    session: Arc<Session>,
    id: RequestId,
}

impl Session {
    /// Whether a request with this id may start, beside at most `limit` others.
    ///
    /// # Errors
    /// Says why not.
    pub fn admit(&self, id: &RequestId, limit: usize) -> Result<(), NotAdmitted> {
        let requests = self.requests.lock();
        if requests.running.contains(id) || requests.listens.iter().any(|listen| listen.id == *id) {
            return Err(NotAdmitted::IdInUse);
        }
        if requests.running.len() >= limit {
            return Err(NotAdmitted::TooMany);
        }
        Ok(())
    }

    /// Notes that a request runs, until what this returns is dropped.
    #[must_use]
    pub fn begin(self: &Arc<Self>, id: RequestId) -> InFlight {
        self.requests.lock().running.push(id.clone());
        InFlight { session: Arc::clone(self), id }
    }

    /// The subscriptions that are open.
    #[must_use]
    pub fn listens(&self) -> Vec<Listen> {
        self.requests.lock().listens.clone()
    }

    /// Opens a subscription.
    pub fn listen(&self, listen: Listen) {
        self.requests.lock().listens.push(listen);
    }

    /// Closes a subscription; false when there is none with this id.
    pub fn unlisten(&self, id: &RequestId) -> bool {
        let mut requests = self.requests.lock();
        let before = requests.listens.len();
        requests.listens.retain(|listen| listen.id != *id);
        requests.listens.len() < before
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let running = &mut self.session.requests.lock().running;
        if let Some(position) = running.iter().position(|id| *id == self.id) {
            running.swap_remove(position);
        }
    }
}
