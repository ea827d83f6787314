//! MCP servers behind the gateway: what they are, and the sessions that are kept with them.
//!
//! A [`Definition`] says how one is reached and who may use it. A *link* moves whole messages to one upstream session
//! and back, and knows nothing of what they mean. Nothing here knows a tool of ours, or in what a client's message came.

// Parts of it are not used yet.
#![allow(dead_code, unused_imports)]

mod definition;
mod failure;
mod http;
mod link;
mod oauth;
mod outbound;
mod outward;
mod template;
#[cfg(test)]
mod test_server;

pub use definition::{
    Allowed, AuthorizationOptions, Definition, EraChoice, IdentityOptions, Isolation, Reach, Tenants, UpstreamLimits,
};
pub use failure::Failure;
pub(crate) use link::{Inbox, Link, Outgoing, Purpose};
pub(crate) use outbound::{Destinations, Outbound};
pub use template::Template;
