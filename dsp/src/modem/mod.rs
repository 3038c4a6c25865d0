//! The two faces of a modem. Every modem of this crate, FSK included, is used through them.

use crate::bits::{BitQueue, BitRun};

/// Turns bits into samples.
pub trait Modulator {
    /// Writes the next samples of the signal, preamble and training first, taking bits from `bits` when they are due.
    ///
    /// Returns how many samples it wrote: fewer than `out.len()` means that the signal ended there, after
    /// [`BitQueue::finish`] and the modem's own turn-off. While the queue is empty and not finished it sends ones.
    fn run(&mut self, bits: &mut BitQueue, out: &mut [f32]) -> usize;
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
