//! The store: a few verbs over rows, behind which a database stands.
//!
//! Reads are a statement and its parameters; a [`Write`] is a list of them that is applied whole
//! or not at all, and it is durable when [`Store::write`] returns. Statements are written in the
//! SQL that SQLite and PostgreSQL share, with `$1`, `$2`, … for parameters. What has a dialect of
//! its own (full-text search) is a verb here and not a statement there.
//!
//! The store knows no tenant and no session: `tenancy::TenantScope` is what binds a tenant to
//! each statement.

mod check;
mod dump;
mod event;
mod files;
mod lock;
mod migrations;
mod notice;
mod search;
mod sqlite;
mod value;
mod write;

pub use event::{Event, RecordKind};
pub use search::{Document, words};
pub use value::{FromRow, Row, Value};
pub use write::{Write, Written};

pub(crate) use check::{Finding, check};
pub(crate) use dump::dump;
pub(crate) use files::{backup, restore};
pub(crate) use value::params;

use crate::error::{Error, Result};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often to look whether a database is still served.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How to open a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `sqlite:PATH`.
    pub url: String,
    /// Threads that run the reads which may take long.
    pub readers: usize,
}

/// A handle to the database; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Arc<sqlite::Sqlite>,
}

impl Store {
    /// Opens the database, creates or migrates its schema, and starts its threads.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL is of an unknown kind, the file can't be opened, or its
    /// schema is newer than this program.
    pub fn open(options: &StoreOptions) -> Result<Self> {
        let engine = Arc::new(sqlite::Sqlite::open(path(options)?, options.readers, None)?);
        Ok(Self { engine })
    }

    /// Opens it to serve it: as the only process that does so, for as long as a clone of this handle
    /// lives. What other processes change and leave a notice of is told to the listeners as well.
    ///
    /// # Errors
    /// As for [`Store::open`], and [`Error::Config`] when another process serves the database.
    pub fn open_exclusively(options: &StoreOptions) -> Result<Self> {
        let path = path(options)?;
        let lock = lock::Lock::take(path)?;
        let engine = Arc::new(sqlite::Sqlite::open(path, options.readers, Some(lock))?);
        Ok(Self { engine })
    }

    /// Whether a process serves the database just now.
    ///
    /// # Errors
    /// [`Error::Config`] when that can't be told.
    pub fn is_served(options: &StoreOptions) -> Result<bool> {
        Ok(lock::Lock::unless_served(path(options)?)?.is_none())
    }

