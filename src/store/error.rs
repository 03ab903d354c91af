//! Why the store could not do it: what, where and the remedy.

use std::path::PathBuf;

use tipring_resources::Sid;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The configuration cannot be used.
    #[error("the database URL cannot be used: {0}; write sqlite:/path/to/file or postgres://user@host/name")]
    BadUrl(String),
    /// SQL said no.
    #[error("the database refused: {0}")]
    Database(String),
    /// The database does not answer, or another process keeps it locked.
    #[error("the database cannot be reached: {0}; look at its server, or at who holds the file")]
    Unreachable(String),
    /// The file is damaged.
    #[error("the database is damaged: {0}; restore the newest backup, or move the file away to begin empty")]
    Corrupt(String),
    /// Made by a newer version of the program.
    #[error("the database has schema {found}, this version knows {known}; install the newer version again")]
    TooNew {
        /// In the database.
        found: i64,
        /// In this program.
        known: i64,
    },
    /// A file could not be read or written.
    #[error("{path}: {text}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why, as the system says it.
        text: String,
    },
    /// More writes wait than the queue holds: the disk is too slow or stands still.
    #[error("the store is busy: {0} writes are waiting; look at the disk")]
    Busy(usize),
    /// The writer has ended.
    #[error("the store is closed")]
    Closed,
    /// The number is there already.
    #[error("the phone number is in use as {0}")]
    NumberInUse(Sid),
    /// A row that this version cannot read.
    #[error("a row of {table} cannot be read: {text}")]
    BadRow {
        /// Which table.
        table: &'static str,
        /// Which column, and why.
        text: String,
    },
    /// A recording grew over its bound.
    #[error("the recording is longer than {0} s and was cut")]
    TooLong(u64),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let locked = |error: &sqlx::Error| {
            error
                .as_database_error()
                .and_then(|inner| inner.code())
                .is_some_and(|code| matches!(&*code, "5" | "6" | "517"))
        };
        match error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                StoreError::Unreachable(error.to_string())
            }
            error if locked(&error) => StoreError::Unreachable(error.to_string()),
            error => StoreError::Database(error.to_string()),
        }
    }
}

impl StoreError {
    /// An error of a file.
    pub(crate) fn file(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        StoreError::File { path: path.into(), text: error.to_string() }
    }
}
