//! Sessile: a multi-tenant, stateful MCP gateway.

mod amount;
pub mod auth;
pub mod cli;
pub mod config;
mod demo;
pub mod error;
pub mod mcp;
mod repository;
pub mod server;
pub mod session;
pub mod store;
pub mod tenancy;
mod time;
pub mod tools;
mod transport;
pub mod wire;
