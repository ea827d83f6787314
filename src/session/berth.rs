//! Where sessions are found that go on after their connection was lost, and how many of them wait.
//!
//! Nothing here knows a socket: who comes to go on with a session is handed to its task as it is.

use super::{EndReason, Session};
use dashmap::DashMap;
use parking_lot::Mutex;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Whoever brings a new connection for a session.
pub type Visitor = Box<dyn Any + Send>;

/// All berths.
#[derive(Default)]
pub(super) struct Berths {
    by_id: DashMap<Uuid, Arc<Place>>,
    waiting: Mutex<Waiting>,
}

/// Sessions without a connection, in the order in which they lost it.
#[derive(Default)]
struct Waiting {
    last: u64,
    sessions: BTreeMap<u64, Arc<Session>>,
}

/// A session's place among those that can be resumed; dropping it gives the place up, and a visitor who was not
/// received with it.
pub struct Berth {
    id: Uuid,
    place: Arc<Place>,
    /// Its turn among those that wait, while it does.
    turn: Option<u64>,
    all: Arc<Berths>,
}

/// What others see of a berth.
pub struct Place {
    session: Arc<Session>,
    door: Mutex<Door>,
}

enum Door {
    Open,
    Knocked(Visitor),
    Closed,
}

impl Berths {
    /// Has a session found by the id of what resumes it.
    pub(super) fn take(self: &Arc<Self>, id: Uuid, session: &Arc<Session>) -> Berth {
        let place = Arc::new(Place { session: Arc::clone(session), door: Mutex::new(Door::Open) });
        self.by_id.insert(id, Arc::clone(&place));
        Berth { id, place, turn: None, all: Arc::clone(self) }
    }

    pub(super) fn find(&self, id: Uuid) -> Option<Arc<Place>> {
        self.by_id.get(&id).map(|place| Arc::clone(&place))
    }

    /// How many can be resumed, and how many of those wait.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.by_id.len(), self.waiting.lock().sessions.len())
    }
}

impl Place {
    /// The session.
    #[must_use]
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Hands somebody to the session's task.
    ///
    /// # Errors
    /// Gives them back when the session has ended.
    pub fn knock(&self, visitor: Visitor) -> Result<(), Visitor> {
        let before = {
            let mut door = self.door.lock();
            if matches!(*door, Door::Closed) {
                return Err(visitor);
            }
            std::mem::replace(&mut *door, Door::Knocked(visitor))
        };
        drop(before);
        self.session.wake();
        Ok(())
    }
}

impl Berth {
    /// The id that it is found by.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Who has come since this was last asked.
    pub fn visitor(&self) -> Option<Visitor> {
        let mut door = self.place.door.lock();
        if !matches!(*door, Door::Knocked(_)) {
            return None;
        }
        match std::mem::replace(&mut *door, Door::Open) {
            Door::Knocked(visitor) => Some(visitor),
            Door::Open | Door::Closed => None,
        }
    }

    /// Lets nobody in any more, and gives whoever waits at the door.
    pub fn close(&self) -> Option<Visitor> {
        match std::mem::replace(&mut *self.place.door.lock(), Door::Closed) {
            Door::Knocked(visitor) => Some(visitor),
            Door::Open | Door::Closed => None,
        }
    }

    /// Notes that the session has lost its connection. When more wait than may, the one that has waited longest ends;
    /// says whether one had to.
    pub fn wait(&mut self, most: usize) -> bool {
        let ended = {
            let mut waiting = self.all.waiting.lock();
            waiting.last += 1;
            let turn = waiting.last;
            waiting.sessions.insert(turn, Arc::clone(&self.place.session));
            self.turn = Some(turn);
            (waiting.sessions.len() > most).then(|| waiting.sessions.pop_first()).flatten()
        };
        let Some((_, oldest)) = ended else { return false };
        oldest.end(EndReason::NotResumed);
        true
    }

    /// Notes that it has a connection again.
    pub fn go_on(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.all.waiting.lock().sessions.remove(&turn);
        }
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        self.go_on();
        drop(self.close());
        // Another session may be found under this id by now.
        self.all.by_id.remove_if(&self.id, |_, place| Arc::ptr_eq(place, &self.place));
    }
}

impl std::fmt::Debug for Berth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Berth").field("session", &self.place.session.id()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Berths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Berths").field("counts", &self.counts()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn session() -> Arc<Session> {
        Session::detached(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }

    #[test]
    fn a_visitor_comes_to_one_who_is_there_and_goes_back_from_one_who_is_not() {
        let (all, id) = (Arc::<Berths>::default(), Uuid::now_v7());
        let berth = all.take(id, &session());
        let place = all.find(id).expect("it is there");
        place.knock(Box::new(1)).expect("it is open");
        assert_eq!(berth.visitor().and_then(|visitor| visitor.downcast().ok()), Some(Box::new(1)));
        assert!(berth.visitor().is_none());
        place.knock(Box::new(2)).expect("it is open");
        assert!(berth.close().is_some());
        assert!(place.knock(Box::new(3)).is_err());
        drop(berth);
        assert_eq!(all.counts(), (0, 0));
    }

    #[test]
    fn the_one_that_waited_longest_ends_when_there_are_too_many() {
        let all = Arc::<Berths>::default();
        let sessions: Vec<_> = (0..4).map(|_| session()).collect();
        let mut berths: Vec<_> = sessions.iter().map(|session| all.take(Uuid::now_v7(), session)).collect();
        assert!(!berths[0].wait(2) && !berths[1].wait(2));
        berths[0].go_on();
        assert!(!berths[2].wait(2));
        assert!(berths[3].wait(2));
        let ended: Vec<_> = sessions.iter().map(|session| session.ended().is_some()).collect();
        assert_eq!(ended, [false, true, false, false]);
        assert_eq!(all.counts(), (4, 2));
    }

    #[test]
    fn who_takes_an_id_over_keeps_it() {
        let (all, id) = (Arc::<Berths>::default(), Uuid::now_v7());
        let (first, second) = (session(), session());
        let older = all.take(id, &first);
        let newer = all.take(id, &second);
        drop(older);
        assert!(all.find(id).is_some_and(|place| Arc::ptr_eq(place.session(), &second)));
        drop(newer);
        assert!(all.find(id).is_none());
    }
}
