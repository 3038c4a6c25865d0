//! DAHDI: channels of telephone cards, `/dev/dahdi/channel`.
//!
//! ```text
//!  DahdiLine ── Channel ──▶ KernelChannel: read, write, ioctl
//!                       └─▶ a stand-in, in tests
//! ```
//!
//! A channel is read and written without waiting, so many share a thread; its driver's clock says when a block is due.
//! The echo canceller is switched off: it is made for voices. This was written against the driver's header and tested
//! with a stand-in for the channel; it has not been run on a card.

mod channel;
mod line;
mod sys;
#[cfg(test)]
mod tests;

use answertone_dsp::{g711::Law, pcm::BLOCK_SAMPLES};
pub use channel::{Channel, ChannelEvent, ChannelSetup, Hook, KernelChannel, Moved};
pub use line::DahdiLine;
pub use sys::{BufferInfo, DialOperation, HardwareGain, REQUESTS};

use crate::{Line, OpenError, UriError, query::Query};

const KNOWN: &str = "samples, rx_gain and tx_gain";

/// What a channel's samples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 16 bit.
    Linear,
    /// One octet.
    Companded(Law),
}

/// A channel: `dahdi:1` or `dahdi:1?samples=alaw`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DahdiParams {
    /// Its number.
    pub number: u32,
    /// How samples cross to the driver.
    pub samples: Samples,
    /// Gains of the hardware in tenths of a decibel, received and sent.
    pub gains: [Option<i32>; 2],
}

impl DahdiParams {
    /// Reads what follows `dahdi:`.
    pub(crate) fn parse(uri: &str, rest: &str) -> Result<Self, UriError> {
        let (number, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let number = number.parse().ok().filter(|number| (1..=65_535).contains(number));
        let wanted = "write the number of a channel, as dahdi:1";
        let number = number.ok_or_else(|| UriError::BadNetworkLine { line: uri.to_owned(), wanted })?;
        let mut query = Query::new("dahdi", KNOWN, parameters);
        let kinds =
            [("linear", Samples::Linear), ("ulaw", Samples::Companded(Law::Mu)), ("alaw", Samples::Companded(Law::A))];
        let samples = query.choice("samples", &kinds, "write linear, ulaw or alaw")?.unwrap_or(Samples::Linear);
        let decibels = "write decibels from -20 to 20";
        let mut gain = |name| -> Result<Option<i32>, UriError> {
            let gain = query.number::<f32>(name, -20.0..=20.0, decibels)?;
            Ok(gain.map(|db| (db * 10.0).round() as i32))
        };
        let gains = [gain("rx_gain")?, gain("tx_gain")?];
        query.finish()?;
        Ok(Self { number, samples, gains })
    }

    fn setup(&self) -> ChannelSetup {
        let (linear, law) = match self.samples {
            Samples::Linear => (true, 0),
            Samples::Companded(Law::Mu) => (false, 1),
            Samples::Companded(Law::A) => (false, 2),
        };
        let block_octets = if linear { 2 * BLOCK_SAMPLES } else { BLOCK_SAMPLES };
        ChannelSetup { number: self.number, block_octets, linear, law, gains: self.gains }
    }
}

/// Opens the channel. It is on hook, and has a switch.
pub(crate) fn open(params: &DahdiParams) -> Result<Line, OpenError> {
    let channel = KernelChannel::open(&params.setup()).map_err(|error| OpenError::Network {
        line: "dahdi",
        address: params.number.to_string(),
        reason: format!(
            "{error}; check that the driver is loaded (lsdahdi), the channel exists and is not in use, and that you may use /dev/dahdi"
        ),
    })?;
    Ok(Line::Polled(Box::new(DahdiLine::new(channel, params))))
}
