//! SQLite: connections, the writer thread and the reader threads.
//!
//! Reads by key run on the calling thread over a few connections of their own; reads that may take
//! long go to reader threads; every write goes through one writer, which commits what is queued as
//! one transaction (group commit) with `synchronous=FULL`; one that fails undoes itself alone.

use super::lock::Lock;
use super::notice::{self, Hearing};
use super::{Event, Row, Value, Write, Written, migrations, search, write::Step};
use crate::error::{Error, Result};
use parking_lot::{Mutex, MutexGuard, RwLock};
use rusqlite::{Connection, OpenFlags, Statement, config::DbConfig, types::ValueRef};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Writes that may wait for the writer; a further one waits for room.
const WRITE_QUEUE: usize = 1024;
/// Writes that are committed together at the most.
const GROUP: usize = 256;
/// Reads that may wait for a reader; a further one is refused.
const READ_QUEUE: usize = 4096;
/// Statements that a connection keeps prepared.
const PREPARED: usize = 128;
/// The names of parameters, which SQLite numbers by first appearance: binding goes by name.
const NAMES: [&str; 32] = [
    "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$16", "$17",
    "$18", "$19", "$20", "$21", "$22", "$23", "$24", "$25", "$26", "$27", "$28", "$29", "$30", "$31", "$32",
];

type Listener = Box<dyn Fn(&Event) + Send + Sync>;
type Listeners = Arc<RwLock<Vec<Listener>>>;

struct ReadJob {
    sql: Arc<str>,
    params: Vec<Value>,
    reply: oneshot::Sender<Result<Vec<Row>>>,
}

struct WriteJob {
    write: Write,
    reply: oneshot::Sender<Result<Written>>,
}

/// An open SQLite database.
pub(super) struct Sqlite {
    inline: Vec<Mutex<Connection>>,
    reads: mpsc::Sender<ReadJob>,
    writes: Option<mpsc::Sender<WriteJob>>,
    listeners: Listeners,
    /// What hears of other processes, where this one serves.
    hearing: Option<Hearing>,
    writer: Option<thread::JoinHandle<()>>,
    _lock: Option<Lock>,
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens the database. With the lock, this process is the one that serves it, and hears what other
    /// processes have to say.
    pub(super) fn open(path: &str, readers: usize, lock: Option<Lock>) -> Result<Self> {
        let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        migrations::run(&mut writer, path)?;
        let read_only = || connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY);

        let cores = thread::available_parallelism().map_or(2, usize::from);
        let inline = (0..cores).map(|_| read_only().map(Mutex::new)).collect::<Result<Vec<_>>>()?;

        let (reads, jobs) = mpsc::channel(READ_QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..readers.max(1) {
            let (connection, jobs) = (read_only()?, Arc::clone(&jobs));
            spawn(format!("sessile-read-{number}"), move || read_loop(&connection, &jobs))?;
        }

        let (writes, jobs) = mpsc::channel(WRITE_QUEUE);
        let listeners = Listeners::default();
        let heard = Arc::clone(&listeners);
        // Whoever serves beside this process must not have to wait for its end.
        let checkpoint = if lock.is_some() { "TRUNCATE" } else { "PASSIVE" };
        let writer = spawn("sessile-write".into(), move || write_loop(&writer, jobs, &heard, checkpoint))?;
        let hearing = match &lock {
            Some(_) => Some(hear(read_only()?, &listeners, writes.clone())?),
            None => None,
        };
        Ok(Self { inline, reads, writes: Some(writes), listeners, hearing, writer: Some(writer), _lock: lock })
    }

    pub(super) fn get(&self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        let connection = self.inline_connection();
        let mut statement = prepare(&connection, sql)?;
        Ok(query(&mut statement, params, 1)?.pop())
    }

    pub(super) async fn list(&self, sql: Arc<str>, params: Vec<Value>) -> Result<Vec<Row>> {
        let (reply, answer) = oneshot::channel();
        self.reads
            .try_send(ReadJob { sql, params, reply })
            .map_err(|_| Error::Busy("Too many reads are waiting; try again in a moment.".into()))?;
        answer.await.map_err(|_| Error::Internal("the reader is gone".into()))?
    }

    pub(super) async fn write(&self, write: Write) -> Result<Written> {
        self.hand_over(write).await?.await.map_err(|_| writer_gone())?
    }

    /// Queues a write; its outcome comes out of what this returns.
    pub(super) async fn hand_over(&self, write: Write) -> Result<oneshot::Receiver<Result<Written>>> {
        let (reply, outcome) = oneshot::channel();
        let writes = self.writes.as_ref().ok_or_else(writer_gone)?;
        writes.send(WriteJob { write, reply }).await.map_err(|_| writer_gone())?;
        Ok(outcome)
    }

    /// Queues a write unless the queue is full.
    pub(super) fn try_hand_over(&self, write: Write) {
        let (reply, _) = oneshot::channel();
        if let Some(writes) = &self.writes
            && writes.try_send(WriteJob { write, reply }).is_err()
        {
            tracing::debug!("dropped a note: too many writes wait");
        }
    }

