//! The other end: what the command line needs to talk to a gateway, this one or another.
//!
//! Nothing here knows a server's sessions or tenants. One WebSocket is dialled, spoken on, and closed.

mod address;
mod caller;
mod dial;
mod gateway;
pub(crate) mod tools;

pub(crate) use address::GatewayUrl;
pub(crate) use caller::{CallError, Caller, Closed, Event, Reply};
pub(crate) use dial::{DialError, Socket, dial};
pub(crate) use gateway::{Gateway, OpenError, ToolResult};
