//! Who is signed in, for how long, and what ends it.

mod api_keys;
mod audit;
mod bad_tokens;
mod in_force;
mod oidc;
mod passwords;
mod roles;
mod sessions;
mod tenants;
mod throttle;
mod tokens;
