//! How many requests there may be a second, by who makes them and from where.

use crate::address::counted;
use crate::error::{Error, Result};
use crate::tenancy::{Principal, TenantId, UserId};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Keys of one dimension past which those that have not been seen for a while are forgotten.
const REMEMBERED: usize = 10_000;
/// How many checks come between two looks at how many keys there are.
const LOOK_EVERY: u32 = 4096;

/// Requests a second; twice as many at once. 0 is no limit.
#[derive(Debug, Clone, Copy)]
pub struct RateOptions {
    /// Of one user in one tenant.
    pub principal_per_second: u32,
    /// Of all users of one tenant.
    pub tenant_per_second: u32,
    /// From one address, signed in or not.
    pub address_per_second: u32,
}

/// Counts requests.
#[derive(Debug)]
pub(super) struct Rates {
    address: Option<Rate<IpAddr>>,
    principal: Option<Rate<(UserId, TenantId)>>,
    tenant: Option<Rate<TenantId>>,
}

#[derive(Debug)]
struct Rate<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    per_second: u32,
    checks: AtomicU32,
}

/// A request that may not be made yet.
#[derive(Debug)]
pub(super) struct TooSoon {
    /// The setting that says so.
    pub(super) setting: &'static str,
    pub(super) error: Error,
}

impl Rates {
    pub(super) fn new(options: RateOptions) -> Self {
        Self {
            address: Rate::new(options.address_per_second),
            principal: Rate::new(options.principal_per_second),
            tenant: Rate::new(options.tenant_per_second),
        }
    }

    /// Counts a request, if it may be made. One that may not for its user's own sake is none of its tenant's.
    pub(super) fn check(&self, peer: IpAddr, principal: Option<&Principal>) -> Result<(), TooSoon> {
        if let Some(rate) = &self.address {
            rate.check(&counted(peer), "from this address")
                .map_err(|error| TooSoon { setting: "rates.address_per_second", error })?;
        }
        let Some(principal) = principal else { return Ok(()) };
        if let Some(rate) = &self.principal {
            rate.check(&(principal.user(), principal.tenant()), "by this user")
                .map_err(|error| TooSoon { setting: "rates.principal_per_second", error })?;
        }
        if let Some(rate) = &self.tenant {
            rate.check(&principal.tenant(), "in this tenant")
                .map_err(|error| TooSoon { setting: "rates.tenant_per_second", error })?;
        }
        Ok(())
    }
}

impl<K: Hash + Eq + Clone> Rate<K> {
    fn new(per_second: u32) -> Option<Self> {
        let rate = NonZeroU32::new(per_second)?;
        let quota = Quota::per_second(rate).allow_burst(rate.saturating_mul(NonZeroU32::MIN.saturating_add(1)));
        Some(Self { limiter: RateLimiter::keyed(quota), per_second, checks: AtomicU32::new(0) })
    }

    fn check(&self, key: &K, whose: &str) -> Result<()> {
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOK_EVERY) && self.limiter.len() > REMEMBERED {
            // Those that could make as many requests again as if they had never made one.
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let seconds = (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
            Error::RateLimited {
                message: format!(
                    "Too many requests {whose}: there may be {} a second. Try again in {seconds} s.",
                    self.per_second
                ),
                retry_after: Duration::from_secs(seconds),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    #[test]
    fn twice_the_rate_at_once_and_keys_are_forgotten() {
        let rates = Rates::new(RateOptions { principal_per_second: 0, tenant_per_second: 0, address_per_second: 3 });
        let here = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        let free = (0..20).take_while(|_| rates.check(here, None).is_ok()).count();
        assert!((6..=8).contains(&free), "{free}");
        match rates.check(here, None) {
            Err(TooSoon { error: Error::RateLimited { retry_after, .. }, .. }) => {
                assert_eq!(retry_after, Duration::from_secs(1))
            }
            other => panic!("{other:?}"),
        }
        // So fast that a key is as good as new when it is looked at again.
        let rate = Rate::new(u32::MAX).expect("it is a rate");
        for network in 0..100_000u32 {
            let [a, b] = [(network >> 16) as u16, network as u16];
            rate.check(&IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, a, b, 0, 0, 0, 0)), "").expect("it may");
        }
        assert!(rate.limiter.len() < 2 * REMEMBERED, "{}", rate.limiter.len());
    }
}
