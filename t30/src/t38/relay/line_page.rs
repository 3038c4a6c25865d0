//! A page of rows on its way to the line.

use super::{RelayConfig, fill::Rows, transcode::Transcoder};
use crate::session::Terms;

pub(super) struct LinePage {
    /// Where the network has it in another coding.
    transcoder: Option<Transcoder>,
    rows: Rows,
}

impl LinePage {
    /// The page that was agreed on. Rows of it that have no fill on the network take so many bits at least.
    pub(super) fn new(terms: &Terms, row_bits: usize, config: &RelayConfig) -> Self {
        let transcoder = config.transcoding.map(|network| Transcoder::to_line(terms, network));
        let is_thin = config.fill_removal || transcoder.is_some();
        Self { transcoder, rows: Rows::new(if is_thin { row_bits } else { 0 }) }
    }

    /// Octets for the line, as far as rows are whole.
    pub(super) fn push(&mut self, octets: &[u8]) -> Vec<u8> {
        match &mut self.transcoder {
            Some(transcoder) => self.rows.push(&transcoder.push(octets)),
            None => self.rows.push(octets),
        }
    }

    /// Fill of so many octets, between rows.
    pub(super) fn pause(&mut self, octets: usize) -> Option<Vec<u8>> {
        self.rows.pause(octets)
    }

    /// The rest, and whether the page could be read, where it had to be.
    pub(super) fn finish(&mut self) -> (Vec<u8>, bool) {
        let (rest, readable) = self.transcoder.take().map_or((Vec::new(), true), Transcoder::finish);
        let mut out = self.rows.push(&rest);
        out.extend(self.rows.finish());
        (out, readable)
    }
}
