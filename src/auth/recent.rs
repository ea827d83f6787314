//! A map that holds so many entries and no more: the oldest go.

use std::collections::{HashMap, VecDeque};

/// What a token is known by: its SHA-256.
pub(super) type Digest = [u8; 32];

/// The entries that were put in last.
#[derive(Debug)]
pub(super) struct Recent<V> {
    entries: HashMap<Digest, (u64, V)>,
    /// What was put in, oldest first, each with its number; an entry that was replaced has a later one.
    order: VecDeque<(u64, Digest)>,
    next: u64,
    most: usize,
}

impl<V> Recent<V> {
    pub(super) fn new(most: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), next: 0, most }
    }

    pub(super) fn get(&self, key: &Digest) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(super) fn put(&mut self, key: Digest, value: V) {
        self.next += 1;
        self.entries.insert(key, (self.next, value));
        self.order.push_back((self.next, key));
        // Those that were replaced or removed count as well: the queue is bounded by what it holds.
        while self.order.len() > self.most {
            let Some((number, oldest)) = self.order.pop_front() else { break };
            if self.entries.get(&oldest).is_some_and(|(newest, _)| *newest == number) {
                self.entries.remove(&oldest);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &Digest) {
        self.entries.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_and_what_was_put_in_again_is_not_old() {
        let mut recent = Recent::new(3);
        let key = |n: u8| [n; 32];
        for n in [1, 2, 1, 3] {
            recent.put(key(n), n);
        }
        assert_eq!([1, 2, 3].map(|n| recent.get(&key(n)).is_some()), [true, true, true]);
        recent.put(key(4), 4);
        assert_eq!([1, 2, 3, 4].map(|n| recent.get(&key(n)).is_some()), [true, false, true, true]);
        recent.remove(&key(3));
        assert_eq!(recent.get(&key(3)), None);
        for n in 5..100 {
            recent.put(key(n), n);
        }
        assert_eq!((recent.entries.len(), recent.order.len()), (3, 3));
    }
}
