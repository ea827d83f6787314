//! `sessile admin`: looking after a database, whether or not somebody serves it.

mod credentials;
mod files;
mod keys;
mod master_key;
pub(super) mod show;
mod tenants;
mod users;

use super::runtime_of_one_thread;
use crate::admin::Admin;
use crate::config::Config;
use crate::error::Result;
use clap::{Args, Subcommand};
use show::Out;
use std::path::PathBuf;
use std::process::ExitCode;

/// Look after a database: tenants, users, credentials, keys, backups.
///
/// Works on the database itself, beside `sessile serve` or without it, and needs no sign-in: who may write
/// the file may do all of this. When a command says that something is done, it is in force, on connections
/// that are open as well. What is done to a tenant or a user is in the tenant's audit log, by "sessile admin".
///
/// The database is the one that `sessile serve` would use here: --database-url, else SESSILE_DATABASE_URL,
/// else the configuration file, else sqlite:sessile.db.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sessile admin tenants list
  sessile admin users reset-password ada@example.com
  sessile admin tenants suspend 01890000-0000-7000-8000-000000000000
  sessile admin sessions end --user ada@example.com
  sessile admin backup /backups/sessile-monday.db
  sessile admin check && echo all is well

Lists are for people; with --json they are one JSON array, for programs. Times are in UTC.
The exit status is 0 when it is done, 1 when it is not, and 2 when the command line is wrong.
docs/operations.md tells more about each.")]
pub(super) struct AdminArgs {
    /// The database, as sqlite:PATH [default: sqlite:sessile.db] [env: SESSILE_DATABASE_URL]
    #[arg(long, value_name = "URL", global = true)]
    database_url: Option<String>,

    /// The configuration file [default: sessile.toml, if there is one] [env: SESSILE_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,

    /// Print JSON
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List, create, suspend, resume, export and delete tenants
    #[command(subcommand)]
    Tenants(tenants::Tenants),
    /// List users, replace forgotten passwords, keep somebody out
    #[command(subcommand)]
    Users(users::Users),
    /// End open sessions
    #[command(subcommand)]
    Sessions(credentials::Sessions),
    /// List and revoke the tokens that follow from sign-ins
    #[command(subcommand)]
    Tokens(credentials::Tokens),
    /// List and revoke API keys
    #[command(subcommand)]
    ApiKeys(credentials::ApiKeys),
    /// List and rotate the keys that sign access tokens
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Make and rotate the key that seals credentials
    #[command(subcommand)]
    MasterKey(master_key::MasterKey),
    /// Write a copy of the database to a new file, while it is served or not
    Backup(files::Backup),
    /// Put a backup in the database's place; nobody may serve it meanwhile
    Restore(files::Restore),
    /// Look whether the database is as it should be; exits with 1 if it is not
    Check(files::Check),
}

impl AdminArgs {
    pub(super) fn run(self) -> Result<ExitCode> {
        let environment = |name: &str| std::env::var(name).ok();
        let flags: Vec<_> = self.database_url.iter().map(|url| ("database_url", url.clone())).collect();
        let file = self.config.clone().or_else(|| environment("SESSILE_CONFIG").map(PathBuf::from));
        let server = Config::load(file.as_deref(), &flags, environment)?.server;
        let options = server.store;
        let out = Out { json: self.json };
        let run = async {
            let open = || Admin::open(options.clone());
            match self.command {
                Command::Tenants(command) => command.run(&open()?, out).await?,
                Command::Users(command) => command.run(&open()?, out).await?,
                Command::Sessions(command) => command.run(&open()?, out).await?,
                Command::Tokens(command) => command.run(&open()?, out).await?,
                Command::ApiKeys(command) => command.run(&open()?, out).await?,
                Command::Keys(command) => command.run(&open()?, out).await?,
                Command::MasterKey(command) => command.run(&options, &server.master_key, out).await?,
                Command::Backup(command) => command.run(&options, out)?,
                Command::Restore(command) => command.run(&options, out)?,
                Command::Check(command) => return command.run(&options, out),
            }
            Ok(ExitCode::SUCCESS)
        };
        runtime_of_one_thread()?.block_on(run)
    }
}
