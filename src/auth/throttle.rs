//! Failed sign-ins are answered more and more slowly.

use crate::address::counted;
use crate::error::{Error, Result};
use dashmap::DashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Keys that are remembered at the most; past that, old ones are dropped.
const REMEMBERED: usize = 100_000;
/// How many more failures an address may have than an account: people share addresses.
const ADDRESS_FACTOR: u32 = 10;

/// How failed sign-ins are slowed down.
#[derive(Debug, Clone, Copy)]
pub struct ThrottleOptions {
    /// Failures for an account before there is a delay.
    pub free_failures: u32,
    /// The longest delay; failures are forgotten after twice this time.
    pub max_delay: Duration,
}

/// Counts failures by account and by address.
#[derive(Debug)]
pub(super) struct Throttle {
    options: ThrottleOptions,
    failures: DashMap<Key, Failures>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Account(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Throttle {
    pub(super) fn new(options: ThrottleOptions) -> Self {
        Self { options, failures: DashMap::new() }
    }

    /// Refuses while a delay runs.
    pub(super) fn check(&self, account: &str, address: IpAddr) -> Result<()> {
        let wait = self.keys(account, address).iter().filter_map(|(key, free)| self.wait(key, *free)).max();
        let Some(wait) = wait else { return Ok(()) };
        let retry_after = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        let message = format!("Too many failed sign-ins. Try again in {} s.", retry_after.as_secs());
        Err(Error::TooManyAttempts { message, retry_after })
    }

    /// Counts a failure.
    pub(super) fn failed(&self, account: &str, address: IpAddr) {
        if self.failures.len() >= REMEMBERED {
            let old = self.options.max_delay * 2;
            self.failures.retain(|_, failures| failures.last.elapsed() < old);
        }
        if self.failures.len() >= REMEMBERED {
            self.failures.clear();
        }
        for (key, _) in self.keys(account, address) {
            let mut failures = self.failures.entry(key).or_insert(Failures { count: 0, last: Instant::now() });
            if failures.last.elapsed() > self.options.max_delay * 2 {
                failures.count = 0;
            }
            failures.count = failures.count.saturating_add(1);
            failures.last = Instant::now();
        }
    }

    /// Forgets an account's failures. An address keeps its own: it may hold one good account and
    /// try others.
    pub(super) fn succeeded(&self, account: &str) {
        self.failures.remove(&Key::Account(account.to_owned()));
    }

    fn keys(&self, account: &str, address: IpAddr) -> [(Key, u32); 2] {
        let free = self.options.free_failures;
        [
            (Key::Account(account.to_owned()), free),
            (Key::Address(counted(address)), free.saturating_mul(ADDRESS_FACTOR)),
        ]
    }

    fn wait(&self, key: &Key, free: u32) -> Option<Duration> {
        let failures = *self.failures.get(key)?;
        let over = failures.count.checked_sub(free.max(1))?;
        let delay = Duration::from_secs(1u64.checked_shl(over).unwrap_or(u64::MAX)).min(self.options.max_delay);
        delay.checked_sub(failures.last.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn throttle(free_failures: u32) -> Throttle {
        Throttle::new(ThrottleOptions { free_failures, max_delay: Duration::from_secs(60) })
    }

    fn wait(throttle: &Throttle, account: &str) -> Option<u64> {
        match throttle.check(account, HERE) {
            Ok(()) => None,
            Err(Error::TooManyAttempts { retry_after, .. }) => Some(retry_after.as_secs()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_delay_doubles_after_the_free_failures_and_ends_at_the_maximum() {
        let throttle = throttle(3);
        let mut waits = Vec::new();
        for _ in 0..10 {
            throttle.failed("ada@example.com", HERE);
            waits.push(wait(&throttle, "ada@example.com").unwrap_or(0));
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_success_clears_the_account_but_not_the_address() {
        let throttle = throttle(1);
        throttle.failed("ada@example.com", HERE);
        assert!(wait(&throttle, "ada@example.com").is_some());
        throttle.succeeded("ada@example.com");
        assert_eq!(wait(&throttle, "ada@example.com"), None);
        for guess in 0..12 {
            throttle.failed(&format!("{guess}@example.com"), HERE);
        }
        throttle.succeeded("ada@example.com");
        assert!(wait(&throttle, "ada@example.com").is_some(), "the address goes on trying accounts");
    }
}
