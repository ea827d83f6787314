//! MCP in both eras on one endpoint.

mod batches;
mod eras;
mod in_flight;
mod messages;
mod order;
mod prompts;
mod reporting;
mod resources;
mod subscriptions;
