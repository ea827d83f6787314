//! `sessile admin master-key`.

use super::show::Out;
use crate::admin::rotate_master_key;
use crate::error::{Error, Result};
use crate::store::StoreOptions;
use crate::tenancy::{MasterKeySource, generate_master_key};
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// What the new key is in, if not in a file.
const NEW: &str = "SESSILE_NEW_MASTER_KEY";

#[derive(Debug, Subcommand)]
pub(super) enum MasterKey {
    /// Make a key, and print it or write it to a new file
    ///
    /// Nothing else is done with it: give it to the server as SESSILE_MASTER_KEY or by the setting
    /// master_key_file. Keep a copy away from the database and its backups. Without it, what is sealed is lost.
    Generate(Generate),
    /// Seal all credentials with a new key
    ///
    /// The keys that are in use are given as to the server: by SESSILE_MASTER_KEY or master_key_file. The new
    /// one is in SESSILE_NEW_MASTER_KEY, or in the file that --new-key-file names. Stop the server first, and
    /// start it with the new key. It is done in one write: if it breaks off, the old key is good, or the new
    /// one is; a server that is given both, with a comma between them, starts either way.
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Where to, for its owner alone; a file that is there already is left alone
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The file that holds the new key [default: the key in SESSILE_NEW_MASTER_KEY]
    #[arg(long, value_name = "FILE")]
    new_key_file: Option<PathBuf>,
}

impl MasterKey {
    pub(super) async fn run(self, store: &StoreOptions, keys: &MasterKeySource, out: Out) -> Result<()> {
        match self {
            Self::Generate(Generate { file: None }) => {
                let key = generate_master_key();
                out.done(&json!({ "key": *key }), &key);
            }
            Self::Generate(Generate { file: Some(file) }) => {
                let wrong = |e: std::io::Error| Error::Config(format!("cannot write {}: {e}", file.display()));
                let mut options = std::fs::OpenOptions::new();
                let mut to = options.write(true).create_new(true).mode(0o600).open(&file).map_err(wrong)?;
                writeln!(to, "{}", *generate_master_key()).and_then(|()| to.sync_all()).map_err(wrong)?;
                out.done(&json!({ "file": file }), &format!("Wrote a new master key to {}.", file.display()));
            }
            Self::Rotate(Rotate { new_key_file }) => {
                let given = if new_key_file.is_some() { None } else { std::env::var(NEW).ok().map(Into::into) };
                let new = MasterKeySource { given, file: new_key_file }.load().map_err(named_new)?;
                let rotated = rotate_master_key(store, keys.load()?, new).await?;
                let text = format!(
                    "All that is sealed ({}) is sealed with the master key {} now. Start the server with that one.",
                    rotated.resealed, rotated.id
                );
                out.done(&rotated, &text);
            }
        }
        Ok(())
    }
}

/// The same rules hold for the new key, by other names.
fn named_new(error: Error) -> Error {
    let text = error.to_string().replace("SESSILE_MASTER_KEY", NEW).replace("master_key_file", "--new-key-file");
    Error::Config(text)
}
