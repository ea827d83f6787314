//! Where the command line keeps what it knows of a person's gateways, and how it writes there.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A directory that is its owner's alone.
#[derive(Debug, Clone)]
pub(crate) struct Place(PathBuf);

impl Place {
    /// The directory of whoever runs this process: `sessile` below `XDG_CONFIG_HOME`, or where the system keeps such.
    ///
    /// # Errors
    /// There is no home to look in.
    pub(crate) fn here() -> Result<Self, String> {
        Self::below("XDG_CONFIG_HOME", ".config", "profiles")
    }

    /// The same for what may get lost, such as lines that were typed: below `XDG_STATE_HOME`.
    ///
    /// # Errors
    /// There is no home to look in.
    pub(crate) fn of_state() -> Result<Self, String> {
        Self::below("XDG_STATE_HOME", ".local/state", "lines")
    }

    fn below(xdg: &str, usual: &str, what: &str) -> Result<Self, String> {
        let set = std::env::var_os(xdg).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || std::env::home_dir().filter(|path| path.is_absolute());
        let usual = if cfg!(target_os = "macos") { "Library/Application Support" } else { usual };
        let base = set.or_else(|| Some(home()?.join(usual)));
        let base = base.ok_or_else(|| format!("there is no home directory to keep {what} in; set HOME or {xdg}"))?;
        Ok(Self(base.join("sessile")))
    }

    /// Has a file be there that only its owner can read, empty if it is new; returns its path.
    ///
    /// # Errors
    /// It can't be made.
    pub(crate) fn ensure(&self, name: &str) -> Result<PathBuf, String> {
        let path = self.file(name);
        let wrong = |error: std::io::Error| format!("cannot write to {}: {error}", path.display());
        self.make().map_err(wrong)?;
        OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(wrong)?;
        Ok(path)
    }

    fn make(&self) -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Keeps other processes from changing what is in it, for as long as the guard lives.
    ///
    /// # Errors
    /// The directory can't be made or written to.
    pub(crate) fn lock(&self) -> Result<Lock, String> {
        let wrong = |error: std::io::Error| format!("cannot write to {}: {error}", self.0.display());
        self.make().map_err(wrong)?;
        let path = self.file(".lock");
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(wrong)?;
        file.lock().map_err(wrong)?;
        Ok(Lock { _file: file })
    }

    /// What is in one of its files, or nothing when there is none.
    ///
    /// # Errors
    /// It can't be read.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let path = self.file(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    /// Puts a file in place of the one of this name, for its owner alone.
    ///
    /// # Errors
    /// It can't be written; the one that was there is as it was.
    pub(crate) fn write(&self, _: &Lock, name: &str, bytes: &[u8]) -> Result<(), String> {
        let path = self.file(name);
        replace(&path, bytes, 0o600).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Looks whether nobody but the owner of one of its files can read or replace it.
    ///
    /// # Errors
    /// Somebody else can; says how to change that.
    pub(crate) fn is_private(&self, name: &str) -> Result<(), String> {
        let path = self.file(name);
        for (path, others, right) in [(&self.0, 0o022, "700"), (&path, 0o077, "600")] {
            let Ok(found) = fs::metadata(path) else { continue };
            let mode = found.permissions().mode() & 0o7777;
            if mode & others != 0 {
                return Err(format!(
                    "others on this machine may get at {0} (its mode is {mode:o}), and it guards secrets; put that \
                     right with `chmod {right} {0}`",
                    path.display()
                ));
            }
        }
        Ok(())
    }
}

/// Nobody else changes a place while this lives.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Puts a file in a path's place, whole or not at all. A link is followed: what it points to is replaced.
///
/// # Errors
/// It can't be written; what was there is as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    let path = match fs::canonicalize(path) {
        Ok(path) => path,
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.new", uuid::Uuid::now_v7().simple()));
    let beside = path.with_file_name(beside);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        // Whatever the umask took away of what the file before had.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}