    /// Waits until no process serves the database, but not longer than this.
    ///
    /// # Errors
    /// [`Error::Config`] when one still does then.
    pub async fn until_free(options: &StoreOptions, patience: Duration) -> Result<()> {
        let (path, deadline) = (path(options)?, Instant::now() + patience);
        let (holder, seconds) = (lock::holder_of(path), patience.as_secs());
        if Self::is_served(options)? {
            tracing::info!("waiting up to {seconds} seconds for the process that serves {path}{holder} to end");
        }
        while Self::is_served(options)? {
            if Instant::now() > deadline {
                return Err(Error::Config(format!(
                    "take_over_seconds: {path} is still served by another process{holder} after {seconds} seconds; \
                     stop that one, and start this one again"
                )));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Opens a database that is there already, while nobody serves it. Nobody can begin to while this handle lives.
    ///
    /// # Errors
    /// [`Error::Config`] when there is none, its schema is not exactly this program's, or somebody serves it.
    pub(crate) fn open_alone(options: &StoreOptions) -> Result<Self> {
        migrations::expect_current(path(options)?)?;
        Self::open_exclusively(options)
    }

    /// Opens a database that is there already, beside whoever serves it.
    ///
    /// # Errors
    /// [`Error::Config`] when there is none, or when its schema is not exactly this program's.
    pub(crate) fn open_beside(options: &StoreOptions) -> Result<Self> {
        let path = path(options)?;
        migrations::expect_current(path)?;
        let engine = Arc::new(sqlite::Sqlite::open(path, 1, None)?);
        Ok(Self { engine })
    }

    /// Waits until the notices whose ids begin like this have been taken note of by the process that serves
    /// the database. Where nobody serves it, they are deleted: there is nobody who would have to know.
    ///
    /// # Errors
    /// [`Error::Busy`] when the serving process takes too long.
    pub(crate) async fn heard(&self, options: &StoreOptions, begin: &str) -> Result<()> {
        let (path, deadline) = (path(options)?, Instant::now() + notice::PATIENCE);
        let end = format!("{begin}\u{7f}");
        let waits = "SELECT 1 FROM notice WHERE id >= $1 AND id < $2 LIMIT 1";
        while self.get(waits, params![begin, &end]).await?.is_some() {
            if let Some(_lock) = lock::Lock::unless_served(path)? {
                let delete = "DELETE FROM notice WHERE id >= $1 AND id < $2";
                return self.write(Write::new().run(delete, params![begin, &end])).await.map(drop);
            }
            if Instant::now() > deadline {
                return Err(Error::Busy(
                    "It is done in the database, but the process that serves it has not taken note of it yet: what is \
                     open there may go on. Look at its log, or restart it."
                        .into(),
                ));
            }
            tokio::time::sleep(notice::INTERVAL / 4).await;
        }
        Ok(())
    }

    /// The first row of a statement that touches a few rows by key. On SQLite it runs at once, on
    /// the calling thread.
    ///
    /// # Errors
    /// [`Error::Internal`] when the statement fails.
    pub async fn get(&self, sql: &'static str, params: Vec<Value>) -> Result<Option<Row>> {
        self.engine.get(sql, &params)
    }

    /// The same for the start, which does not wait.
    ///
    /// # Errors
    /// As for [`Store::get`].
    pub(crate) fn get_now(&self, sql: &'static str, params: Vec<Value>) -> Result<Option<Row>> {
        self.engine.get(sql, &params)
    }

    /// All rows of a statement, which may take its time: it runs on a reader thread.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many reads wait already, [`Error::Internal`] when it fails.
    pub async fn list(&self, sql: impl Into<Arc<str>>, params: Vec<Value>) -> Result<Vec<Row>> {
        self.engine.list(sql.into(), params).await
    }

    /// The documents of one tenant that hold every word of `query`, newest first and unranked: up to
    /// `limit` that do so in their title, and the newest up to `limit` of all.
    ///
    /// # Errors
    /// As for [`Store::list`].
    pub async fn search(
        &self,
        tenant: &Value,
        query: &str,
        kinds: &[RecordKind],
        limit: usize,
    ) -> Result<Vec<Document>> {
        let Some((sql, params)) = search::statement(tenant, query, kinds, limit) else {
            return Ok(Vec::new());
        };
        self.engine.list(sql.into(), params).await?.iter_mut().map(Document::from_row).collect()
    }

    /// Applies a write, whole or not at all; returns when it is on disk.
    ///
    /// # Errors
    /// [`Error::Unmet`] when an expected row was missing, [`Error::Internal`] when a statement or
    /// the commit fails.
    pub async fn write(&self, write: Write) -> Result<Written> {
        self.engine.write(write).await
    }

    /// Hands a write over and does not wait for it: for notes whose outcome must not show in how long
    /// an answer takes. It is applied before any write that is handed over later; a failure is logged.
    ///
    /// # Errors
    /// [`Error::Internal`] when there is no writer any more.
    pub async fn write_soon(&self, write: Write) -> Result<()> {
        self.engine.hand_over(write).await.map(drop)
    }

    /// Hands a write over if there is room for it, and else drops it: for what is worth noting and not
    /// worth waiting for.
    pub fn write_if_room(&self, write: Write) {
        self.engine.try_hand_over(write);
    }

    /// Has `listener` called with the events of each write, after its commit and before its
    /// writer learns of it, on the store's own thread.
    pub fn on_commit(&self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        self.engine.on_commit(Box::new(listener));
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Internal`] with the database's reason.
    pub async fn ping(&self) -> Result<()> {
        self.get("SELECT 1", Vec::new()).await.map(drop)
    }
}

/// The path of the database's file.
fn path(options: &StoreOptions) -> Result<&str> {
    let Some(path) = options.url.strip_prefix("sqlite:") else {
        let kind = options.url.split(':').next().unwrap_or_default();
        return Err(Error::Config(format!("database_url: this build opens `sqlite:PATH`, not `{kind}:…`")));
    };
    if path.is_empty() || path == ":memory:" {
        return Err(Error::Config("database_url: a database needs a file, as in `sqlite:sessile.db`".into()));
    }
    Ok(path)
}
