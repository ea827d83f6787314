//! The command line: one file a subcommand.

mod serve;

use crate::error::Result;
use clap::{Parser, Subcommand};

/// A multi-tenant, stateful MCP gateway: sign in once, and every tool call on the connection knows
/// its tenant.
#[derive(Debug, Parser)]
#[command(name = "sessile", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP over WebSocket.
    Serve(serve::Serve),
}

/// Runs the command line of this process; returns when the command is done.
///
/// # Errors
/// What stopped the command; [`std::fmt::Display`] gives one line for its user.
pub fn run() -> Result<()> {
    match Cli::parse().command {
        Command::Serve(command) => command.run(),
    }
}
