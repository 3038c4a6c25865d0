//! Documents in and out of files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use answertone_t30::image::{
    Coding, Page,
    header::{self, Header},
    tiff::{FilePage, Profile, TiffError, WriteOptions, write},
};
use answertone_t30::session::ReceivedPage;
use thiserror::Error;

use super::{
    error::{CliError, with_causes},
    files::write_whole,
};
use crate::render::{RenderOptions, document};

/// Why received pages could not be stored.
#[derive(Debug, Error)]
pub(super) enum StoreError {
    /// They could not be written as TIFF.
    #[error("the page does not fit a TIFF file")]
    Tiff(#[from] TiffError),
    /// The disk did not take them.
    #[error("the file could not be written")]
    Io(#[from] io::Error),
}

/// Reads the pages of files, in order.
pub(super) fn read_pages(paths: &[PathBuf]) -> Result<Vec<Page>, CliError> {
    let mut pages = Vec::new();
    for path in paths {
        pages.extend(read_file(path)?);
    }
    Ok(pages)
}

fn read_file(path: &Path) -> Result<Vec<Page>, CliError> {
    let octets = fs::read(path).map_err(|error| CliError::usage(format!("{}: {error}", path.display())))?;
    let name = path.display().to_string();
    document(&octets, media_type(path), &name, &RenderOptions::default())
        .map_err(|error| CliError::usage(with_causes(&error)))
}

/// The media type a file's name promises, for contents that do not tell themselves.
fn media_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_ascii_lowercase();
    match extension.as_str() {
        "tif" | "tiff" => "image/tiff",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "txt" | "text" => "text/plain",
        _ => "application/octet-stream",
    }
}

/// Adds the header line to every page.
pub(super) fn with_header(pages: Vec<Page>, from: &str, to: &str) -> Vec<Page> {
    let of = pages.len() as u32;
    let date = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M").to_string();
    let header = |page| Header { date: date.clone(), from: from.into(), to: to.into(), page, of: Some(of) };
    (1..).zip(&pages).map(|(number, page)| header::add(page, &header(number))).collect()
}

/// Pages shared with a session.
pub(super) fn shared(pages: Vec<Page>) -> Vec<Arc<Page>> {
    pages.into_iter().map(Arc::new).collect()
}

/// Received pages on their way to a file, which is whole after every page.
pub(super) struct Tray {
    path: PathBuf,
    pages: Vec<ReceivedPage>,
}

impl Tray {
    /// An empty tray; the file appears with the first page.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, pages: Vec::new() }
    }

    /// Adds a page and writes the file anew.
    pub(super) fn add(&mut self, page: ReceivedPage) -> Result<(), StoreError> {
        // A page that is sent again takes the place of the one that was refused.
        self.pages.retain(|earlier| earlier.number != page.number);
        self.pages.push(page);
        let options =
            WriteOptions { software: Some("answertone".into()), ..WriteOptions::plain(Profile::F(Coding::Mmr)) };
        Ok(write_whole(&self.path, &write(&self.file_pages(), &options)?)?)
    }

    fn file_pages(&self) -> Vec<FilePage<'_>> {
        self.pages.iter().map(file_page).collect()
    }

    /// Pages on the disk.
    pub(super) fn count(&self) -> usize {
        self.pages.len()
    }

    /// Where they are.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn file_page(page: &ReceivedPage) -> FilePage<'_> {
    FilePage { bad_rows: page.bad_rows, ..FilePage::from(&page.page) }
}
