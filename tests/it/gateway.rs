//! Upstreams behind the gateway.

mod asking;
mod eras;
mod fidelity;
mod isolation;
mod lifetime;
mod messages;
mod nasty;
mod oauth;
mod own;
mod reload;
mod routing;
mod stage;
mod status;
#[cfg(target_os = "linux")]
mod waves;
