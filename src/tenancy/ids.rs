//! Typed ids. All are UUIDv7: they sort by the time at which they were made.

use serde::{Serialize, Serializer};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new one.
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// As the store keeps it.
            #[must_use]
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl From<$name> for crate::store::Value {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    };
}

id!(
    /// A tenant. It comes from the connection's principal and never from a request, so it does
    /// not implement `Deserialize`.
    TenantId
);
id!(
    /// A user: a person, who may be a member of several tenants.
    UserId
);
id!(
    /// A session. Knowing one proves nothing.
    SessionId
);

impl TenantId {
    /// Reads one that the store kept; only `tenancy` can.
    pub(super) fn stored(id: Uuid) -> Self {
        Self(id)
    }
}

impl UserId {
    /// Reads one that the store kept or told of.
    pub(crate) fn stored(id: Uuid) -> Self {
        Self(id)
    }
}

impl SessionId {
    /// Reads the id of a session that somebody wants to end; `None` when it is malformed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}
