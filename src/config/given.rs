//! What was set, as it was written: to find out what has changed since.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Keys and what they were set to, which is not shown.
#[derive(Clone, Default)]
pub(super) struct Given(BTreeMap<String, String>);

impl Given {
    pub(super) fn note(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    /// The keys that are set otherwise there.
    pub(super) fn differences<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a str> {
        let keys = self.0.keys().chain(other.0.keys());
        keys.filter(|key| self.0.get(*key) != other.0.get(*key)).map(String::as_str).collect()
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
