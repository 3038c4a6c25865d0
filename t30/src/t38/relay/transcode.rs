//! Pages without error correction whose coding on the network is another than on the line: fewer octets for the same rows.
//!
//! ```text
//!  line ── MH, MR ──▶ to_network ── MMR or JBIG ──▶ network ──▶ to_line ── MH, MR ──▶ line
//! ```
//!
//! Rows go on one by one, and what could not be read has well-formed ones in its place. So that nobody takes such a page for
//! good, it breaks off on the network, and ends with rows that are none on the line; [`Transcoder::finish`] tells it too.

use crate::{
    image::{Bitmap, Coding, DecodeLimits, DecodedPage, PageDecoder, PageEncoder, RowEncoding, encode},
    session::{QualityLimits, Terms},
};

/// Rows of a stripe of JBIG: a row is not known before its stripe is, and rows of 20 ms must not be late by seconds.
const STRIPE_ROWS: u32 = 16;

/// What pages are on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transcoding {
    /// MMR: both ends announced T38FaxTranscodingMMR.
    Mmr,
    /// JBIG: both ends announced T38FaxTranscodingJBIG.
    Jbig,
}

/// Pels of rows that are none, where no page is so narrow; and how many there are at least: no machine takes so many.
const NARROW: u32 = 64;
const LEAST_NARROW: u32 = 8;

/// Octets in one coding to octets in another.
pub(super) struct Transcoder {
    /// The line's coding, on the way there.
    line: Option<Coding>,
    decoder: PageDecoder,
    encoder: PageEncoder,
    /// Rows that were encoded.
    rows: u32,
}

impl Transcoding {
    fn coding(self) -> Coding {
        match self {
            Self::Mmr => Coding::Mmr,
            Self::Jbig => Coding::Jbig,
        }
    }
}

impl Transcoder {
    pub(super) fn to_network(terms: &Terms, network: Transcoding) -> Self {
        let encoder = match network {
            Transcoding::Mmr => PageEncoder::growing(terms.pels(), RowEncoding::on_line(Coding::Mmr, 1)),
            Transcoding::Jbig => PageEncoder::growing_jbig(terms.pels(), STRIPE_ROWS),
        };
        let decoder = PageDecoder::new(terms.pels(), terms.coding, DecodeLimits::default());
        Self { line: None, decoder, encoder, rows: 0 }
    }

    pub(super) fn to_line(terms: &Terms, network: Transcoding) -> Self {
        let encoding = RowEncoding::on_line(terms.coding, terms.resolution.k());
        Self {
            line: Some(terms.coding),
            decoder: PageDecoder::new(terms.pels(), network.coding(), DecodeLimits::default()),
            encoder: PageEncoder::growing(terms.pels(), encoding),
            rows: 0,
        }
    }

    /// What becomes of the octets so far as it is known.
    pub(super) fn push(&mut self, octets: &[u8]) -> Vec<u8> {
        self.decoder.push(octets);
        let bitmap = self.decoder.bitmap();
        for row in self.rows..bitmap.height() {
            self.encoder.push_row(bitmap.row(row));
        }
        self.rows = bitmap.height();
        taken(&mut self.encoder)
    }

    /// The rest, and whether the page could be read.
    pub(super) fn finish(mut self) -> (Vec<u8>, bool) {
        let page = self.decoder.finish();
        for row in self.rows..page.bitmap.height() {
            self.encoder.push_row(page.bitmap.row(row));
        }
        let readable = is_readable(&page);
        if readable {
            self.encoder.finish();
        }
        let mut rest = taken(&mut self.encoder);
        if let Some(coding) = self.line.filter(|_| !readable) {
            rest.extend(no_rows(coding, LEAST_NARROW + page.bitmap.height() / 8));
        }
        (rest, readable)
    }
}

/// What is there of a page.
fn taken(encoder: &mut PageEncoder) -> Vec<u8> {
    let mut octets = vec![0; encoder.ready()];
    encoder.fill(&mut octets);
    octets
}

