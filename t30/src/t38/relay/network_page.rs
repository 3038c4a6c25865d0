//! A page of rows on its way to the network, where that takes fewer octets than the line.

use super::{RelayConfig, fill::Thinner, transcode::Transcoder};
use crate::session::Terms;

pub(super) enum NetworkPage {
    /// Less its fill.
    Thinned(Thinner),
    /// In another coding, which has none.
    Transcoded(Box<Transcoder>),
}

impl NetworkPage {
    /// The page that was agreed on; none where it passes as it is.
    pub(super) fn new(terms: &Terms, config: &RelayConfig) -> Option<Self> {
        match config.transcoding {
            Some(network) => Some(Self::Transcoded(Box::new(Transcoder::to_network(terms, network)))),
            None => config.fill_removal.then(|| Self::Thinned(Thinner::default())),
        }
    }

    /// Octets for the network.
    pub(super) fn push(&mut self, octets: &[u8]) -> Vec<u8> {
        match self {
            Self::Thinned(thinner) => thinner.push(octets),
            Self::Transcoded(transcoder) => transcoder.push(octets),
        }
    }

    /// The rest, and whether the page could be read, where it had to be.
    pub(super) fn finish(self) -> (Vec<u8>, bool) {
        match self {
            Self::Thinned(mut thinner) => (thinner.finish(), true),
            Self::Transcoded(transcoder) => transcoder.finish(),
        }
    }
}
