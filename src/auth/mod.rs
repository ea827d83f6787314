//! Strategies: each a file, each turns a proof into a principal or a precise refusal.
//!
//! Nothing behind this module knows which strategy it was. Strategies know neither sessions nor
//! transports.

mod api_key;
mod bearer;
mod identity;
mod oidc;
mod password;
mod recent;
mod resume;
mod secret;
mod signing_keys;
mod strategies;
mod throttle;
mod token;

pub(crate) use api_key::new_api_key;
pub use bearer::{Admitted, Bearers, Token};
pub(crate) use identity::{IdentifiedUser, Identity};
pub use oidc::OidcOptions;
pub(crate) use oidc::strategies as oidc_strategies;
pub use password::{PasswordOptions, PasswordStrategy};
pub use resume::{Issued, Presented, ResumeStrategy};
pub(crate) use secret::{RESET_PREFIX, typed};
pub use secret::{Secret, hash_code, new_code};
pub use signing_keys::SigningKeys;
pub(crate) use signing_keys::{LOOK_EVERY, new_signing_key};
pub use strategies::{Strategies, StrategyOptions};
pub use throttle::ThrottleOptions;
pub use token::{TokenOptions, TokenStrategy, Tokens};
