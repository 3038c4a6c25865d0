//! Octets of a JPEG page, collected until its end, to a bilevel page and the picture itself.

use super::received::{ReceivedPicture, greys, readable};
use crate::image::{Bitmap, DecodeLimits, DecodedPage, fit};

/// The most octets of a page: over an hour at 33600 bit/s.
const MAX_OCTETS: usize = 16 << 20;

/// Collects a page.
#[derive(Clone, Debug)]
pub(in super::super) struct PictureDecoder {
    octets: Vec<u8>,
    limits: DecodeLimits,
    page: DecodedPage,
}

impl PictureDecoder {
    pub(in super::super) fn new(width: u32, limits: DecodeLimits) -> Self {
        let bitmap = Bitmap::new(width);
        let page = DecodedPage { bitmap, bad_rows: 0, longest_bad_run: 0, ended: false, picture: None };
        Self { octets: Vec::new(), limits, page }
    }

    pub(in super::super) fn push(&mut self, octets: &[u8]) {
        let room = MAX_OCTETS - self.octets.len();
        self.octets.extend_from_slice(&octets[..octets.len().min(room)]);
    }

    pub(in super::super) fn is_over(&self) -> bool {
        self.octets.len() == MAX_OCTETS
    }

    pub(in super::super) fn page(&self) -> &DecodedPage {
        &self.page
    }

    /// What came of it: without a picture that can be decoded there are no rows.
    pub(in super::super) fn finish(self) -> DecodedPage {
        let Self { octets, limits, page } = self;
        let Some(stream) = readable(&octets).filter(|stream| stream.rows <= limits.max_rows) else { return page };
        let Some(greys) = greys(&stream) else { return page };
        let bitmap = fit::dithered(greys, page.bitmap.width());
        let ended = stream.ended;
        drop(stream);
        DecodedPage { bitmap, ended, picture: ReceivedPicture::read(octets), ..page }
    }
}
