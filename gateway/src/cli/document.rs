//! Documents in and out of files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use answertone_t30::image::{
    Coding, Page, PaperWidth, Picture, Raster,
    header::{self, Header},
    tiff::{FilePage, Profile, ReadPage, TiffDocument, TiffError, WriteOptions, write},
};
use answertone_t30::session::{ReceivedPage, Resolutions};
use thiserror::Error;

use super::{
    error::{CliError, with_causes},
    files::write_whole,
};
use crate::render::{RenderOptions, document, picture};

/// A page to send, and the picture it was made of where that is to be sent.
pub(super) struct Original {
    /// The page in black and white.
    pub(super) page: Arc<Page>,
    /// In grey or colour.
    pub(super) picture: Option<Arc<Picture>>,
}

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

/// What of files is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Grey and colour pictures beside their pages, for machines that take them.
    pub(super) pictures: bool,
    /// Resolutions of pages.
    pub(super) resolutions: Resolutions,
}

/// Reads the pages of files, in order.
pub(super) fn read_pages(paths: &[PathBuf], wanted: Wanted) -> Result<Vec<Original>, CliError> {
    let mut pages = Vec::new();
    for path in paths {
        pages.extend(read_file(path, wanted)?);
    }
    Ok(pages)
}

fn read_file(path: &Path, wanted: Wanted) -> Result<Vec<Original>, CliError> {
    let octets = fs::read(path).map_err(|error| CliError::usage(format!("{}: {error}", path.display())))?;
    let name = path.display().to_string();
    if octets.starts_with(b"II") || octets.starts_with(b"MM") {
        return read_tiff(&octets, wanted).map_err(|error| {
            let remedy = "write the file anew as TIFF with CCITT compression, or send it as PDF";
            CliError::usage(format!("{name}: {error}; {remedy}"))
        });
    }
    let pages = document(&octets, media_type(path), &name, &RenderOptions::default())
        .map_err(|error| CliError::usage(with_causes(&error)))?;
    let raster = if wanted.pictures { picture(&octets) } else { None };
    let seen = raster.map(|raster| {
        let dots = on_a4(&raster);
        Arc::new(Picture::new(raster, Some((dots, dots)), pages[0].resolution, PaperWidth::A4))
    });
    Ok(pages.into_iter().map(|page| Original { page: Arc::new(page), picture: seen.clone() }).collect())
}

/// The dots to the inch that make a picture as large as fits A4, 215 mm of scan line by 297 mm.
fn on_a4(raster: &Raster) -> f32 {
    (raster.width() as f32 / 8.64).max(raster.height() as f32 / 11.69)
}

/// The pages of a TIFF file: those that are fax pages of any width and resolution stay as they are.
fn read_tiff(octets: &[u8], wanted: Wanted) -> Result<Vec<Original>, TiffError> {
    let document = TiffDocument::open(octets)?;
    (0..document.page_count()).map(|index| Ok(original(document.page(index)?, wanted))).collect()
}

fn original(read: ReadPage, wanted: Wanted) -> Original {
    let page = Arc::new(read.to_page_as_is());
    let paper = page.paper().unwrap_or(PaperWidth::A4);
    let resolution = wanted.resolutions.best_for(page.resolution);
    // Now, for in a call nothing may wait for it.
    let page = page.at(resolution, paper);
    let is_picture = wanted.pictures && !matches!(read.raster, Raster::Bilevel(_));
    let picture = is_picture.then(|| Picture::new(read.raster, read.dots_per_inch, page.resolution, paper));
    Original { page, picture: picture.map(Arc::new) }
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
pub(super) fn with_header(pages: Vec<Original>, from: &str, to: &str) -> Vec<Original> {
    let of = pages.len() as u32;
    let date = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M").to_string();
    let header = |page| Header { date: date.clone(), from: from.into(), to: to.into(), page, of: Some(of) };
    let under = |(number, Original { page, picture }): (u32, Original)| Original {
        page: Arc::new(header::add(&page, &header(number))),
        picture: picture.map(|picture| Arc::new(Picture::clone(&picture).with_header(header(number)))),
    };
    (1..).zip(pages).map(under).collect()
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
    FilePage { bad_rows: page.bad_rows, picture: page.picture.as_ref(), ..FilePage::from(&page.page) }
}
