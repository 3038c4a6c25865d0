//! Pages outside the database: files of a folder, or objects at a server that speaks S3.
//!
//! ```text
//!  page ─▶ object under a name of its own, on disk ─▶ row with that name ─▶ confirmed
//! ```
//!
//! An object is whole before the row that names it, and it never changes: a crash between the two leaves an object that no
//! row names, never a row without its page. What no row names any more, for that reason or because it was wiped or came
//! again, is swept away.

use std::{borrow::Cow, collections::HashSet, fs, sync::Arc, time::Duration};

use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    path::Path as Place,
};

use super::{Store, StoreError, now, s3::Connector};
use crate::hexadecimal::chance;

/// The first octet of what stands in a row instead of a page: its name follows. Forms of pages begin with others.
const NAMED: u8 = 0;
/// Octets of chance in a name.
const NAME_OCTETS: usize = 16;
/// What stands in a row instead of a page is no longer than this.
const LONGEST_NAME: i64 = 1 + 2 * NAME_OCTETS as i64;
/// A far machine waits for its page to be confirmed: a server that does not answer is not asked for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where pages lie that are not in the database.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    folder: Place,
}

impl Objects {
    /// By the URL `file:///FOLDER` or `s3://BUCKET/FOLDER`; a folder is made where it is not there. A server is what the
    /// environment says by the usual names: AWS_ENDPOINT, AWS_ACCESS_KEY_ID and so on.
    pub(super) fn open(url: &str) -> Result<Self, StoreError> {
        let refuse = |error: &dyn std::error::Error| StoreError::Pages(format!("store.pages = {url:?}: {error}"));
        if let Some(folder) = url.strip_prefix("file://") {
            fs::create_dir_all(folder).map_err(|error| refuse(&error))?;
            let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| refuse(&error))?;
            return Ok(Self { store: Arc::new(store.with_fsync(true)), folder: Place::default() });
        }
        Self::at_server(url, AmazonS3Builder::from_env()).map_err(|error| refuse(&error))
    }

    pub(super) fn at_server(url: &str, server: AmazonS3Builder) -> Result<Self, object_store::Error> {
        let retry = RetryConfig { max_retries: 3, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let server = server.with_url(url).with_http_connector(Connector).with_retry(retry);
        // Not every server knows how to delete several at once.
        let server = server.with_config(AmazonS3ConfigKey::DisableBulkDelete, "true");
        let folder = url.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).map_or("", |(_, folder)| folder);
        Ok(Self { store: Arc::new(server.build()?), folder: Place::from(folder) })
    }

    fn place(&self, name: &str) -> Place {
        self.folder.clone().join(name)
    }

    async fn put(&self, image: &[u8]) -> Result<String, object_store::Error> {
        let name = chance::<NAME_OCTETS>();
        self.store.put(&self.place(&name), image.to_vec().into()).await?;
        Ok(name)
    }

    async fn get(&self, name: &str) -> Result<Vec<u8>, object_store::Error> {
        Ok(self.store.get(&self.place(name)).await?.bytes().await?.to_vec())
    }

    /// The names of pages that are there and older than that, milliseconds since 1970. What else lies there is not ours.
    async fn older_than(&self, before: i64) -> Result<Vec<String>, object_store::Error> {
        let there = self.store.list_with_delimiter(Some(&self.folder)).await?.objects;
        let older = there.into_iter().filter(|object| object.last_modified.timestamp_millis() < before);
        let name = |object: ObjectMeta| object.location.filename().filter(|name| is_page(name)).map(str::to_owned);
        Ok(older.filter_map(name).collect())
    }

    /// Another gateway of this store may have removed it a moment before.
    async fn remove(&self, name: &str) -> Result<(), object_store::Error> {
        match self.store.delete(&self.place(name)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            removed => removed,
        }
    }
}

/// Whether a name is one that [`Objects::put`] gives.
fn is_page(name: &str) -> bool {
    name.len() == 2 * NAME_OCTETS && name.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        Self::Pages(format!("a page cannot be kept or fetched: {error}"))
    }
}

/// The name that stands in a row instead of a page.
fn named(kept: &[u8]) -> Option<&str> {
    kept.strip_prefix(&[NAMED]).and_then(|name| std::str::from_utf8(name).ok())
}

impl Store {
    /// What goes into a row for a page: the page, or its name when it lies elsewhere, where it is safe by then.
    pub(super) async fn laid<'i>(&self, image: &'i [u8]) -> Result<Cow<'i, [u8]>, StoreError> {
        let Some(objects) = &self.pages else { return Ok(Cow::Borrowed(image)) };
        let name = objects.put(image).await?;
        Ok(Cow::Owned([&[NAMED], name.as_bytes()].concat()))
    }

    /// The same for several.
    pub(super) async fn all_laid<'i>(&self, images: &'i [Vec<u8>]) -> Result<Vec<Cow<'i, [u8]>>, StoreError> {
        let mut laid = Vec::with_capacity(images.len());
        for image in images {
            laid.push(self.laid(image).await?);
        }
        Ok(laid)
    }

    /// The page of what stands in a row.
    pub(super) async fn fetched(&self, kept: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let Some(name) = named(&kept) else { return Ok(kept) };
        let away = || StoreError::Pages(format!("page {name} lies where store.pages does not say any more"));
        Ok(self.pages.as_ref().ok_or_else(away)?.get(name).await?)
    }

    /// The same for several.
    pub(super) async fn all_fetched(&self, kept: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut pages = Vec::with_capacity(kept.len());
        for kept in kept {
            pages.push(self.fetched(kept).await?);
        }
        Ok(pages)
    }

    /// Removes pages outside the database that no row names and that are so many milliseconds old; how many.
    pub async fn sweep(&self, age: i64) -> Result<u64, StoreError> {
        let Some(objects) = &self.pages else { return Ok(0) };
        let there = objects.older_than(now() - age).await?;
        // Only now: what was named before it was looked for here is not lost.
        let (names, mut swept) = (self.names().await?, 0);
        for name in there.iter().filter(|name| !names.contains(*name)) {
            objects.remove(name).await?;
            swept += 1;
        }
        Ok(swept)
    }

    async fn names(&self) -> Result<HashSet<String>, StoreError> {
        let mut names = HashSet::new();
        for table in ["page", "cover", "fax_page"] {
            let short = format!("SELECT image FROM {table} WHERE length(image) BETWEEN 1 AND $1");
            let kept: Vec<Vec<u8>> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(short)).bind(LONGEST_NAME).fetch_all(&self.pool).await?;
            names.extend(kept.iter().filter_map(|kept| named(kept)).map(str::to_owned));
        }
        Ok(names)
    }
}
