//! The fast modems: V.27ter, V.29 and V.17, one transmitter and one receiver that differ by a [`Plan`] only.
//!
//! ```text
//! send:     bits -> scrambler -> coding -> Symbols -> pulse -> carrier -> samples
//! receive:  samples -> matched filter -> equaliser -> carrier loop -> decision -> decoding -> descrambler -> bits
//! ```
//!
//! [`Modulator`] and [`Demodulator`] are the two faces of a modem. Every modem of this crate, FSK included, is used
//! through them.

mod carrier;
mod complex;
mod decoder;
mod encoder;
mod equalizer;
mod filters;
mod jitter;
mod line;
mod lock;
mod phasors;
mod plan;
pub mod prbs;
mod predictor;
mod presence;
mod pulse;
mod receiver;
mod sampler;
mod slicer;
mod solver;
mod symbols;
mod timing;
mod training;
mod transmitter;
mod trellis;
pub mod v17;
mod v17_points;
pub mod v27ter;
pub mod v29;
mod whole;

pub use complex::Complex;
pub use filters::Filters;
pub use plan::{Coding, Generator, Meaning, Plan, ScramblerStart, Segment, plans};
pub use receiver::{Mended, Receiver, ReceiverBank};
pub use symbols::Symbols;
pub use transmitter::Transmitter;

use crate::bits::{BitQueue, BitRun};

/// Which training sequence a signal begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Train {
    /// The whole one, from which a receiver learns the line.
    Long,
    /// The resynchronising sequence of V.17, for a receiver that learned the line before.
    Short,
}

/// What goes out before the training sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    None,
    /// Unmodulated carrier and silence, so that echo suppressors have turned round when training begins.
    TalkerEcho,
}

/// Turns bits into samples.
pub trait Modulator {
    /// Writes the next samples of the signal, preamble and training first, taking bits from `bits` when they are due.
    ///
    /// Returns how many samples it wrote: fewer than `out.len()` means that the signal ended there, after
    /// [`BitQueue::finish`] and the modem's own turn-off. While the queue is empty and not finished it sends ones.
    fn run(&mut self, bits: &mut BitQueue, out: &mut [f32]) -> usize;

    /// Forgets the signal: the next sample is the first of a new one.
    fn restart(&mut self);
}

/// Turns samples into bits.
pub trait Demodulator {
    /// Takes the next samples of the line, in 16-bit scale, and appends bits and marks to `out`.
    fn run(&mut self, samples: &[f32], out: &mut BitRun);

    /// Lets `samples` samples pass that the transport lost: oscillators and timing run on, adaptation stands still.
    fn coast(&mut self, samples: usize, out: &mut BitRun);

    /// Forgets the signal and waits for the next one. Sample counting starts again from zero.
    fn restart(&mut self);
}
