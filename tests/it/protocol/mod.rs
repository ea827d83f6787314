//! MCP in both eras on one endpoint.

mod asking;
mod batches;
mod eras;
mod in_flight;
mod messages;
mod order;
pub(crate) mod prompts;
mod providers;
mod reporting;
pub(crate) mod resources;
mod subscriptions;
