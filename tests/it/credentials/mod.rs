//! What tenants' admins set for upstreams: sealed at rest, shown to nobody, theirs alone.

mod master_key;
mod secrecy;
mod upstreams;
