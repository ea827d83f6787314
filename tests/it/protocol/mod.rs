//! MCP in both eras on one endpoint.

mod asking;
mod batches;
mod eras;
mod in_flight;
mod messages;
mod order;
mod prompts;
mod providers;
mod reporting;
mod resources;
mod subscriptions;
