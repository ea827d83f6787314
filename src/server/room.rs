//! Room for connections: so many in all, and so many from one address, sessions or not yet.

use crate::address::counted;
use dashmap::DashMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections that are accepted beyond those that may be sessions: health checks, refusals.
const SPARE: usize = 256;
/// The same of one address.
const SPARE_PER_ADDRESS: usize = 32;

/// The room that a server has.
#[derive(Debug)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    per_address: usize,
    addresses: Arc<DashMap<IpAddr, usize>>,
}

/// A connection's place; dropping it gives it up.
#[derive(Debug)]
pub(super) struct Place {
    address: Option<IpAddr>,
    addresses: Arc<DashMap<IpAddr, usize>>,
    _permit: OwnedSemaphorePermit,
}

impl Room {
    /// Room for so many sessions in all and from one address, and for some connections more.
    pub(super) fn new(sessions: usize, sessions_per_address: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(sessions.saturating_add(SPARE).min(Semaphore::MAX_PERMITS))),
            per_address: sessions_per_address.saturating_add(SPARE_PER_ADDRESS),
            addresses: Arc::default(),
        }
    }

    /// Waits until there is a place for anybody.
    pub(super) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// Gives the place to a connection; none when there are too many from its address. One from
    /// nowhere in particular is not counted by address: a proxy's may be anybody's.
    pub(super) fn take(&self, permit: OwnedSemaphorePermit, from: Option<IpAddr>) -> Option<Place> {
        let address = from.map(counted);
        if let Some(address) = address {
            let mut from_there = self.addresses.entry(address).or_default();
            if *from_there >= self.per_address {
                return None;
            }
            *from_there += 1;
        }
        Some(Place { address, addresses: Arc::clone(&self.addresses), _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        self.addresses.remove_if_mut(&address, |_, count| {
            *count = count.saturating_sub(1);
            *count == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_address_cannot_take_all_the_room() {
        let room = Room::new(1000, 1);
        let mut held = Vec::new();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Some(address.parse().expect(address)));
        for _ in 0..=SPARE_PER_ADDRESS {
            held.push(room.take(room.wait().await.expect("there is room"), one).expect("there is a place"));
        }
        let permit = room.wait().await.expect("there is room");
        assert!(room.take(permit, one).is_none());
        let permit = room.wait().await.expect("there is room for others");
        assert!(room.take(permit, other).is_some());
        for _ in 0..=SPARE_PER_ADDRESS + 1 {
            let permit = room.wait().await.expect("there is room for others");
            held.push(room.take(permit, None).expect("nobody is counted"));
        }
        held.clear();
        assert!(room.addresses.is_empty());
    }
}