    pub(super) fn on_commit(&self, listener: Listener) {
        self.listeners.write().push(listener);
    }

    /// A connection that nobody uses just now, or the first to become free of those.
    fn inline_connection(&self) -> MutexGuard<'_, Connection> {
        self.inline.iter().find_map(Mutex::try_lock).unwrap_or_else(|| self.inline[0].lock())
    }
}

impl Drop for Sqlite {
    /// Waits until the writer has committed what is queued and has closed its connection.
    fn drop(&mut self) {
        self.hearing = None;
        self.writes = None;
        if let Some(writer) = self.writer.take()
            && writer.thread().id() != thread::current().id()
        {
            let _ = writer.join();
        }
    }
}

pub(super) fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(run).map_err(|e| Error::internal("starting a database thread", e))
}

/// Hears what other processes have to say: tells it to the listeners, and then has it deleted.
fn hear(connection: Connection, listeners: &Listeners, writes: mpsc::Sender<WriteJob>) -> Result<Hearing> {
    let listeners = Arc::clone(listeners);
    let read = move || prepare(&connection, notice::READ).and_then(|mut s| query(&mut s, &[], usize::MAX));
    let tell = move |event: &Event| listeners.read().iter().for_each(|listener| listener(event));
    let forget = move |write| {
        let (reply, outcome) = oneshot::channel();
        writes.blocking_send(WriteJob { write, reply }).map_err(|_| writer_gone())?;
        outcome.blocking_recv().map_err(|_| writer_gone())?.map(drop)
    };
    Hearing::start(read, tell, forget)
}

fn connect(path: &str, flags: OpenFlags) -> Result<Connection> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let wrong = |e: rusqlite::Error| Error::Config(format!("database_url: cannot open {path}: {e}"));
    let connection = Connection::open_with_flags(path, flags).map_err(wrong)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(wrong)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    // Else a statement whose plan could depend on its parameters is planned anew at each run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(wrong)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;",
        )
        .map_err(wrong)?;
    Ok(connection)
}

fn writer_gone() -> Error {
    Error::Internal("the writer is gone".into())
}

fn failed(error: rusqlite::Error) -> Error {
    Error::internal("database", error)
}

fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<rusqlite::CachedStatement<'c>> {
    connection.prepare_cached(sql).map_err(failed)
}

fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<()> {
    for (value, name) in params.iter().zip(NAMES) {
        // A statement need not use each of its parameters.
        let Some(index) = statement.parameter_index(name).map_err(failed)? else { continue };
        match value {
            Value::Null => statement.raw_bind_parameter(index, rusqlite::types::Null),
            Value::Int(int) => statement.raw_bind_parameter(index, int),
            Value::Text(text) => statement.raw_bind_parameter(index, text.as_str()),
        }
        .map_err(failed)?;
    }
    Ok(())
}

fn query(statement: &mut Statement<'_>, params: &[Value], limit: usize) -> Result<Vec<Row>> {
    debug_assert!(params.len() <= NAMES.len(), "a statement has more parameters than can be bound");
    bind(statement, params)?;
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failed)? {
        let values = (0..columns).map(|index| read(row, index)).collect::<Result<Vec<_>>>()?;
        found.push(Row::new(values));
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

fn read(row: &rusqlite::Row<'_>, index: usize) -> Result<Value> {
    match row.get_ref(index).map_err(failed)? {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(int) => Ok(Value::Int(int)),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|e| Error::internal("a column's text", e))?;
            Ok(Value::Text(text.to_owned()))
        }
        ValueRef::Real(_) | ValueRef::Blob(_) => {
            Err(Error::Internal("a column is neither text nor a whole number".into()))
        }
    }
}

fn read_loop(connection: &Connection, jobs: &Mutex<mpsc::Receiver<ReadJob>>) {
    loop {
        let Some(job) = jobs.lock().blocking_recv() else { return };
        // Nobody waits any more for a call that was cancelled.
        if !job.reply.is_closed() {
            let rows = prepare(connection, &job.sql).and_then(|mut s| query(&mut s, &job.params, usize::MAX));
            let _ = job.reply.send(rows);
        }
    }
}

fn write_loop(
    connection: &Connection,
    mut jobs: mpsc::Receiver<WriteJob>,
    listeners: &RwLock<Vec<Listener>>,
    checkpoint: &str,
) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.blocking_recv_many(&mut group, GROUP) > 0 {
        let outcomes = commit_group(connection, &group);
        for (job, outcome) in group.drain(..).zip(outcomes) {
            if outcome.is_ok() {
                let listeners = listeners.read();
                job.write.events.iter().for_each(|event| listeners.iter().for_each(|listener| listener(event)));
            }
            if let Err(Err(error)) = job.reply.send(outcome) {
                tracing::warn!(%error, "a write failed that nobody waits for");
            }
        }
    }
    // The last to close would do it, if that one could write: the file is whole then without its log.
    if let Err(error) = connection.execute_batch(&format!("PRAGMA wal_checkpoint({checkpoint})")) {
        tracing::warn!(%error, "could not put the write-ahead log back into the database");
    }
}

