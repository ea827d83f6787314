//! The lines of before, in a file of one's own, without those that hold a secret.

use super::listen::Shared;
use reedline::{FileBackedHistory, History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many lines are kept.
const MOST: usize = 2000;

/// The history, in the place for what programs remember; only its owner can read it.
///
/// # Errors
/// Why lines can't be kept.
pub(super) fn open(shared: &Arc<Shared>) -> std::result::Result<Box<dyn History>, String> {
    let directory = directory().ok_or("there is no home directory")?;
    let file = directory.join("history");
    private(&directory, &file).map_err(|error| format!("{}: {error}", file.display()))?;
    let kept =
        FileBackedHistory::with_file(MOST, file.clone()).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(Box::new(Discreet { kept, shared: Arc::clone(shared) }))
}

fn directory() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    let base = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        set("XDG_STATE_HOME").or_else(|| home().map(|home| home.join("Library/Application Support")))
    } else {
        set("XDG_STATE_HOME").or_else(|| home().map(|home| home.join(".local/state")))
    };
    base.map(|base| base.join("sessile"))
}

fn private(directory: &Path, file: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(file).map(drop)
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
