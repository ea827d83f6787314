//! The lock that says which process serves a database: a file beside it, `<database>.lock`.
//!
//! The system gives the lock back when a process ends, however it ends. The file itself stays, and holds
//! the number of the process that serves or served.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// For how long taking the lock is tried: others look whether it is free by holding it for a moment.
const PATIENCE: Duration = Duration::from_millis(500);

/// The right to serve a database; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the database with this path.
    ///
    /// # Errors
    /// [`Error::Config`] when another process has it.
    pub(super) fn take(database: &str) -> Result<Self> {
        let mut file = open(database)?;
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::WouldBlock if Instant::now() < deadline => thread::sleep(Duration::from_millis(20)),
                TryLockError::WouldBlock => {
                    return Err(Error::Config(format!(
                        "database_url: {database} is served by another process{} already; stop that one first, or \
                         name another database",
                        holder(&mut file)
                    )));
                }
                TryLockError::Error(error) => return Err(cannot_lock(database, &error)),
            }
        }
        // Who it is helps people and decides nothing.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }

    /// Whether no process serves the database just now. Until what this returns is dropped, none begins to.
    pub(super) fn unless_served(database: &str) -> Result<Option<Self>> {
        let file = open(database)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(cannot_lock(database, &error)),
        }
    }
}

fn open(database: &str) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path(database));
    file.map_err(|error| cannot_lock(database, &error))
}

/// The lock's path, which is the same by whatever name the database is opened.
fn path(database: &str) -> PathBuf {
    let database = Path::new(database);
    let real = database.canonicalize().or_else(|error| match (database.parent(), database.file_name()) {
        // It is not there yet, but its directory is.
        (Some(parent), Some(name)) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            parent.canonicalize().map(|parent| parent.join(name))
        }
        _ => Err(error),
    });
    let mut path = real.unwrap_or_else(|_| database.to_owned()).into_os_string();
    path.push(".lock");
    path.into()
}

/// Who serves or served the database, for people.
pub(super) fn holder_of(database: &str) -> String {
    open(database).map(|mut file| holder(&mut file)).unwrap_or_default()
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(pid) => format!(" (pid {pid})"),
        None => String::new(),
    }
}

fn cannot_lock(database: &str, error: &std::io::Error) -> Error {
    Error::Config(format!("database_url: cannot open {database}: its lock {}: {error}", path(database).display()))
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[test]
    fn one_lock_at_a_time_by_whatever_name() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let name = |name: &str| directory.path().join(name).display().to_string();
        let (database, other_name) = (name("x.db"), name("./y/../x.db"));
        std::fs::create_dir(directory.path().join("y")).expect("a directory");
        let lock = Lock::take(&database).expect("it is free");
        let refused = Lock::take(&other_name).expect_err("it is taken").to_string();
        assert!(refused.contains("x.db is served by another process (pid "), "{refused}");
        assert!(Lock::unless_served(&database).expect("it can be tried").is_none());
        drop(lock);
        drop(Lock::unless_served(&database).expect("it can be tried").expect("it is free"));
        drop(Lock::take(&database).expect("it is free again"));
    }
}
