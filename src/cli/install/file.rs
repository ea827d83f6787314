//! A configuration file of a host: read whole, changed in places, and written whole.

use super::entry::Entry;
use super::hosts::{Format, Target};
use super::json::Json;
use super::splice::{Splice, apply};
use super::toml::Toml;
use crate::client::replace;
use serde_json::Value;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What editors of another system put in front of a text.
const BOM: &str = "\u{feff}";
/// The longest configuration that is looked at.
const MAX: u64 = 64 * 1024 * 1024;

/// A file as it is.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    /// What is in it behind a byte order mark.
    pub(super) text: String,
    has_bom: bool,
    /// The file's mode, if there is a file.
    mode: Option<u32>,
}

impl ConfigFile {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let wrong = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", path.display());
        let path = path.to_owned();
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self { path, text: String::new(), has_bom: false, mode: None });
            }
            Err(error) => return Err(wrong(&error)),
        };
        if found.len() > MAX {
            return Err(wrong(&"it is too long for a configuration"));
        }
        let bytes = fs::read(&path).map_err(|error| wrong(&error))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            wrong(&format!("line {line} is no UTF-8"))
        })?;
        let (has_bom, text) = match text.strip_prefix(BOM) {
            Some(rest) => (true, rest.to_owned()),
            None => (false, text),
        };
        Ok(Self { path, text, has_bom, mode: Some(found.mode() & 0o7777) })
    }

    pub(super) fn exists(&self) -> bool {
        self.mode.is_some()
    }

    /// The server of a name in it.
    pub(super) fn entry(&self, target: &Target, name: &str) -> Result<Option<Value>, String> {
        self.explained(match target.format {
            Format::Toml => Toml::read(&self.text).map(|toml| toml.entry(target.key, name)),
            json => Json::read(&self.text, json).and_then(|json| json.entry(target.key, name)),
        })
    }

    /// How to come to have a server, in place of the one of its name if there is one.
    pub(super) fn put(&self, target: &Target, name: &str, entry: &Entry) -> Result<Vec<Splice>, String> {
        let exists = self.entry(target, name)?.is_some();
        let splices = self.explained(match (target.format, exists) {
            (Format::Toml, false) => Toml::read(&self.text).and_then(|toml| toml.add(target.key, name, entry)),
            (Format::Toml, true) => Toml::read(&self.text).and_then(|toml| toml.put(target.key, name, entry)),
            (json, false) => Json::read(&self.text, json).and_then(|json| json.add(target.key, name, entry)),
            (json, true) => Json::read(&self.text, json).and_then(|json| json.put(target.key, name, entry)),
        })?;
        let after = self.after(&splices).entry(target, name)?;
        // Whatever way a file is written in, nothing goes out that does not say what it should.
        match after.is_some_and(|after| entry.is_served_by(&after)) {
            true => Ok(splices),
            false => self.explained(Err("the server can't be written into it as it stands; do so by hand".into())),
        }
    }

    /// How to come to have a server no more.
    pub(super) fn cut(&self, target: &Target, name: &str) -> Result<Vec<Splice>, String> {
        let splices = self.explained(match target.format {
            Format::Toml => Toml::read(&self.text).and_then(|toml| toml.cut(target.key, name)),
            json => Json::read(&self.text, json).and_then(|json| json.cut(target.key, name)),
        })?;
        match self.after(&splices).entry(target, name)? {
            None => Ok(splices),
            Some(_) => self.explained(Err("the server can't be taken out of it as it stands; do so by hand".into())),
        }
    }

    /// The file with splices.
    pub(super) fn after(&self, splices: &[Splice]) -> Self {
        Self { path: self.path.clone(), text: apply(&self.text, splices), ..*self }
    }

    /// Writes it, whole or not at all, with the mode that it had or this one. Returns how many directories were made for it.
    pub(super) fn write(&self, new: u32) -> Result<u32, String> {
        let wrong = |error: std::io::Error| format!("cannot write {}: {error}", self.path.display());
        let missing = self.path.ancestors().skip(1).take_while(|directory| !directory.exists()).count();
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).map_err(wrong)?;
        }
        replace(&self.path, self.bytes().as_bytes(), self.mode.unwrap_or(new)).map_err(wrong)?;
        Ok(u32::try_from(missing).unwrap_or_default())
    }

    /// Takes away a file that was made for us, and up to as many directories, as far as they are empty.
    pub(super) fn remove(&self, directories: u32) -> Result<(), String> {
        fs::remove_file(&self.path).map_err(|error| format!("cannot remove {}: {error}", self.path.display()))?;
        for directory in self.path.ancestors().skip(1).take(directories as usize) {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// All of it.
    pub(super) fn bytes(&self) -> String {
        format!("{}{}", if self.has_bom { BOM } else { "" }, self.text)
    }

    fn explained<T>(&self, result: Result<T, String>) -> Result<T, String> {
        result.map_err(|why| format!("{} is left as it is: {why}", self.path.display()))
    }
}
