//! MCP servers behind the gateway: what they are, and the sessions that are kept with them.
//!
//! A [`Definition`] says how one is reached and who may use it. A *link* moves whole messages to one upstream session
//! and back, and knows nothing of what they mean. Nothing here knows a tool of ours, or in what a client's message came.

// Parts of it are not used yet.
#![allow(dead_code, unused_imports)]

mod check;
mod clashes;
mod definition;
mod failure;
mod link;
mod openapi;
mod outbound;
mod outward;
mod template;

pub(crate) use clashes::check_together;
pub use definition::{
    Allowed, AuthorizationOptions, Definition, EraChoice, IdentityOptions, Isolation, Reach, Tenants, UpstreamLimits,
};
pub use failure::Failure;
pub(crate) use link::{Inbox, Link, Outgoing, Purpose};
pub use template::Template;
