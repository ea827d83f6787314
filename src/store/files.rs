//! Whole databases as files: a backup while others read and write, and a backup put in place.

use super::lock::Lock;
use super::{StoreOptions, migrations, path};
use crate::error::{Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

/// What SQLite keeps beside a database.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Writes a copy of the database, as it is at one point in time, to a new file. Whoever serves it goes on.
///
/// # Errors
/// [`Error::AlreadyExists`] when the file is there, [`Error::Config`] when it can't be written.
pub(crate) fn backup(options: &StoreOptions, to: &Path) -> Result<()> {
    let database = path(options)?;
    if !Path::new(database).exists() {
        return Err(Error::Config(format!("database_url: there is no database {database}")));
    }
    if to.exists() {
        return Err(Error::AlreadyExists(format!("{} is there already, and is left as it is", to.display())));
    }
    // Under its name there is never a part of one.
    let part = with_end(to, ".part");
    copy(database.as_ref(), &part)?;
    put(&part, to)
}

/// Puts a backup in the database's place, and gives the path where the former one is kept, if there was one.
/// Nobody may serve the database meanwhile.
///
/// # Errors
/// [`Error::Config`] when somebody serves it, or when the backup is none or is damaged.
pub(crate) fn restore(options: &StoreOptions, from: &Path, time: &str) -> Result<Option<PathBuf>> {
    let name = path(options)?;
    let database = Path::new(name);
    let _lock = Lock::take(name)?;
    if let (Ok(from), Ok(database)) = (from.canonicalize(), database.canonicalize())
        && from == database
    {
        return Err(Error::Config(format!("{} is the database itself", from.display())));
    }
    sound(from)?;
    let part = with_end(database, ".part");
    copy(from, &part)?;
    let aside = with_end(database, &format!(".before-restore-{time}"));
    let there = database.exists();
    if there {
        put(database, &aside)?;
        for end in BESIDE {
            let beside = with_end(database, end);
            if beside.exists() {
                put(&beside, &with_end(&aside, end))?;
            }
        }
    }
    put(&part, database)?;
    Ok(there.then_some(aside))
}

/// Refuses a file that is no whole database of ours.
fn sound(file: &Path) -> Result<()> {
    let wrong = |e: &dyn std::fmt::Display| Error::Config(format!("{} cannot be restored: {e}", file.display()));
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| wrong(&e))?;
    let version = migrations::version(&database).map_err(|e| wrong(&e))?;
    migrations::refuse_newer(version, &file.display().to_string())?;
    let table = "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'tenant'";
    let tenant: i64 = database.query_row(table, [], |row| row.get(0)).map_err(|e| wrong(&e))?;
    if version == 0 || tenant == 0 {
        return Err(wrong(&"it is no database of Sessile's"));
    }
    let said: String = database.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(|e| wrong(&e))?;
    if said == "ok" { Ok(()) } else { Err(wrong(&said)) }
}

/// Writes what a database holds now to a file that only its owner may read, and has it on disk.
fn copy(database: &Path, to: &Path) -> Result<()> {
    let copied = try_copy(database, to);
    if copied.is_err() {
        // It was made here, and is a part of nothing.
        let _ = fs::remove_file(to);
    }
    copied
}

fn try_copy(database: &Path, to: &Path) -> Result<()> {
    let wrong = |e: &dyn std::fmt::Display| Error::Config(format!("cannot write {}: {e}", to.display()));
    let file = private().open(to).map_err(|e| wrong(&e))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(database, flags);
    let source = source.map_err(|e| Error::Config(format!("cannot open {}: {e}", database.display())))?;
    source.execute("VACUUM INTO $1", [to.display().to_string()]).map_err(|e| wrong(&e))?;
    file.sync_all().map_err(|e| wrong(&e))
}

/// Gives a file another name, which nothing has yet, and has that on disk.
fn put(file: &Path, name: &Path) -> Result<()> {
    let wrong =
        |e: std::io::Error| Error::Config(format!("cannot give {} the name {}: {e}", file.display(), name.display()));
    if name.exists() {
        return Err(Error::AlreadyExists(format!("{} is there already, and is left as it is", name.display())));
    }
    fs::rename(file, name).map_err(wrong)?;
    let directory = name.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(wrong)
}

/// A new file for its owner alone: it holds hashes of passwords, and keys.
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}
