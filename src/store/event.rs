//! What a committed write tells the rest of the process.

use uuid::Uuid;

/// The kinds of business record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum RecordKind {
    Company,
    Contact,
    Deal,
    Activity,
}

impl RecordKind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Company, Self::Contact, Self::Deal, Self::Activity];

    /// Its name, as in `crm_contact_get` and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Contact => "contact",
            Self::Deal => "deal",
            Self::Activity => "activity",
        }
    }

    /// Its plural, as in `crm://contacts/…`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Company => "companies",
            Self::Contact => "contacts",
            Self::Deal => "deals",
            Self::Activity => "activities",
        }
    }

    /// The URI of a record as a resource.
    #[must_use]
    pub fn uri(self, id: Uuid) -> String {
        format!("crm://{}/{id}", self.plural())
    }
}

/// Something that happened, sent with the write that made it so.
///
/// Events are plain data, so that a store shared by several nodes can carry them between those.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A record was created, changed or deleted.
    Record {
        /// Whose it is.
        tenant: Uuid,
        /// What it is.
        kind: RecordKind,
        /// Which one.
        id: Uuid,
        /// Whether the list of records changed, and not only one of them.
        list_changed: bool,
    },
    /// A user's password, memberships or roles changed: whoever is signed in as them is to be
    /// looked at again.
    User {
        /// Which user.
        user: Uuid,
    },
    /// Whoever runs the server had a user's sessions end.
    EndSessions {
        /// Which user.
        user: Uuid,
        /// The tenant whose sessions end; none for all of them.
        tenant: Option<Uuid>,
    },
    /// There are other keys to sign tokens with.
    SigningKeys,
    /// A tenant's own upstreams are others.
    Upstreams {
        /// Whose they are.
        tenant: Uuid,
    },
    /// Something that is kept sealed for a tenant was set or removed.
    Sealed {
        /// Whose it is.
        tenant: Uuid,
        /// What it is, as `tenancy` calls it; none when it may be anything.
        what: Option<String>,
    },
}
