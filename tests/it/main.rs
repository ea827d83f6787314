//! The tests that run the real thing: the server on a port of its own, over real sockets, with a
//! real database. One binary, so that it links once; a module for each promise.

mod admin;
mod architecture;
mod bridge;
mod cli;
mod configuration;
mod crash;
mod credentials;
mod denials;
mod gateway;
mod idempotency;
mod isolation;
#[cfg(target_os = "linux")]
mod leaks;
mod limits;
mod observe;
mod protocol;
mod records;
mod resume;
mod shell;
mod sign_in;
mod support;
mod transport;
mod upgrade;
mod ways;
mod web;
