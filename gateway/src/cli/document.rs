//! Documents in and out of files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use answertone_t30::image::{
    Coding, Page, PaperWidth, Picture, Raster, Resolution,
    header::{self, Header},
    tiff::{FilePage, Profile, ReadPage, TiffDocument, TiffError, WriteOptions, write},
};
use answertone_t30::session::{ReceivedPage, Resolutions};
use thiserror::Error;

use super::{
    error::{CliError, with_causes},
    files::write_whole,
};
use crate::{
    ifax::pdf_of,
    render::{Drawn, RenderError, RenderOptions, document},
};

/// What documents without a resolution of their own are drawn at, the finest first.
const DRAWN: [Resolution; 5] =
    [Resolution::Dpi600, Resolution::Dpi400, Resolution::Dpi300, Resolution::Superfine, Resolution::Fine];

/// A page to send, and the picture it was made of where that is to be sent.
pub(super) struct Original {
    /// The page in black and white.
    pub(super) page: Arc<Page>,
    /// The same drawn coarser, for machines that take no more.
    pub(super) coarser: Vec<Arc<Page>>,
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
    drawn(&octets, media_type(path), &name, wanted).map_err(|error| CliError::usage(with_causes(&error)))
}

/// Draws a document at the finest resolution wanted, and at the coarser ones for machines that take no more.
fn drawn(octets: &[u8], media_type: &str, name: &str, wanted: Wanted) -> Result<Vec<Original>, RenderError> {
    let mut resolutions = DRAWN.into_iter().filter(|other| wanted.resolutions.has(*other));
    let finest = RenderOptions {
        resolution: resolutions.next().unwrap_or(Resolution::Fine),
        pictures: wanted.pictures,
        ..RenderOptions::default()
    };
    let mut originals: Vec<Original> = document(octets, media_type, name, &finest)?.into_iter().map(of_drawn).collect();
    for resolution in resolutions {
        let coarser = RenderOptions { resolution, pictures: false, ..finest.clone() };
        let pages = document(octets, media_type, name, &coarser)?;
        for (original, drawn) in originals.iter_mut().zip(pages) {
            original.coarser.push(Arc::new(drawn.page));
        }
    }
    Ok(originals)
}

fn of_drawn(mut drawn: Drawn) -> Original {
    let picture = drawn.picture().map(Arc::new);
    Original { page: Arc::new(drawn.page), coarser: Vec::new(), picture }
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
    Original { page, coarser: Vec::new(), picture: picture.map(Arc::new) }
}

/// The media type a file's name promises, for contents that do not tell themselves.
pub(super) fn media_type(path: &Path) -> &'static str {
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
    let under = |(number, Original { page, coarser, picture }): (u32, Original)| Original {
        page: Arc::new(header::add(&page, &header(number))),
        coarser: coarser.iter().map(|page| Arc::new(header::add(page, &header(number)))).collect(),
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
        Ok(write_whole(&self.path, &self.file()?)?)
    }

    /// PDF where the name says so, else TIFF.
    fn file(&self) -> Result<Vec<u8>, TiffError> {
        if media_type(&self.path) == "application/pdf" {
            return Ok(pdf_of(self.pages.iter().map(|page| (&page.page, page.picture.as_ref()))));
        }
        let options =
            WriteOptions { software: Some("answertone".into()), ..WriteOptions::plain(Profile::F(Coding::Mmr)) };
        write(&self.file_pages(), &options)
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
