//! Colour and grey pages: baseline JPEG of T.81 in the colours of T.42, as ITU-T T.30 Annex E has them. Only with error correction.
//!
//! ```text
//!  Picture: sRGB ── scaled to the page ── CIELAB octets ── JPEG ── G3FAX segment ──▶ octets     Picture::jpeg, PageEncoder::of_jpeg
//!  ReceivedPicture ◀── octets as they came                                        ◀┐
//!  DecodedPage::bitmap ◀── dithered ◀── lightness ◀── CIELAB octets ◀── JPEG ◀─────┘            PageDecoder::push
//! ```
//!
//! A received picture is kept as it came, since its octets are what a file of TIFF-FX profile C holds; a bilevel page is made
//! of it besides, so that who knows no colour loses nothing but the colour.

mod decoder;
mod lab;
mod picture;
mod received;
mod segments;

pub(super) use decoder::PictureDecoder;
pub use picture::Picture;
pub use received::ReceivedPicture;
