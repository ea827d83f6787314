//! The command line: one file a subcommand.

mod admin;
mod call;
mod completions;
mod connect;
mod doctor;
mod exchange;
mod failure;
mod install;
mod log;
mod login;
mod manual;
mod questions;
mod serve;
mod shell;
mod talk;
mod target;
mod terminal;
mod tools;

use crate::error::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A multi-tenant MCP server: sign in once, and every tool call knows its tenant.
#[derive(Debug, Parser)]
#[command(name = "sessile", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP over WebSocket and HTTP.
    Serve(serve::Serve),
    Connect(connect::Connect),
    Call(call::Call),
    Tools(tools::Tools),
    Shell(shell::Shell),
    Admin(admin::AdminArgs),
    Login(login::Login),
    Logout(login::Logout),
    Whoami(login::Whoami),
    Profiles(login::ProfilesArgs),
    Install(install::Install),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(completions::Man),
}

/// Runs the command line of this process; returns its exit status when the command is done.
///
/// # Errors
/// What stopped the command; [`std::fmt::Display`] gives one line for its user.
pub fn run() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Serve(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Connect(command) => command.run().map(|()| ExitCode::SUCCESS),
        Command::Call(command) => Ok(command.run()),
        Command::Tools(command) => Ok(command.run()),
        Command::Shell(command) => Ok(command.run()),
        Command::Admin(command) => command.run(),
        Command::Login(command) => command.run(),
        Command::Logout(command) => command.run(),
        Command::Whoami(command) => command.run(),
        Command::Profiles(command) => command.run(),
        Command::Install(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    }
}

/// What a command that talks to a gateway runs on: little, for it waits most of the time.
fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("the system lets a process have a thread")
}
