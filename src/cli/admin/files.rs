//! `sessile admin backup`, `restore` and `check`.

use super::show::Out;
use crate::error::Result;
use crate::store::{self, Finding, StoreOptions};
use crate::time::Time;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// The copy is of one moment, complete in itself, and only its owner may read it: it holds hashes of
/// passwords, and the keys that sign tokens.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Where to; a file that is there already is left alone
    file: PathBuf,
}

/// The database that was there is kept beside it, as <database>.before-restore-<time>. What was revoked since
/// the backup was made is good again: end sessions and rotate keys afterwards if that matters.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A file that `sessile admin backup` wrote
    file: PathBuf,
}

/// Looks at the file, at references between rows, the schema's version, the counts that quotas use, and the
/// search index. Reads all of it; the database may be served meanwhile.
#[derive(Debug, Args)]
pub(super) struct Check {}

impl Backup {
    pub(super) fn run(self, options: &StoreOptions, out: Out) -> Result<()> {
        store::backup(options, &self.file)?;
        let bytes = std::fs::metadata(&self.file).map_or(0, |file| file.len());
        let text = format!("Wrote a backup to {} ({bytes} bytes).", self.file.display());
        out.done(&json!({ "file": self.file, "bytes": bytes }), &text);
        Ok(())
    }
}

impl Restore {
    pub(super) fn run(self, options: &StoreOptions, out: Out) -> Result<()> {
        // As it can stand in a file's name: 20260131T093000.000Z.
        let time = Time::now().to_string().replace(['-', ':'], "");
        let aside = store::restore(options, &self.file, &time)?;
        let mut text = format!("Restored {}.", self.file.display());
        if let Some(aside) = &aside {
            text.push_str(&format!(" What was there is in {}.", aside.display()));
        }
        out.done(&json!({ "restored": self.file, "before": aside }), &text);
        Ok(())
    }
}

impl Check {
    pub(super) fn run(self, options: &StoreOptions, out: Out) -> Result<ExitCode> {
        let findings = store::check(options)?;
        let wrong = findings.iter().any(|finding| !finding.wrong.is_empty());
        let lines: Vec<_> = findings.iter().map(line).collect();
        out.done(&findings, &lines.join("\n"));
        Ok(if wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn line(Finding { about, wrong }: &Finding) -> String {
    if wrong.is_empty() {
        return format!("ok     {about}");
    }
    let lines: String = wrong.iter().map(|line| format!("\n       {line}")).collect();
    format!("WRONG  {about}{lines}")
}
