//! How many lines a second are worth a log line.

use std::time::{Duration, Instant};

/// Lets so many through in each second, and counts the others.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: u32,
    since: Instant,
    passed: u32,
    held: u64,
}

impl Rate {
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second, since: Instant::now(), passed: 0, held: 0 }
    }

    /// Whether one more may pass; if so, how many did not since the last one that might.
    pub(super) fn admit(&mut self) -> Option<u64> {
        if self.passed >= self.per_second {
            if self.since.elapsed() < Duration::from_secs(1) {
                self.held += 1;
                return None;
            }
            self.since = Instant::now();
            self.passed = 0;
        } else if self.passed == 0 {
            self.since = Instant::now();
        }
        self.passed += 1;
        Some(self.take_held())
    }

    /// How many did not pass since that was last asked.
    pub(super) fn take_held(&mut self) -> u64 {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_pass_and_the_others_are_counted() {
        let mut rate = Rate::new(2);
        assert_eq!([rate.admit(), rate.admit(), rate.admit(), rate.admit()], [Some(0), Some(0), None, None]);
        assert_eq!(rate.take_held(), 2);
        assert_eq!(rate.take_held(), 0);
        rate.since -= Duration::from_secs(1);
        assert_eq!(rate.admit(), Some(0));
    }
}
