//! The store as a whole: opening (schema, integrity, repair), the way of a write, the close.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, Connection, Row};
use tipring_resources::{Account, Application, AuditEvent, Call, Key, Number, Record, Sid, Stamp};

use crate::journal::Journal;
use crate::writer::{Command, Committed, Writer, WriterCounters};
use crate::{Blobs, RepairReport, StoreError, schema};

/// How the store is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `sqlite:/path/file.db` or `postgres://…`; `None`: `tipring.db` in `data_dir`.
    pub url: Option<String>,
    /// This box's name; calls are its own.
    pub box_name: String,
    /// The database by default, the journal, the recordings.
    pub data_dir: PathBuf,
    /// Now: calls that a crash cut off end at this moment.
    pub now: Stamp,
}

/// Which engine speaks the SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Begins a transaction that will write. SQLite takes its write lock at once: a lock taken later can fail at once
    /// if another process wrote in between.
    pub(crate) const fn begin(self) -> &'static str {
        match self {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN",
        }
    }
}

/// The records and the recordings of a box. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) readers: AnyPool,
    pub(crate) writer: Writer,
    pub(crate) journal: Arc<Journal>,
    pub(crate) blobs: Blobs,
    pub(crate) box_name: String,
    pub(crate) engine: Engine,
    /// When each other box's lease was last seen to change, by this box's clock.
    pub(crate) signs: Mutex<HashMap<String, (i64, Stamp)>>,
    repaired: RepairReport,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("box", &self.inner.box_name).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or makes the database, brings its schema up to date, checks it, and repairs what a crash left behind.
    pub async fn open(config: Config) -> Result<Store, StoreError> {
        sqlx::any::install_default_drivers();
        std::fs::create_dir_all(&config.data_dir).map_err(|error| StoreError::file(&config.data_dir, &error))?;
        let (url, engine) = database_url(&config)?;
        if engine == Engine::Sqlite {
            first_look(&url).await?;
        }
        let writers = pool(&url, engine, 1).await?;
        let mut connection = writers.acquire().await?;
        schema::migrate(&mut connection, engine).await?;
        if engine == Engine::Sqlite {
            check(&mut connection, "PRAGMA quick_check(1)").await?;
        }
        drop(connection);
        let readers = pool(&url, engine, READERS).await?;
        let (journal, unwritten) = Journal::open(&config.data_dir.join("born.journal"))?;
        let journal = Arc::new(journal);
        let blobs = Blobs::new(config.data_dir.join("recordings"))?;
        let repaired = crate::repair::repair(&writers, &blobs, &config.box_name, unwritten, config.now).await?;
        journal.clear()?;
        let writer = Writer::start(writers, engine, config.box_name.clone(), Arc::clone(&journal));
        let (box_name, signs) = (config.box_name, Mutex::default());
        let inner = Inner { readers, writer, journal, blobs, box_name, engine, signs, repaired };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// What the repair at opening found.
    pub fn repaired(&self) -> &RepairReport {
        &self.inner.repaired
    }

    /// Records from now on, each after its commit and in the order of commits. Who is [`crate::WRITE_QUEUE`] records behind
    /// misses some, and is told so.
    pub fn news(&self) -> tokio::sync::broadcast::Receiver<Arc<Record>> {
        self.inner.writer.news()
    }

    /// The recordings' files.
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// This box's name.
    pub fn box_name(&self) -> &str {
        &self.inner.box_name
    }

    /// What the writer has done.
    pub fn writer_counters(&self) -> WriterCounters {
        self.inner.writer.counters()
    }

    /// Notes a call as it is, before anybody may see its SID, and again before anybody may hear of its end: one plain
    /// write that a killed process leaves behind. Not flushed to the platter, so it takes microseconds; the commit of the
    /// same record relieves it.
    pub fn journal(&self, call: &Call) -> Result<(), StoreError> {
        self.inner.journal.note(call)
    }

    /// Puts a record: queued now, in the order of the calls to this function; the future resolves after the commit.
    /// Dropping the future does not take the write back.
    pub fn put(&self, record: Record) -> Committed {
        self.inner.writer.send(Command::Record(record))
    }

    /// Inserts or changes an account.
    pub fn put_account(&self, account: Account) -> Committed {
        self.inner.writer.send(Command::Account(account))
    }

    /// Inserts or changes a number; [`StoreError::NumberInUse`] if its address is another number's.
    pub fn put_number(&self, number: Number) -> Committed {
        self.inner.writer.send(Command::Number(number))
    }

    /// Inserts or changes an application.
    pub fn put_application(&self, application: Application) -> Committed {
        self.inner.writer.send(Command::Application(application))
    }

    /// Inserts or changes a key.
    pub fn put_key(&self, key: Key) -> Committed {
        self.inner.writer.send(Command::Key(key))
    }

    /// Notes what was done by the API.
    pub fn put_audit(&self, event: AuditEvent) -> Committed {
        self.inner.writer.send(Command::Audit(event))
    }

    /// Deletes a number of an account, wherever it was set: who may is the caller's business. False: there was none.
    pub async fn delete_number(&self, account: Sid, sid: Sid) -> Result<bool, StoreError> {
        self.delete::<Number>(account, sid).await
    }

    /// Deletes the record of an ended call. False: there was none, or it has not ended.
    pub async fn delete_call(&self, account: Sid, sid: Sid) -> Result<bool, StoreError> {
        Ok(self.inner.writer.send(Command::DeleteCall { account, sid }).rows().await? > 0)
    }

    /// Deletes the sound of a recording that is not being made. False: there was none. The record stays, as deleted.
    pub async fn delete_recording(&self, account: Sid, sid: Sid, now: Stamp) -> Result<bool, StoreError> {
        let rows = self.inner.writer.send(Command::DeleteRecording { account, sid, now }).rows().await?;
        if rows > 0 {
            self.inner.blobs.delete(sid)?;
        }
        Ok(rows > 0)
    }

    /// Waits until all that was put so far is committed (or refused).
    pub async fn settled(&self) -> Result<(), StoreError> {
        self.inner.writer.send(Command::Nothing).await
    }

    /// Whether the database answers at all.
    pub async fn answers(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").fetch_one(&self.inner.readers).await?;
        Ok(())
    }

    /// Reads the whole SQLite file for damage. A minute for some gigabytes: for a person, not for the start.
    pub async fn integrity_check(&self) -> Result<(), StoreError> {
        if self.inner.engine == Engine::Postgres {
            return Ok(());
        }
        let mut connection = self.inner.readers.acquire().await?;
        check(&mut connection, "PRAGMA integrity_check(10)").await
    }

    /// Writes what waits and ends the writer.
    pub async fn close(&self) {
        let _ = self.settled().await;
        self.inner.writer.stop().await;
        self.inner.readers.close().await;
    }
}

