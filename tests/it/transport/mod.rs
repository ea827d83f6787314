//! The WebSocket binding and the HTTP around it.

mod drain;
mod forwarded;
mod frames;
mod http;
mod limits;
mod plain_http;
mod timeouts;
mod tls;
mod upgrade;
mod web_pages;
