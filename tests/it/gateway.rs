//! Upstreams behind the gateway.

mod fidelity;
