//! The other end: what the command line needs to talk to a gateway, this one or another.
//!
//! Nothing here knows a server's sessions or tenants. One WebSocket is dialled, spoken on, and closed.

mod address;
mod bridge;
mod caller;
pub(crate) mod credentials;
mod dial;
mod gateway;
mod place;
mod profiles;
mod secrets;
pub(crate) mod tools;

pub(crate) use address::GatewayUrl;
pub(crate) use bridge::{Options as BridgeOptions, Verbosity, run as bridge};
pub(crate) use caller::{CallError, Caller, Closed, Event};
pub(crate) use dial::{DialError, Socket, dial};
pub(crate) use gateway::{Gateway, OpenError, ToolResult, call_params};
pub(crate) use place::{Place, replace};
pub(crate) use profiles::{Profile, Profiles, check_name, name_of};
pub(crate) use secrets::Vault;
