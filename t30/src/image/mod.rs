//! Pages as bitmaps, and the codings of T.4, T.6 and T.85 that carry them.
//!
//! ```text
//!  Page ── Bitmap rows ──▶ changing elements ── t4, t6 ──▶ bits ──▶ octets     PageEncoder::fill
//!                                                                     │
//!  DecodedPage ◀── painted rows ◀── changing elements ◀── row decoder ◀┘       PageDecoder::push
//! ```
//!
//! MH, MR and MMR work on rows as lists of changing elements, not pel by pel; [`jbig`] works on pels, [`colour`] on pictures. [`header`] draws the line a fax carries at its top,
//! [`fit`] makes fax pages of other images, [`tiff`] reads and writes files.

mod bitmap;
mod bits;
mod changes;
pub mod colour;
mod decoder;
mod encoder;
pub mod fit;
pub mod header;
pub mod jbig;
mod page;
mod raster;
mod row_decoder;
mod rows;
mod run_decoder;
mod t4;
mod t6;
pub mod tables;
pub mod tiff;

pub use bitmap::Bitmap;
pub use colour::{Picture, ReceivedPicture};
pub use decoder::{DecodeLimits, DecodedPage, PageDecoder, RowFraming};
pub use encoder::{Eols, PageEncoder, RowEncoding, encode};
pub use page::{Coding, Page, PaperWidth, Resolution};
pub use raster::{Colour, Grey, Orientation, Raster};
pub use rows::{halve_rows, reduce_rows};
