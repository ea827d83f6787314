//! Who is signed in, for how long, and what ends it.

mod audit;
mod passwords;
mod roles;
mod sessions;
mod tenants;
mod throttle;
