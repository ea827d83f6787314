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
    /// Lets a request with this id start, beside at most `limit` others; its id is taken until what this returns is
    /// dropped. Of several that come at once with one id, one is let.
    ///
    /// # Errors
    /// Says why not.
    pub fn admit(self: &Arc<Self>, id: &RequestId, limit: usize) -> Result<InFlight, NotAdmitted> {
        let mut requests = self.requests.lock();
        if requests.running.contains(id) || requests.listens.iter().any(|listen| listen.id == *id) {
            return Err(NotAdmitted::IdInUse);
        }
        if requests.running.len() >= limit {
            return Err(NotAdmitted::TooMany);
        }
        requests.running.push(id.clone());
        Ok(InFlight { session: Arc::clone(self), id: id.clone() })
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

impl InFlight {
    /// The id.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.id
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn of_those_that_come_at_once_with_one_id_one_is_let() {
        let session = Session::detached(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let id = RequestId::parse("7").expect("it is an id");
        let barrier = Barrier::new(4);
        for _ in 0..1000 {
            let admitted: Vec<_> = thread::scope(|scope| {
                let try_it = || {
                    barrier.wait();
                    session.admit(&id, 10)
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(try_it)).collect();
                threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
            });
            assert_eq!(admitted.iter().filter(|one| one.is_ok()).count(), 1);
            assert!(matches!(session.admit(&id, 10), Err(NotAdmitted::IdInUse)));
        }
        let running = session.admit(&id, 1).expect("it is free again");
        let other = RequestId::parse("8").expect("it is an id");
        assert!(matches!(session.admit(&other, 1), Err(NotAdmitted::TooMany)));
        drop(running);
        assert!(session.admit(&other, 1).is_ok());
    }
}
