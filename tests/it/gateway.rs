//! Upstreams behind the gateway.

mod fidelity;
mod oauth;
mod status;
