//! The lines of before, in a file of one's own, without those that hold a secret.

use super::listen::Shared;
use crate::client::Place;
use reedline::{FileBackedHistory, History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery};
use std::sync::Arc;

/// How many lines are kept.
const MOST: usize = 2000;

/// The history, in the place for what programs remember; only its owner can read it.
///
/// # Errors
/// Why lines can't be kept.
pub(super) fn open(shared: &Arc<Shared>) -> std::result::Result<Box<dyn History>, String> {
    let file = Place::of_state()?.ensure("history")?;
    let kept =
        FileBackedHistory::with_file(MOST, file.clone()).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Box::new(Discreet { kept, shared: Arc::clone(shared) }))
}

/// A history that does not keep what must not be seen.
struct Discreet {
    kept: FileBackedHistory,
    shared: Arc<Shared>,
}

impl History for Discreet {
    fn save(&mut self, item: HistoryItem) -> Result<HistoryItem> {
        if self.shared.holds_secret(&item.command_line) { Ok(item) } else { self.kept.save(item) }
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.kept.load(id)
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.kept.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.kept.search(query)
    }

    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        self.kept.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.kept.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.kept.delete(id)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.kept.sync()
    }

    fn session(&self) -> Option<HistorySessionId> {
        self.kept.session()
    }
}
