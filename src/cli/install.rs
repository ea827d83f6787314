//! `sessile install`: setting up the programs that people use MCP servers from.

mod entry;
mod file;
mod hosts;
mod json;
mod record;
mod splice;
mod toml;

use super::wrong;
use crate::client::{Place, Profiles, check_name, credentials};
use crate::error::{Error, Result};
use clap::Args;
use entry::Entry;
use file::ConfigFile;
use hosts::{Host, Target};
use record::Record;
use splice::Splice;
use std::io::{BufRead as _, IsTerminal as _, Write as _, stderr, stdin};
use std::process::ExitCode;

/// Set up an agent or an editor to use a gateway
///
/// Writes into the program's own configuration how to start `sessile connect` with the gateway, and leaves every other
/// byte of the file as it is. What would change is shown first, and is done after a yes, or with --yes. No secret is
/// written: `sessile connect` finds the profile's key by itself.
///
/// The file is replaced as a whole or not at all, and keeps its permissions. No backup is left behind, since these
/// files may hold secrets of others; --remove takes out what was put in.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sessile install gemini wss://gateway.example/mcp
  sessile install claude-code harbour --name crm --yes
  sessile install claude-code harbour --native
  sessile install codex harbour --dry-run
  sessile install cursor --project --yes
  sessile install gemini --remove --yes")]
pub(super) struct Install {
    /// The program to set up
    #[arg(value_enum)]
    client: Host,
    /// The gateway: a URL, or the name of a profile [default: the default profile]
    #[arg(value_name = "URL")]
    gateway: Option<String>,
    /// What the program is to call the server
    #[arg(long, default_value = "sessile")]
    name: String,
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Take the server out again
    #[arg(long, conflicts_with_all = ["native", "gateway"])]
    remove: bool,
    /// Have the program open the WebSocket itself (Claude Code): sign in there with the tool auth_sign_in
    #[arg(long)]
    native: bool,
    /// Have the bridge send the key where it can be read on the way: over ws:// to another machine
    #[arg(long, conflicts_with_all = ["native", "remove"])]
    insecure: bool,
    /// Set up the project in this directory instead of your account
    #[arg(long)]
    project: bool,
}

impl Install {
    pub(super) fn run(self) -> Result<ExitCode> {
        check_name(&self.name).map_err(wrong)?;
        let here = std::env::current_dir().map_err(|error| Error::internal("finding the directory", error))?;
        let target = self.client.target(self.project.then_some(&*here)).map_err(wrong)?;
        let file = ConfigFile::read(&target.path).map_err(wrong)?;
        let place = Place::here().map_err(wrong)?;
        if self.remove { self.take_out(&target, &file, &place) } else { self.put_in(&target, &file, &place) }
    }

    fn put_in(&self, target: &Target, file: &ConfigFile, place: &Place) -> Result<ExitCode> {
        let entry = self.entry(target, place)?;
        let found = file.entry(target, &self.name).map_err(wrong)?;
        let (name, path) = (&self.name, target.path.display());
        match &found {
            Some(found) if entry.is_served_by(found) => {
                println!("{path} has this server already.");
                return Ok(ExitCode::SUCCESS);
            }
            Some(found) if !Entry::is_ours(found) => {
                return Err(wrong(format!(
                    "{path} has another server called {name:?}, which `sessile install` did not write; give ours another \
                     name with --name"
                )));
            }
            _ => {}
        }
        let splices = file.put(target, name, &entry).map_err(wrong)?;
        if !self.agreed(file, &splices)? {
            return Ok(ExitCode::SUCCESS);
        }
        let after = file.after(&splices);
        let before = record::find(place, &target.path, name).map_err(wrong)?;
        let record = match (found, before) {
            (Some(_), before) => before
                .filter(|before| before.undo(&file.text).is_some())
                .and_then(|before| before.replaced(&splices, &after.text)),
            (None, _) => Record::of(&splices, &after.text),
        };
        let directories = after.write(self.mode()).map_err(wrong)?;
        let record = record.map(|record| Record {
            created: record.created || !file.exists(),
            directories: record.directories.max(directories),
            ..record
        });
        record::keep(place, &target.path, name, record).map_err(wrong)?;
        println!("{} has the server {name:?} now, in {path}. Start it anew if it is running.", self.client.title());
        Ok(ExitCode::SUCCESS)
    }

