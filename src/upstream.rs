//! MCP servers behind the gateway: what they are, and the sessions that are kept with them.
//!
//! A [`Definition`] says how one is reached and who may use it. A *link* moves whole messages to one upstream session
//! and back, and knows nothing of what they mean; a *peer* is the MCP session on it; a *slot* has the peer of one isolation
//! unit opened when it is needed; [`Upstreams`] has them all. Nothing here knows a tool of ours, or in what a client's
//! message came.

mod asking;
mod caller;
mod catalogue;
mod check;
mod clashes;
mod definition;
mod environment;
mod failure;
mod handshake;
mod health;
mod http;
mod link;
mod listing;
mod oauth;
mod openapi;
mod outbound;
mod outward;
pub(crate) mod own;
mod parked;
mod peer;
mod permission;
#[cfg(test)]
mod recorder;
mod registry;
mod reply;
mod slot;
mod stdio;
mod template;
#[cfg(test)]
mod test_server;
mod websocket;

pub(crate) use asking::can as can_ask;
pub(crate) use caller::{Asked, Asks, Caller, Logs};
pub use catalogue::{Catalogue, OwnUpstreams};
pub(crate) use clashes::check_together;
pub use definition::{
    Allowed, AuthorizationOptions, Definition, EraChoice, IdentityOptions, Isolation, Reach, Tenants, UpstreamLimits,
};
pub use failure::Failure;
pub(crate) use handshake::{Agreed, Opener, opener};
#[cfg(test)]
pub(crate) use link::Link;
pub(crate) use link::{Inbox, Outgoing, Purpose};
pub(crate) use listing::List;
pub(crate) use oauth::{CALLBACK, DOCUMENT};
pub(crate) use outbound::{Destinations, Outbound, Socket as OutboundSocket};
pub(crate) use outward::names as credentials_of;
pub(crate) use parked::Parked;
pub(crate) use peer::{Peer, Sending};
pub(crate) use permission::{Refused, Stage, Visit};
pub use registry::Upstreams;
pub(crate) use reply::Reply;
pub(crate) use slot::{Slot, Status};
pub use template::Template;
