//! MCP: one dispatcher for every transport, in both eras.
//!
//! [`Dispatcher::receive`] takes a session and a message and gives back a [`Step`]. It knows
//! sessions, tools and the protocol; it knows no socket.

mod about;
mod call;
mod dispatcher;
mod exchange;
mod failures;
mod features;
mod lists;
mod notify;
mod params;
mod proxy;
mod rates;
mod registry;
mod request_state;
mod rounds;
mod running;
mod subscriptions;
mod work;

pub use about::{ACCOUNT_INSTRUCTIONS, About, INSTRUCTIONS};
pub use dispatcher::{Dispatcher, Step};
pub use features::Features;
pub use registry::Registry;
pub use running::Running;
