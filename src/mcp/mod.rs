//! MCP: one dispatcher for every transport, in both eras.
//!
//! [`Dispatcher::receive`] takes a session and a message and gives back a [`Step`]. It knows
//! sessions, tools and the protocol; it knows no socket.

mod call;
mod completion;
mod dispatcher;
mod exchange;
mod lists;
mod mirror;
mod notify;
mod params;
mod prompts;
mod registry;
mod resources;
mod running;
mod server;
mod subscriptions;

pub use dispatcher::{Dispatcher, Step};
pub use mirror::Mirrored;
pub use registry::Registry;
pub use running::Running;
