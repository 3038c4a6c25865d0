//! Everything that must outlive a crash: messages, jobs, pages, received faxes, mail to be handed over.
//!
//! ```text
//!  SMTP ─▶ message + jobs ─▶ pages rendered ─▶ call: page by page ─▶ done | failed ─▶ notice ─┐
//!                                                                                             ├▶ outbound ─▶ relay
//!  call ─▶ fax ─▶ page by page, each on disk before it is confirmed ─▶ complete | partial ────┘
//! ```
//!
//! One SQLite database in WAL mode with `synchronous=FULL`; every change of state is one transaction, so a crash
//! at any point leaves each job, page and mail in a definite state. Images are in it too: a page and the state that
//! says it is there cannot disagree.

mod browse;
mod faxes;
mod history;
mod image;
mod jobs;
mod messages;
mod outbound;
mod overview;
mod retention;
mod told;
mod usage;
mod users;

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

pub use browse::{Counts, Destination, FaxItem, JobItem, Owner, PlacedCall, Tally, Wanted};
pub use faxes::{Fax, FaxState};
pub use history::{LogFilter, LogRow};
pub use image::{pack, pack_with, unpack, unpack_picture};
use jiff::Timestamp;
pub use jobs::{Ending, Job, Verdict};
pub use messages::{Accepted, NewMessage, NewRecipient};
pub use outbound::{Mail, MailKind, NewMail};
pub use overview::{CallRow, JobRow, MailRow, Overview};
use sqlx::{
    Connection, SqlitePool,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
pub use told::Untold;
pub use usage::Usage;
pub use users::User;

/// The store of one gateway.
#[derive(Clone)]
pub struct Store {
    pool: SqlitePool,
}

/// Why something could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room.
    #[error("the disk under {0} is full; free some space")]
    Full(PathBuf),
    /// The folder cannot be used.
    #[error("store folder {path}: {reason}; choose another with store.dir or change its rights")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another gateway works on it.
    #[error("store folder {0} is in use by another answertone; stop that one or set another store.dir")]
    InUse(PathBuf),
    /// The database says no.
    #[error("the store failed: {0}")]
    Database(sqlx::Error),
}

/// SQLite's own codes, sqlite.org/rescode.html.
const SQLITE_FULL: &str = "13";
/// A write failed: `SQLITE_IOERR_WRITE`.
const SQLITE_IOERR_WRITE: &str = "778";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned());
        match code.as_deref() {
            Some(SQLITE_FULL | SQLITE_IOERR_WRITE) => Self::Full(PathBuf::from("the store")),
            _ => Self::Database(error),
        }
    }
}

/// Now, as the store writes it.
pub fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Keeps a second gateway off the same store for as long as it lives.
pub struct Claim(#[allow(dead_code, reason = "held for its lock")] File);

impl Store {
    /// Opens the store in a folder, making both where needed.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::Folder { path: folder.into(), reason };
        fs::create_dir_all(folder).map_err(|error| refuse(error.to_string()))?;
        let options = SqliteConnectOptions::new()
            .filename(folder.join("answertone.sqlite"))
            .create_if_missing(true)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            .busy_timeout(Duration::from_secs(10));
        // One connection: SQLite has one writer anyway, and readers here are few.
        // SQLite ends a transaction by itself when the disk is full; a connection that still believes in it is replaced.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .connect_with(options)
            .await;
        let pool = pool.map_err(|error| refuse(error.to_string()))?;
        sqlx::migrate!("migrations/sqlite").run(&pool).await.map_err(|error| refuse(error.to_string()))?;
        Ok(Self { pool })
    }

    /// Claims the folder for a gateway about to serve.
    pub fn claim(folder: &Path) -> Result<Claim, StoreError> {
        let refuse = |reason: String| StoreError::Folder { path: folder.into(), reason };
        fs::create_dir_all(folder).map_err(|error| refuse(error.to_string()))?;
        let file = File::create(folder.join("serving")).map_err(|error| refuse(error.to_string()))?;
        match file.try_lock() {
            Ok(()) => Ok(Claim(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(folder.into())),
            Err(TryLockError::Error(error)) => Err(refuse(error.to_string())),
        }
    }

    /// Closes it; what is written stays written without this.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

#[cfg(test)]
mod tests;
