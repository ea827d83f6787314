//! Strategies: each a file, each turns a proof into a principal or a precise refusal.
//!
//! Nothing behind this module knows which strategy it was. Strategies know neither sessions nor
//! transports.

mod password;
mod secret;
mod throttle;

pub use password::{PasswordOptions, PasswordStrategy};
pub(crate) use secret::RESET_PREFIX;
pub use secret::{Secret, hash_code, new_code};
pub use throttle::ThrottleOptions;