async fn check(connection: &mut AnyConnection, sql: &'static str) -> Result<(), StoreError> {
    let rows = sqlx::query(sql).fetch_all(connection).await.map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    match lines?.as_slice() {
        [line] if line == "ok" => Ok(()),
        found => Err(StoreError::Corrupt(found.join("; "))),
    }
}

/// A pool tries a damaged file again and again until its time is up, and then only says so: this says what is wrong.
async fn first_look(url: &str) -> Result<(), StoreError> {
    let mut connection = AnyConnection::connect(url).await?;
    for pragma in SQLITE_PRAGMAS {
        sqlx::query(*pragma).fetch_all(&mut connection).await?;
    }
    sqlx::query("SELECT COUNT(*) FROM sqlite_master").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

async fn pool(url: &str, engine: Engine, connections: u32) -> Result<AnyPool, StoreError> {
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A file does not go away like a server does: no question before each use.
        .test_before_acquire(engine == Engine::Postgres)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                if engine == Engine::Sqlite {
                    for pragma in SQLITE_PRAGMAS {
                        sqlx::query(*pragma).fetch_all(&mut *connection).await?;
                    }
                }
                Ok(())
            })
        })
        .connect(url)
        .await?;
    Ok(pool)
}

fn database_url(config: &Config) -> Result<(String, Engine), StoreError> {
    let Some(url) = &config.url else {
        return Ok((
            format!("sqlite:{}?mode=rwc", percent_encoded(&config.data_dir.join("tipring.db"))),
            Engine::Sqlite,
        ));
    };
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Ok((url.clone(), Engine::Postgres));
    }
    match url.strip_prefix("sqlite:") {
        Some(path) if path.contains(":memory:") || path.contains("mode=memory") => {
            Err(StoreError::BadUrl("an in-memory database forgets every call".into()))
        }
        Some(path) if path.contains('?') => Ok((format!("sqlite:{path}"), Engine::Sqlite)),
        Some(path) => Ok((format!("sqlite:{path}?mode=rwc"), Engine::Sqlite)),
        None => Err(StoreError::BadUrl(format!("{:?} has another scheme", url.split(':').next().unwrap_or_default()))),
    }
}

fn percent_encoded(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => text.push(char::from(*byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

/// Connections for reading: lists and fetches of the API are short.
const READERS: u32 = 4;
/// A reader waits this long for a connection, then the request fails instead of piling up.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// WAL lets readers read while the writer writes; FULL makes a committed call survive a power cut.
const SQLITE_PRAGMAS: &[&str] = &[
    "PRAGMA busy_timeout = 10000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    // 1 MiB a connection instead of SQLite's two: they are five, and the system keeps the file's pages anyway.
    "PRAGMA cache_size = -1024",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: Option<&str>, dir: &str) -> Config {
        Config { url: url.map(String::from), box_name: "a".into(), data_dir: dir.into(), now: Stamp(0) }
    }

    #[test]
    fn a_directory_with_odd_signs_is_still_a_path() {
        let (url, _) = database_url(&config(None, "/tmp/a b?c#d%")).unwrap();
        assert_eq!(url, "sqlite:/tmp/a%20b%3Fc%23d%25/tipring.db?mode=rwc");
    }

    #[test]
    fn a_database_that_forgets_is_refused_and_a_password_is_not_repeated() {
        assert!(matches!(database_url(&config(Some("sqlite::memory:"), "/")), Err(StoreError::BadUrl(_))));
        let error = database_url(&config(Some("mysql://me:secret@host/x"), "/")).unwrap_err().to_string();
        assert!(error.contains("mysql") && !error.contains("secret"), "{error}");
    }
}