/// The end of a page that cannot be taken, in the line's coding.
fn no_rows(coding: Coding, count: u32) -> Vec<u8> {
    encode(&Bitmap::white(NARROW, count), RowEncoding::on_line(coding, 1))
}

/// Whether a machine would have taken the page. What breaks off in a coding whose rows lean on each other is not whole.
fn is_readable(page: &DecodedPage) -> bool {
    page.ended && !QualityLimits::default().refuse(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Bitmap {
        let mut bitmap = Bitmap::white(1728, 150);
        for y in 0..150 {
            (0..400).for_each(|x| bitmap.set(x, y, (x / (3 + y / 20) + y / 7).is_multiple_of(3)));
        }
        bitmap
    }

    /// DCS: 14400 bit/s, fine, MR or not.
    fn terms(coding: Coding) -> Terms {
        let mr = if coding == Coding::Mr { 0x80 } else { 0 };
        Terms::of_field(&[0x00, 0x46 | 0x20 | mr, 0x70]).expect("a rate that is")
    }

    /// Over the network and back, in pieces; what came out, and both verdicts.
    fn there_and_back(
        coding: Coding,
        network: Transcoding,
        harm: impl Fn(&mut Vec<u8>),
    ) -> (DecodedPage, [bool; 2], usize) {
        let (terms, bitmap) = (terms(coding), page());
        let sent = encode(&bitmap, RowEncoding::on_line(coding, terms.resolution.k()));
        let mut there = Transcoder::to_network(&terms, network);
        let mut carried: Vec<u8> = sent.chunks(41).flat_map(|octets| there.push(octets)).collect();
        let (rest, read) = there.finish();
        carried.extend(rest);
        harm(&mut carried);
        let mut back = Transcoder::to_line(&terms, network);
        let mut said: Vec<u8> = carried.chunks(17).flat_map(|octets| back.push(octets)).collect();
        let (rest, read_again) = back.finish();
        said.extend(rest);
        let mut decoder = PageDecoder::new(1728, coding, DecodeLimits::default());
        decoder.push(&said);
        (decoder.finish(), [read, read_again], 100 * carried.len() / sent.len())
    }

    #[test]
    fn rows_are_the_same_and_octets_are_fewer() {
        for coding in [Coding::Mh, Coding::Mr] {
            assert_eq!(terms(coding).coding, coding);
            for network in [Transcoding::Mmr, Transcoding::Jbig] {
                let (got, read, percent) = there_and_back(coding, network, |_| ());
                assert!(got.bitmap == page() && got.ended && got.bad_rows == 0, "{coding:?} as {network:?}");
                assert_eq!(read, [true, true]);
                assert!(percent < 80, "{coding:?} as {network:?}: {percent} %");
            }
        }
    }

    #[test]
    fn a_page_that_broke_off_on_the_network_is_taken_by_nobody() {
        for coding in [Coding::Mh, Coding::Mr] {
            for network in [Transcoding::Mmr, Transcoding::Jbig] {
                let (got, read, _) = there_and_back(coding, network, |octets| octets.truncate(octets.len() / 2));
                assert_eq!(read, [true, false], "{coding:?} as {network:?}");
                assert!(got.ended && QualityLimits::default().refuse(&got), "{} bad rows", got.bad_rows);
            }
        }
    }

    #[test]
    fn a_page_that_was_bad_on_its_line_breaks_off_on_the_network() {
        let (terms, mut sent) = (terms(Coding::Mh), encode(&page(), RowEncoding::on_line(Coding::Mh, 1)));
        sent.iter_mut().step_by(40).for_each(|octet| *octet ^= 0x18);
        for network in [Transcoding::Mmr, Transcoding::Jbig] {
            let mut there = Transcoder::to_network(&terms, network);
            let mut carried = there.push(&sent);
            let (rest, read) = there.finish();
            carried.extend(rest);
            let mut back = Transcoder::to_line(&terms, network);
            back.push(&carried);
            assert_eq!((read, back.finish().1), (false, false), "{network:?}");
        }
    }
}
