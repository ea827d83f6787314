//! The epochs by which a principal learns, without I/O, that it has to be looked at again.

use super::ids::UserId;
use dashmap::DashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An epoch for each user of whom some principal lives.
#[derive(Debug, Default)]
pub(super) struct Standings {
    epochs: DashMap<UserId, Arc<AtomicU64>>,
}

/// A principal's view of its user's epoch; dropping the last one of a user forgets the epoch.
pub(super) struct Standing {
    user: UserId,
    epoch: Arc<AtomicU64>,
    seen: u64,
    home: Arc<Standings>,
}

impl Standings {
    /// Notes the epoch as it is now. Take this *before* reading what the principal is made of: a
    /// change in between then shows.
    pub(super) fn watch(self: &Arc<Self>, user: UserId) -> Standing {
        let epoch = Arc::clone(&self.epochs.entry(user).or_default());
        let seen = epoch.load(Ordering::Acquire);
        Standing { user, epoch, seen, home: Arc::clone(self) }
    }

    /// Makes every principal of the user stale.
    pub(super) fn raise(&self, user: UserId) {
        if let Some(epoch) = self.epochs.get(&user) {
            epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.epochs.len()
    }
}

impl Standing {
    pub(super) fn is_current(&self) -> bool {
        self.epoch.load(Ordering::Acquire) == self.seen
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        // The map's own reference and this one: nobody else watches.
        self.home.epochs.remove_if(&self.user, |_, epoch| Arc::strong_count(epoch) <= 2);
    }
}
