//! Authorizations that have begun: each is finished once, in time, by who comes with its state.

use super::Applicant;
use super::tokens::Source;
use crate::upstream::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// How long a person may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);
/// How many may have begun for one party, and in all.
const MOST_EACH: usize = 5;
const MOST: usize = 10_000;

/// All of them, by their state.
#[derive(Default)]
pub(super) struct AllPending(Mutex<HashMap<String, Pending>>);

/// One of them.
pub(super) struct Pending {
    pub(super) applicant: Applicant,
    pub(super) source: Source,
    /// Whether the server says that it names itself in its answers.
    pub(super) names_itself: bool,
    pub(super) verifier: Zeroizing<String>,
    pub(super) done: oneshot::Sender<()>,
    pub(super) begun: Instant,
}

impl AllPending {
    /// Notes one; gives its state.
    pub(super) fn note(&self, pending: Pending) -> Result<String, Failure> {
        let mut all = self.0.lock();
        all.retain(|_, pending| pending.begun.elapsed() < PATIENCE);
        let owner = &pending.applicant.owner;
        let mut own: Vec<_> = all.iter().filter(|(_, other)| other.applicant.owner == *owner).collect();
        own.sort_by_key(|(_, pending)| pending.begun);
        let surplus = (own.len() + 1).saturating_sub(MOST_EACH);
        let oldest: Vec<String> = own.into_iter().take(surplus).map(|(state, _)| state.clone()).collect();
        for state in oldest {
            all.remove(&state);
        }
        if all.len() >= MOST {
            return Err(Failure::Full("too many authorizations have begun; try again in some minutes".to_owned()));
        }
        let state = random();
        all.insert(state.to_string(), pending);
        Ok(state.to_string())
    }

    /// Takes the one with this state: there is no second time.
    pub(super) fn take(&self, state: &str) -> Option<Pending> {
        self.0.lock().remove(state).filter(|pending| pending.begun.elapsed() < PATIENCE)
    }
}

/// A state is a secret until it is used.
impl fmt::Debug for AllPending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllPending").field("count", &self.0.lock().len()).finish()
    }
}

/// 256 random bits, as text that may be in a URL.
///
/// # Panics
/// When the operating system has no random numbers, without which nothing here is safe.
pub(super) fn random() -> Zeroizing<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).expect("the operating system provides random numbers");
    URL_SAFE_NO_PAD.encode(bytes).into()
}
