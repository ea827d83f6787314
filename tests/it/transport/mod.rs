//! The WebSocket binding and the HTTP around it.

mod drain;
mod frames;
mod limits;
mod plain_http;
mod timeouts;
mod tls;
mod upgrade;
