//! What we wrote into others' files, so that it can be taken out again to the byte.
//!
//! Places and digests only: what is in those files stays there.

use super::splice::Splice;
use crate::client::Place;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The file that it is in.
const FILE: &str = "installed.toml";

/// What was written into one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// The digest of the file with it.
    pub(super) after: String,
    /// Where what was written is: the first byte and the length of each piece.
    pub(super) pieces: Vec<(usize, usize)>,
    /// Whether the file was made for it.
    #[serde(default)]
    pub(super) created: bool,
    /// How many directories were.
    #[serde(default)]
    pub(super) directories: u32,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Records {
    /// By file and server.
    #[serde(default)]
    installed: BTreeMap<String, Record>,
}

impl Record {
    /// The record of pure insertions; nothing where anything was replaced.
    pub(super) fn of(splices: &[Splice], after: &str) -> Option<Self> {
        let mut grown = 0;
        let mut pieces = Vec::new();
        for splice in splices {
            if !splice.range.is_empty() {
                return None;
            }
            pieces.push((splice.range.start + grown, splice.text.len()));
            grown += splice.text.len();
        }
        Some(Self { after: digest(after), pieces, created: false, directories: 0 })
    }

    /// The same after values within its pieces were replaced.
    pub(super) fn replaced(mut self, splices: &[Splice], after: &str) -> Option<Self> {
        for splice in splices.iter().rev() {
            let at =
                |&(start, length): &(usize, usize)| start <= splice.range.start && splice.range.end <= start + length;
            let piece = self.pieces.iter().position(at)?;
            let (old, new) = (splice.range.len(), splice.text.len());
            self.pieces[piece].1 = self.pieces[piece].1 - old + new;
            for later in &mut self.pieces[piece + 1..] {
                later.0 = later.0 - old + new;
            }
        }
        self.after = digest(after);
        Some(self)
    }

    /// How to take out what was written, if the file is still as it was left.
    pub(super) fn undo(&self, bytes: &str) -> Option<Vec<Splice>> {
        let fits = digest(bytes) == self.after;
        fits.then(|| self.pieces.iter().map(|(start, length)| Splice::cut(*start..start + length)).collect())
    }
}

/// The record of a server in a file.
pub(super) fn find(place: &Place, path: &Path, name: &str) -> Result<Option<Record>, String> {
    Ok(read(place)?.installed.remove(&key(path, name)))
}

/// Keeps a record, or forgets the one that there was.
pub(super) fn keep(place: &Place, path: &Path, name: &str, record: Option<Record>) -> Result<(), String> {
    let lock = place.lock()?;
    let mut records = read(place)?;
    match record {
        Some(record) => records.installed.insert(key(path, name), record),
        None => records.installed.remove(&key(path, name)),
    };
    let text = toml::to_string(&records).map_err(|error| error.to_string())?;
    place.write(&lock, FILE, text.as_bytes())
}

fn read(place: &Place) -> Result<Records, String> {
    let text = place.read(FILE)?.map(String::from_utf8);
    let read = text.map(|text| toml::from_str(&text.unwrap_or_default()));
    // It only helps to be exact: one that can't be read is as good as none.
    Ok(read.transpose().unwrap_or_default().unwrap_or_default())
}

fn key(path: &Path, name: &str) -> String {
    format!("{name} in {}", path.display())
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
