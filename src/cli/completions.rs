//! `sessile completions` and `sessile man`: what shells and `man` know of the command line.

use super::{Cli, wrong};
use crate::error::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print a script that has a shell complete this command line
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sessile completions bash > ~/.local/share/bash-completion/completions/sessile
  sessile completions zsh > ~/.zfunc/_sessile
  sessile completions fish > ~/.config/fish/completions/sessile.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Print the manual page, or write those of all subcommands
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Write a page for each subcommand into this directory, as sessile.1, sessile-login.1, …
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(self) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "sessile", &mut script);
        print(&script)
    }
}

impl Man {
    pub(super) fn run(self) -> Result<ExitCode> {
        let command = Cli::command();
        let Some(dir) = self.dir else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(wrong)?;
            return print(&page);
        };
        let wrong = |error: std::io::Error| wrong(format!("cannot write to {}: {error}", dir.display()));
        std::fs::create_dir_all(&dir).map_err(wrong)?;
        clap_mangen::generate_to(command, &dir).map_err(wrong)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn print(bytes: &[u8]) -> Result<ExitCode> {
    // Whoever reads may have had enough.
    let _ = std::io::stdout().write_all(bytes);
    Ok(ExitCode::SUCCESS)
}
