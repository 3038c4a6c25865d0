//! Everything that must outlive a crash: messages, jobs, pages, received faxes, mail to be handed over.
//!
//! ```text
//!  SMTP ─▶ message + jobs ─▶ pages rendered ─▶ call: page by page ─▶ done | failed ─▶ notice ─┐
//!                                                                                             ├▶ outbound ─▶ relay
//!  call ─▶ fax ─▶ page by page, each on disk before it is confirmed ─▶ complete | partial ────┘
//! ```
//!
//! SQLite in WAL mode with `synchronous=FULL` for one gateway, PostgreSQL for several that share one queue. Every change
//! of state is one transaction, so a crash at any point leaves each job, page and mail in a definite state. Images are in
//! it too, or with `store.pages` in a folder or at an S3 server: then they are safe there before a row names them.
//!
//! What a gateway works on carries its name and a lease that it renews ([`Store::renew`]). Of a gateway that is gone the
//! lease runs out, and another takes over what it left; what it still writes then no longer counts. SQLite has one
//! gateway at a time, so there everything another name stands at was left by a crash.

mod browse;
mod database;
mod dialect;
mod faxes;
mod history;
mod image;
mod jobs;
mod lease;
mod messages;
mod objects;
mod outbound;
mod overview;
mod query;
mod retention;
mod s3;
mod told;
mod usage;
mod users;
mod webhooks;

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

pub use browse::{Counts, Destination, FaxItem, JobItem, Owner, PlacedCall, Tally, Wanted};
pub use database::Watch;
use dialect::Terms;
pub use faxes::{Fax, FaxState};
pub use history::{LogFilter, LogRow};
pub use image::{pack, pack_with, size_of, unpack, unpack_picture};
use jiff::Timestamp;
pub use jobs::{Carries, Ending, Job, Verdict};
pub use messages::{Accepted, NewMessage, NewRecipient, Replaced};
use objects::Objects;
pub use outbound::{Mail, MailKind, NewMail};
pub use overview::{CallRow, MailRow, Overview};
use sqlx::{Any, AnyPool, Transaction};
pub use told::Untold;
pub use usage::Usage;
pub use users::User;
pub use webhooks::{Over, Webhook};

/// The store of one gateway, or its part in one that several share.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    terms: Terms,
    /// Where pages lie, if not in the database.
    pages: Option<Objects>,
    /// Who we are among the gateways of this store, another at each start.
    node: String,
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
    /// A database that several gateways share.
    #[error("store.url: {0}; see that the server runs and that the user may use the database")]
    Server(String),
    /// Where pages lie that are not in the database.
    #[error("{0}")]
    Pages(String),
    /// Another gateway has closed it, because this one did not renew its lease.
    #[error("fax {0} was taken over by another gateway")]
    TakenOver(i64),
    /// The database says no.
    #[error("the store failed: {0}")]
    Database(sqlx::Error),
}

/// SQLite's own codes, sqlite.org/rescode.html: `SQLITE_FULL`, and `SQLITE_IOERR_WRITE`.
const SQLITE_FULL: [&str; 2] = ["13", "778"];
/// PostgreSQL's `disk_full`.
const POSTGRES_FULL: &str = "53100";

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned());
        match code.as_deref() {
            Some(code) if code == POSTGRES_FULL || SQLITE_FULL.contains(&code) => {
                Self::Full(PathBuf::from("the store"))
            }
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

    async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.pool.begin_with(self.terms.begin).await
    }
}

#[cfg(test)]
mod tests;
