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
mod target;
mod terminal;
mod tools;

use crate::error::{Error, Result};
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tokio::runtime::{Builder, Runtime};

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
        Command::Call(command) => command.run(),
        Command::Tools(command) => command.run(),
        Command::Shell(command) => command.run(),
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

/// What a command that talks to a gateway runs on: a thread beside this one, on which the connection goes on while this
/// one waits for somebody who types.
fn runtime() -> Result<Runtime> {
    started(Builder::new_multi_thread().worker_threads(1))
}

/// What a command that waits for nobody runs on: this thread alone. A host may start a bridge for each of its agents.
fn runtime_of_one_thread() -> Result<Runtime> {
    started(&mut Builder::new_current_thread())
}

fn started(builder: &mut Builder) -> Result<Runtime> {
    builder.enable_all().build().map_err(|error| Error::internal("starting the runtime", error))
}

/// What a person did, or has set up, that can't be done.
fn wrong(why: impl std::fmt::Display) -> Error {
    Error::Config(why.to_string())
}
