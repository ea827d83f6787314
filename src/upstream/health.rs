//! Which upstreams are not tried just now, because they fail again and again.

use super::failure::Failure;
use crate::tenancy::TenantId;
use dashmap::DashMap;
use std::time::{Duration, Instant};

/// How often each upstream failed to open in a row, for each tenant: one tenant's wrong credential rests nobody else's.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failing: DashMap<(String, Option<TenantId>), Failing>,
}

#[derive(Debug)]
struct Failing {
    times: u32,
    until: Instant,
    why: String,
}

/// How long it rests after the first failures in a row; each further one doubles that.
const FIRST_REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(60);
/// So many failures in a row are taken for accidents.
const ACCIDENTS: u32 = 2;

impl Health {
    /// # Errors
    /// [`Failure::Resting`] when it is not to be tried now. Once the time is over one attempt is let through, and the next
    /// after the same time again, unless that one succeeds.
    pub(super) fn check(&self, name: &str, tenant: Option<TenantId>) -> Result<(), Failure> {
        let Some(failing) = self.failing.get(&(name.to_owned(), tenant)) else { return Ok(()) };
        let left = failing.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        Err(Failure::Resting { seconds: left.as_secs() + 1, why: failing.why.clone() })
    }

    /// Whether it failed the last time, for anybody.
    pub(super) fn is_failing(&self, name: &str) -> bool {
        self.failing.iter().any(|entry| entry.key().0 == name)
    }

    pub(super) fn failed(&self, name: &str, tenant: Option<TenantId>, why: &Failure) {
        let now = Instant::now();
        let mut failing = self.failing.entry((name.to_owned(), tenant)).or_insert_with(|| Failing {
            times: 0,
            until: now,
            why: String::new(),
        });
        failing.times += 1;
        failing.why = format!("it {why}");
        if failing.times > ACCIDENTS {
            let doublings = (failing.times - ACCIDENTS - 1).min(10);
            failing.until = now + (FIRST_REST * 2_u32.pow(doublings)).min(LONGEST_REST);
        }
    }

    pub(super) fn succeeded(&self, name: &str, tenant: Option<TenantId>) {
        self.failing.remove(&(name.to_owned(), tenant));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_after_failing_again_and_again_and_not_for_others() {
        let (health, why) = (Health::default(), Failure::Unreachable("refused".into()));
        for _ in 0..2 {
            health.failed("a", None, &why);
            assert_eq!(health.check("a", None), Ok(()));
        }
        health.failed("a", None, &why);
        let resting = health.check("a", None).expect_err("it rests");
        assert_eq!(resting, Failure::Resting { seconds: 1, why: "it could not be reached: refused".into() });
        assert_eq!(health.check("b", None), Ok(()));
        health.succeeded("a", None);
        assert_eq!(health.check("a", None), Ok(()));
    }
}
