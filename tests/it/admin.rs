//! `sessile admin`, beside a server that serves the same database.

mod access;
mod credentials;
mod files;
mod lock;
mod tenants;
