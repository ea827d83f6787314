//! Calls that wait, between two requests of a modern client, for what it is asked.
//!
//! A legacy upstream asks in the middle of a call, and its call goes on. A modern client gets the question as the result of its
//! request, and makes the request again with the answer: by then the call is found here.

use super::caller::Asked;
use super::peer::{Peer, Pending};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::Receiver;

/// A call that waits for its client.
pub(crate) struct Parked {
    pub(crate) peer: Arc<Peer>,
    pub(crate) pending: Pending,
    pub(crate) asks: Receiver<Asked>,
    /// What the client is asked, by the keys that it answers under.
    pub(crate) open: Vec<(String, Asked)>,
    /// How many keys were given out.
    pub(crate) keys: usize,
}

impl Parked {
    /// Notes what the client is to be asked.
    pub(crate) fn note(&mut self, asked: Asked) {
        self.keys += 1;
        self.open.push((self.keys.to_string(), asked));
    }
}

/// Where they wait.
#[derive(Default)]
pub(crate) struct Parking {
    waiting: Mutex<HashMap<String, (Instant, Parked)>>,
}

/// How long a client may take over one round; as long as a request state is good.
const ROUND: Duration = Duration::from_secs(600);
/// More calls of one unit do not wait at once: the oldest goes.
const MOST: usize = 64;

impl Parking {
    /// Keeps a call, and says by which word it is found again.
    pub(crate) fn park(&self, parked: Parked) -> String {
        let word = uuid::Uuid::now_v7().simple().to_string();
        let mut waiting = self.waiting.lock();
        let oldest = waiting.iter().min_by_key(|(_, (since, _))| *since).map(|(word, _)| word.clone());
        let dropped = oldest.filter(|_| waiting.len() >= MOST).and_then(|word| waiting.remove(&word));
        waiting.insert(word.clone(), (Instant::now(), parked));
        drop(waiting);
        drop(dropped);
        word
    }

    /// Takes a call out, once.
    pub(crate) fn take(&self, word: &str) -> Option<Parked> {
        self.waiting.lock().remove(word).map(|(_, parked)| parked)
    }

    /// Gives up what waits for too long.
    pub(super) fn expire(&self) {
        let late: Vec<_> = self.waiting.lock().extract_if(|_, (since, _)| since.elapsed() >= ROUND).collect();
        drop(late);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.lock().is_empty()
    }
}
