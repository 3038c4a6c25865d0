//! Opening a store: a SQLite file in a folder, or a PostgreSQL database that several gateways share.

use std::{
    fs,
    path::Path,
    sync::{Arc, Once},
    time::Duration,
};

use sqlx::{
    Any, Connection,
    any::AnyPoolOptions,
    migrate::Migrator,
    pool::PoolOptions,
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode},
};

use super::{Store, StoreError, dialect::Terms, objects::Objects};
use crate::{config::StoreConfig, hexadecimal::chance};

/// Told before each operation on the store.
pub type Watch = Arc<dyn Fn() + Send + Sync>;

/// What each connection to SQLite begins with; WAL and vacuum are the file's own.
const SQLITE_SETTINGS: &str = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
    PRAGMA busy_timeout = 10000";
/// Calls and the rest of the gateway share so many connections to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 8;

pub(super) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

impl Store {
    /// Opens the store in a folder, making both where needed.
    pub async fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_folder(folder, None).await
    }

    /// Opens the store of a configuration.
    pub async fn of(config: &StoreConfig, watch: Option<Watch>) -> Result<Self, StoreError> {
        let pages = Some(&config.pages).filter(|url| !url.is_empty()).map(|url| Objects::open(url)).transpose()?;
        let store = match &config.url {
            url if url.is_empty() => Self::open_folder(&config.dir, watch).await,
            url => Self::open_server(url, config.lease, watch).await,
        };
        Ok(Self { pages, ..store? })
    }

    async fn open_folder(folder: &Path, watch: Option<Watch>) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::Folder { path: folder.into(), reason };
        fs::create_dir_all(folder).map_err(|error| refuse(error.to_string()))?;
        let file = folder.join("answertone.sqlite");
        let file = std::path::absolute(file).map_err(|error| refuse(error.to_string()))?;
        prepare(&file).await.map_err(|error| refuse(error.to_string()))?;
        let node = new_node();
        let url = format!("sqlite://{}", escaped(&file));
        // One connection: SQLite has one writer anyway, and readers here are few.
        let pool = pool(1, watch).after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(SQLITE_SETTINGS).execute(connection).await.map(drop) })
        });
        let pool = pool.connect(&url).await.map_err(|error| refuse(error.to_string()))?;
        Ok(Self { pool, terms: Terms::sqlite(&node), pages: None, node })
    }

    async fn open_server(url: &str, lease: Duration, watch: Option<Watch>) -> Result<Self, StoreError> {
        let refuse = |error: &dyn std::error::Error| StoreError::Server(error.to_string());
        let node = new_node();
        let pool = pool(POSTGRES_CONNECTIONS, watch).connect(url).await.map_err(|error| refuse(&error))?;
        POSTGRES.run(&pool).await.map_err(|error| refuse(&error))?;
        Ok(Self { pool, terms: Terms::postgres(&node, lease), pages: None, node })
    }
}

/// Makes the file where needed and brings its tables to today's shape.
async fn prepare(file: &Path) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(10));
    let mut connection = SqliteConnection::connect_with(&options).await?;
    SQLITE.run(&mut connection).await?;
    connection.close().await
}

/// SQLite ends a transaction by itself when the disk is full; a connection that still believes in it is replaced.
///
/// Connections have no end in time. The task that would look after them counts idle ones while others take and give them
/// back, can find one less than none, and then counts for ever on a thread that it keeps.
fn pool(connections: u32, watch: Option<Watch>) -> PoolOptions<Any> {
    static DRIVERS: Once = Once::new();
    DRIVERS.call_once(sqlx::any::install_default_drivers);
    let endless = AnyPoolOptions::new().idle_timeout(None).max_lifetime(None);
    endless.max_connections(connections).before_acquire(move |connection, _| {
        if let Some(watch) = &watch {
            watch();
        }
        Box::pin(async move { Ok(!connection.is_in_transaction()) })
    })
}

/// A name that no other start has had.
fn new_node() -> String {
    format!("{}-{}", std::process::id(), chance::<8>())
}

/// A path as it stands in a URL.
fn escaped(path: &Path) -> String {
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"/._-".contains(octet);
    let octets = path.as_os_str().as_encoded_bytes();
    octets
        .iter()
        .map(|octet| if plain(octet) { (*octet as char).to_string() } else { format!("%{octet:02X}") })
        .collect()
}
