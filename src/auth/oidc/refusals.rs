//! How often a tenant is told of refused tokens.
//!
//! Whoever reaches the server can send as many tokens as they like that are worth nothing. So a tenant's
//! audit log gets one entry of a kind in a minute, and what is kept to see to that is bounded.

use parking_lot::Mutex;
use std::collections::HashMap;

/// How long one entry stands for all of its kind, in milliseconds.
const EVERY: i64 = 60_000;
/// As many tenants and kinds are told apart.
const MOST: usize = 10_000;

/// When which tenants were told of what.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<(String, &'static str), i64>>);

impl Refusals {
    /// Whether a tenant is to be told now of a refusal for this reason; if so, it counts as told.
    pub(super) fn due(&self, tenant: &str, why: &'static str, now: i64) -> bool {
        let mut told = self.0.lock();
        let kind = (tenant.to_owned(), why);
        if told.get(&kind).is_some_and(|at| now < at + EVERY) {
            return false;
        }
        if told.len() >= MOST {
            told.retain(|_, at| now < *at + EVERY);
        }
        if told.len() >= MOST {
            return false;
        }
        told.insert(kind, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_once_a_minute_to_each_tenant() {
        let refusals = Refusals::default();
        for (tenant, why, now, due) in [
            ("a", "expired", 0, true),
            ("a", "expired", EVERY - 1, false),
            ("a", "forged", EVERY - 1, true),
            ("b", "expired", EVERY - 1, true),
            ("a", "expired", EVERY, true),
        ] {
            assert_eq!(refusals.due(tenant, why, now), due, "{tenant} {why} {now}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let refusals = Refusals::default();
        assert!((0..MOST).all(|number| refusals.due(&number.to_string(), "expired", 0)));
        assert!(!refusals.due("one more", "expired", 1));
        assert!(refusals.due("one more", "expired", EVERY));
        assert_eq!(refusals.0.lock().len(), 1);
    }
}
