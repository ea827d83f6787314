//! How long to wait before the next attempt.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double, each drawn from between half and the whole, so that many bridges do not come at once.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The wait before the next attempt, which is at least what the gateway asked for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let most = self.next;
        self.next = (most * 2).min(LONGEST);
        let drawn = most.mul_f64(0.5 + f64::from(random()) / 510.0);
        // Several that were asked to wait equally long shall not come together either.
        asked.map_or(drawn, |asked| asked + drawn)
    }

    /// The gateway is there.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }
}

fn random() -> u8 {
    let mut byte = [0; 1];
    // Without random numbers all wait equally long, which is no harm to this one.
    let _ = getrandom::fill(&mut byte);
    byte[0]
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn waits_double_up_to_a_bound_and_respect_what_was_asked() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..12).map(|_| backoff.next(None)).collect();
        for (n, wait) in waits.iter().enumerate() {
            let most = Duration::from_millis(100 << n).min(Duration::from_secs(10));
            assert!(*wait >= most / 2 && *wait <= most, "wait {n} is {wait:?}");
        }
        assert!(backoff.next(Some(Duration::from_secs(30))) >= Duration::from_secs(30));
        backoff.reset();
        assert!(backoff.next(None) <= Duration::from_millis(100));
    }
}
