//! `sessile connect`: the real binary between a host on pipes and a server.

mod ends;
mod faults;
mod gateways;
mod host;
mod passing;
mod proxy;
mod sessions;
mod upgrade;
