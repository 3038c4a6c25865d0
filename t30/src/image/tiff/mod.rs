//! TIFF files in and out: what a fax is on disk and in a mail.
//!
//! Reading takes the files that fax software, scanners and office programs write: the CCITT compressions 2, 3 and 4 with
//! our own decoders and JBIG as far as it is T.85, others by the `tiff` crate. Writing makes files of TIFF-FX, RFC 3949: profile S for any receiver of
//! Internet fax, profile F with the codings of T.4 and T.6, profile J with JBIG.
//!
//! No file is read in part without saying so: one that is cut short is refused.

mod directory;
mod read;
mod samples;
mod write;

pub use read::{ReadPage, TiffDocument};
pub use write::{FilePage, Profile, WriteOptions, write};

/// The widest picture read, in pels: A4 at 1200 dots per inch and something over.
pub const MAX_WIDTH: u32 = 15_000;

/// The longest picture read, in rows: 4 m at fine resolution.
pub const MAX_ROWS: u32 = 30_000;

/// The most pels of a page that are read, 38 MB as a bitmap: A3 at 1200 dots per inch.
pub const MAX_PELS: u64 = 300_000_000;

/// The most octets of samples of a page that is not CCITT coded.
pub const MAX_SAMPLE_OCTETS: u64 = 128 << 20;

/// The most pages read.
pub const MAX_PAGES: usize = 2_000;

/// The most pels of all pages of a file together: some seconds of work.
pub const MAX_FILE_PELS: u64 = 4_000_000_000;

/// The most pels of all fax pages made of a file, 250 MB as bitmaps.
pub const MAX_FAX_PELS: u64 = 2_000_000_000;

/// Why a file cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TiffError {
    /// Neither byte order mark nor version of TIFF.
    #[error("not a TIFF file: it does not begin with the TIFF byte order mark and the number 42")]
    NotTiff,
    /// 64-bit offsets.
    #[error("the file is a BigTIFF; only classic TIFF is read, as fax programs write it")]
    BigTiff,
    /// It ends before what it says it holds.
    #[error("the file is truncated: {what} lies beyond its {octets} octets")]
    Truncated {
        /// What is missing.
        what: String,
        /// Length of the file.
        octets: usize,
    },
    /// No directory, or only thumbnails and masks.
    #[error("the file has no pages")]
    NoPages,
    /// More than are read.
    #[error("the file has more than {MAX_PAGES} pages; split it")]
    TooManyPages,
    /// The chain of directories runs in a circle.
    #[error("the file's pages follow each other in a circle")]
    Circle,
    /// A picture too large to be a page.
    #[error(
        "page {page} is {width} x {rows} pels; at most {MAX_WIDTH} x {MAX_ROWS} and {} million in all are read",
        MAX_PELS / 1_000_000
    )]
    TooLarge {
        /// The page, from 1.
        page: usize,
        /// Its width.
        width: u32,
        /// Its rows.
        rows: u32,
    },
    /// All pages together are too large.
    #[error("the pages of the file are too large together, more than {} million pels; split it", MAX_FILE_PELS / 1_000_000)]
    TooLargeInAll,
    /// A picture without pels.
    #[error("page {page} is empty: {width} x {rows} pels")]
    Empty {
        /// The page, from 1.
        page: usize,
        /// Its width.
        width: u32,
        /// Its rows.
        rows: u32,
    },
    /// A tag that must be there is not.
    #[error("page {page} has no tag {name} ({tag})")]
    Missing {
        /// The page, from 1.
        page: usize,
        /// Name of the tag.
        name: &'static str,
        /// Its number.
        tag: u16,
    },
    /// A compression there is no decoder for.
    #[error(
        "page {page} has compression {compression}, which is not read (1 to 5, 7 to 9, 32773, 32946 and 34661 are)"
    )]
    Compression {
        /// The page, from 1.
        page: usize,
        /// Value of the tag.
        compression: u32,
    },
    /// Something else there is no reader for.
    #[error("page {page} cannot be read: {what}")]
    Unsupported {
        /// The page, from 1.
        page: usize,
        /// What it is.
        what: String,
    },
    /// Image data that cannot be decoded.
    #[error("page {page} is damaged: {rows} of its {of} rows can be decoded")]
    Damaged {
        /// The page, from 1.
        page: usize,
        /// Rows that were decoded.
        rows: u32,
        /// Rows there should be.
        of: u32,
    },
    /// A page that profile S does not allow.
    #[error("page {page} is {width} pels wide; TIFF-FX profile S has 1728 only: use profile F")]
    ProfileWidth {
        /// The page, from 1.
        page: usize,
        /// Its width.
        width: u32,
    },
    /// More than 4 GB.
    #[error("the pages make a file of more than 4 GB; write fewer")]
    TooLong,
}
