//! The trust boundary: who is calling, and the right to touch one tenant's data.
//!
//! A [`Principal`] is made here alone, from a proof that a strategy in `auth` has checked; a
//! [`TenantScope`] is made here alone, from a live principal. Both have private fields, and a
//! [`TenantId`] can't be deserialised, so no request can name its tenant.

mod authority;
mod credentials;
mod directory;
mod idempotency;
mod ids;
mod principal;
mod quotas;
mod role;
mod scope;
mod secrets;
mod standing;
mod vault;

pub use authority::Authority;
pub(crate) use authority::Recognised;
pub use credentials::Credentials;
pub(crate) use credentials::{Family, Refreshed, Resumable, StoredKey};
pub(crate) use directory::email_key;
pub use directory::{Account, Directory, Membership, Named};
pub(crate) use idempotency::KEPT as IDEMPOTENCY_KEPT;
pub use ids::{SessionId, TenantId, UserId};
pub use principal::{Principal, Proof};
pub use quotas::Quotas;
pub use role::Role;
pub use scope::{ScopedWrite, TenantScope};
pub(crate) use secrets::{Secrets, Watch};
pub use vault::{MasterKeySource, MasterKeys, Vault};
pub(crate) use vault::{What, generate as generate_master_key, reseal};