    fn take_out(&self, target: &Target, file: &ConfigFile, place: &Place) -> Result<ExitCode> {
        let (name, path) = (&self.name, target.path.display());
        let Some(found) = file.entry(target, name).map_err(wrong)? else {
            println!("{path} has no server {name:?}.");
            return Ok(ExitCode::SUCCESS);
        };
        if !Entry::is_ours(&found) {
            return Err(wrong(format!(
                "the server {name:?} in {path} is not one that `sessile install` wrote; take it out by hand"
            )));
        }
        let record = record::find(place, &target.path, name).map_err(wrong)?;
        let undone = record.as_ref().and_then(|record| record.undo(&file.text));
        let is_ours = undone.is_some() && record.as_ref().is_some_and(|record| record.created);
        let splices = match undone {
            Some(splices) => splices,
            None => file.cut(target, name).map_err(wrong)?,
        };
        if !self.agreed(file, &splices)? {
            return Ok(ExitCode::SUCCESS);
        }
        let after = file.after(&splices);
        match record {
            Some(record) if is_ours && after.text.is_empty() => file.remove(record.directories),
            _ => after.write(self.mode()).map(drop),
        }
        .map_err(wrong)?;
        record::keep(place, &target.path, name, None).map_err(wrong)?;
        println!("{} has the server {name:?} no more, in {path}.", self.client.title());
        Ok(ExitCode::SUCCESS)
    }

    /// The mode of a file that was not there. A project's is for whoever works on it.
    fn mode(&self) -> u32 {
        if self.project { 0o644 } else { 0o600 }
    }

    /// What is to stand in the file.
    fn entry(&self, target: &Target, place: &Place) -> Result<Entry> {
        let profiles = Profiles::load(place).map_err(wrong)?;
        let (url, found) = credentials::find(&profiles, self.gateway.as_deref(), None).map_err(wrong)?;
        if self.native {
            if !self.client.speaks_websocket() {
                let title = self.client.title();
                return Err(wrong(format!("{title} speaks no WebSocket; without --native it gets the bridge")));
            }
            return Ok(Entry::Native { url: url.to_string() });
        }
        let by_name = found.as_ref().filter(|(name, _)| self.gateway.as_deref().is_none_or(|typed| typed == name));
        if found.is_some() || std::env::var_os(credentials::TOKEN).is_some() {
            credentials::may_be_sent(&url, self.insecure).map_err(wrong)?;
        } else {
            let _ = writeln!(stderr(), "There is no sign-in for {url} yet; `sessile login {url}` makes one.");
        }
        let gateway = by_name.map_or_else(|| url.to_string(), |(name, _)| name.clone());
        let command = std::env::current_exe().map_err(|error| Error::internal("finding this program", error))?;
        let command = command.into_os_string().into_string();
        let command = command.map_err(|path| wrong(format!("the path of this program is no UTF-8: {path:?}")))?;
        let mut arguments = vec!["connect".to_owned(), gateway];
        arguments.extend(self.insecure.then(|| "--insecure".to_owned()));
        Ok(Entry::Command { command, arguments, says_stdio: target.says_stdio })
    }

    /// Shows what would change, and asks where nobody has said yes.
    fn agreed(&self, file: &ConfigFile, splices: &[Splice]) -> Result<bool> {
        let new = if file.exists() { "" } else { " (new)" };
        print!("{}{new}\n{}", file.path.display(), splice::show(&file.text, splices));
        if self.yes || self.dry_run {
            return Ok(self.yes);
        }
        if !stdin().is_terminal() {
            return Err(wrong("nobody is there to ask; say --yes to have it done, or --dry-run to look only"));
        }
        let _ = write!(stderr(), "Change it? [y/N] ").and_then(|()| stderr().flush());
        let mut line = String::new();
        stdin().lock().read_line(&mut line).map_err(|error| Error::internal("reading the answer", error))?;
        let yes = ["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str());
        if !yes {
            println!("Nothing is changed.");
        }
        Ok(yes)
    }
}