/// Commits a group as one transaction.
///
/// Most groups have no write that fails, so they run without savepoints first (each would have the
/// full-text index write out what it has gathered). If one fails, all is undone and run again: a
/// write is data and can be.
fn commit_group(connection: &Connection, group: &[WriteJob]) -> Vec<Result<Written>> {
    let together =
        transaction(connection, || group.iter().map(|job| apply(connection, &job.write)).collect::<Result<Vec<_>>>());
    match together {
        Ok(written) => written.into_iter().map(Ok).collect(),
        Err(error) if group.len() == 1 => vec![Err(error)],
        Err(_) => transaction(connection, || group.iter().map(|job| apply_alone(connection, &job.write)).collect())
            .unwrap_or_else(|error| group.iter().map(|_| Err(Error::Internal(error.to_string()))).collect()),
    }
}

/// Runs statements as one transaction, which is undone when they or the commit fail.
fn transaction<T>(connection: &Connection, statements: impl FnOnce() -> Result<T>) -> Result<T> {
    execute(connection, "BEGIN IMMEDIATE", &[])?;
    let done = statements().and_then(|done| execute(connection, "COMMIT", &[]).map(|()| done));
    if done.is_err() {
        // After some failures SQLite has rolled back already, and this is one more.
        let _ = execute(connection, "ROLLBACK", &[]);
    }
    done
}

/// Applies a write that undoes itself alone if it fails. The outer error is the transaction's.
fn apply_alone(connection: &Connection, write: &Write) -> Result<Result<Written>> {
    execute(connection, "SAVEPOINT one", &[])?;
    let outcome = apply(connection, write);
    if outcome.is_err() {
        execute(connection, "ROLLBACK TO one", &[])?;
    }
    execute(connection, "RELEASE one", &[])?;
    Ok(outcome)
}

fn apply(connection: &Connection, write: &Write) -> Result<Written> {
    let mut returned = Vec::new();
    for step in &write.steps {
        match step {
            Step::Run { sql, params, expect } => {
                let rows = run_step(connection, sql, params, *expect)?;
                returned.push(rows);
            }
            Step::Index(document) => {
                if let Some(row) = search_row(connection, search::PLACE, document.tenant, document.id)? {
                    execute(connection, search::DELETE, &[row.into()])?;
                    execute(connection, search::INSERT, &search::insert_params(row, document))?;
                }
            }
            Step::UnindexSome { tenant, most } => {
                let mut statement = prepare(connection, search::DISPLACE_SOME)?;
                for mut row in query(&mut statement, &[(*tenant).into(), (*most).into()], usize::MAX)? {
                    execute(connection, search::DELETE, &[row.int()?.into()])?;
                }
            }
            Step::Unindex { tenant, id } => {
                if let Some(row) = search_row(connection, search::DISPLACE, *tenant, *id)? {
                    execute(connection, search::DELETE, &[row.into()])?;
                }
            }
        }
    }
    Ok(Written { rows: returned.into_iter() })
}

fn run_step(connection: &Connection, sql: &str, params: &[Value], expect: Option<&'static str>) -> Result<Vec<Row>> {
    let mut statement = prepare(connection, sql)?;
    let (rows, touched) = if statement.column_count() > 0 {
        let rows = query(&mut statement, params, usize::MAX)?;
        let touched = rows.len();
        (rows, touched)
    } else {
        bind(&mut statement, params)?;
        (Vec::new(), statement.raw_execute().map_err(failed)?)
    };
    match expect {
        Some(tag) if touched == 0 => Err(Error::Unmet(tag)),
        _ => Ok(rows),
    }
}

/// A document's row number in the full-text index.
fn search_row(connection: &Connection, sql: &str, tenant: Uuid, id: Uuid) -> Result<Option<i64>> {
    let mut statement = prepare(connection, sql)?;
    query(&mut statement, &[tenant.into(), id.into()], usize::MAX)?.pop().map(|mut row| row.int()).transpose()
}

fn execute(connection: &Connection, sql: &str, params: &[Value]) -> Result<()> {
    let mut statement = prepare(connection, sql)?;
    bind(&mut statement, params)?;
    statement.raw_execute().map(drop).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::params;

    #[tokio::test]
    async fn after_an_orderly_end_the_file_is_whole_without_its_log() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| directory.path().join(name).display().to_string();
        let database = Sqlite::open(&path("x.db"), 1, None).expect("a new database opens");
        let sql = "INSERT INTO tenant (id, name, created_at) VALUES ($1, 'A', 0)";
        database.write(Write::new().run(sql, params!["1"])).await.expect("it is written");
        drop(database);

        std::fs::copy(path("x.db"), path("copy.db")).expect("the file can be copied");
        let copy = Connection::open(path("copy.db")).expect("the copy opens");
        let tenants: i64 = copy.query_row("SELECT COUNT(*) FROM tenant", [], |row| row.get(0)).expect("it has tables");
        assert_eq!(tenants, 1);
    }
}
