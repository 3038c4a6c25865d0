//! Octets of image data to a page, in pieces of any size. Whatever comes in, a page comes out.

use super::colour::PictureDecoder;
use super::jbig::JbigDecoder;
use super::run_decoder::RunDecoder;
use super::{Bitmap, Coding, ReceivedPicture};

/// Bounds of what a decoder keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Rows beyond these are not decoded.
    pub max_rows: u32,
}

impl Default for DecodeLimits {
    /// 30000 rows: a roll of 4 m at fine resolution.
    fn default() -> Self {
        Self { max_rows: 30_000 }
    }
}

/// How rows are told apart in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFraming {
    /// MH and MR: by end-of-line codes; data before the first is not believed.
    Line,
    /// By end-of-line codes where there are any, otherwise by the rows' width.
    File,
    /// By the rows' width, each row beginning with an octet: compression 2 of TIFF.
    OctetRows,
}

/// What was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedPage {
    /// The rows.
    pub bitmap: Bitmap,
    /// Rows that could not be decoded and repeat the row before, or where MMR or JBIG stopped.
    pub bad_rows: u32,
    /// The most bad rows in succession.
    pub longest_bad_run: u32,
    /// Whether the end of the page was said, by RTC or EOFB; in JBIG all rows that were announced are there.
    pub ended: bool,
    /// JPEG: the picture, of which the rows are a bilevel copy.
    pub picture: Option<ReceivedPicture>,
}

impl DecodedPage {
    /// Bad rows as a part of all.
    pub fn bad_share(&self) -> f32 {
        self.bad_rows as f32 / self.bitmap.height().max(1) as f32
    }
}

/// Decodes a page while its octets come in.
#[derive(Clone, Debug)]
pub struct PageDecoder(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Runs(RunDecoder),
    Jbig(JbigDecoder),
    Jpeg(PictureDecoder),
}

impl PageDecoder {
    /// A decoder of what comes by a line. `width` is at least 1.
    pub fn new(width: u32, coding: Coding, limits: DecodeLimits) -> Self {
        Self::with_framing(width, coding, RowFraming::Line, limits)
    }

    /// A decoder of rows told apart in another way, which makes no difference to JBIG and JPEG.
    pub fn with_framing(width: u32, coding: Coding, framing: RowFraming, limits: DecodeLimits) -> Self {
        assert!(width > 0, "a row has pels");
        Self(match coding {
            Coding::Jbig => Kind::Jbig(JbigDecoder::new(width, limits)),
            Coding::Jpeg => Kind::Jpeg(PictureDecoder::new(width, limits)),
            _ => Kind::Runs(RunDecoder::new(width, coding, framing, limits)),
        })
    }

    /// Decodes the next octets.
    pub fn push(&mut self, octets: &[u8]) {
        match &mut self.0 {
            Kind::Runs(decoder) => decoder.push(octets),
            Kind::Jbig(decoder) => decoder.push(octets),
            Kind::Jpeg(decoder) => decoder.push(octets),
        }
    }

    /// Whether nothing that follows can be part of the page: RTC or EOFB was seen, or the last row of JBIG.
    pub fn is_ended(&self) -> bool {
        self.page().ended
    }

    /// Whether nothing more is decoded: the page has ended, has all rows there may be, or a row of MMR or JBIG was bad.
    pub fn is_over(&self) -> bool {
        match &self.0 {
            Kind::Runs(decoder) => decoder.is_over(),
            Kind::Jbig(decoder) => decoder.is_over(),
            Kind::Jpeg(decoder) => decoder.is_over(),
        }
    }

    /// Rows decoded so far, bad ones among them. Those of JPEG all come with the end.
    pub fn rows(&self) -> u32 {
        self.page().bitmap.height()
    }

    /// Bad rows so far.
    pub fn bad_rows(&self) -> u32 {
        self.page().bad_rows
    }

    /// What came of it. A row that was begun and not finished is left out.
    pub fn finish(self) -> DecodedPage {
        match self.0 {
            Kind::Runs(decoder) => decoder.finish(),
            Kind::Jbig(decoder) => decoder.finish(),
            Kind::Jpeg(decoder) => decoder.finish(),
        }
    }

    /// The rows decoded so far.
    pub fn bitmap(&self) -> &Bitmap {
        &self.page().bitmap
    }

    fn page(&self) -> &DecodedPage {
        match &self.0 {
            Kind::Runs(decoder) => decoder.page(),
            Kind::Jbig(decoder) => decoder.page(),
            Kind::Jpeg(decoder) => decoder.page(),
        }
    }
}
