//! Bits to a tone that changes frequency without a jump of phase.

use crate::{
    bits::BitQueue,
    fsk::FskSpec,
    modem::Modulator,
    osc::{Oscillator, phase_step},
    pcm::SAMPLE_RATE,
    units::{Dbm0, Hz},
};

/// An FSK modulator. The signal begins with the first bit and ends with the last; there is no turn-off sequence.
#[derive(Clone, Debug)]
pub struct FskModulator {
    /// Advance of phase per sample in a binary 0 and a binary 1.
    steps: [u32; 2],
    /// Bits per sample.
    bits_per_sample: f64,
    /// Peak of the sine.
    amplitude: f32,
    /// Phase of the tone; its own frequency is not used.
    tone: Oscillator,
    /// The bit on the line; nothing before the first one.
    bit: Option<bool>,
    /// Part of that bit still to be sent.
    remaining: f64,
}

impl FskModulator {
    /// A modulator that sends at this level.
    pub fn new(spec: &FskSpec, level: Dbm0) -> Self {
        Self {
            steps: [phase_step(spec.space), phase_step(spec.mark)],
            bits_per_sample: f64::from(spec.rate.0) / f64::from(SAMPLE_RATE.0),
            amplitude: level.rms() * core::f32::consts::SQRT_2,
            tone: Oscillator::new(Hz(0.0)),
            bit: None,
            remaining: 0.0,
        }
    }

    /// Advances the phase by one sample, in which one bit may give way to the next.
    fn advance(&mut self, bit: bool, bits: &mut BitQueue) {
        let left = self.remaining - self.bits_per_sample;
        if left > 0.0 {
            self.remaining = left;
            self.tone.turn(self.steps[usize::from(bit)]);
            return;
        }
        self.bit = next_bit(bits);
        self.remaining = left + 1.0;
        let begun = -left / self.bits_per_sample;
        let following = self.steps[usize::from(self.bit.unwrap_or(bit))];
        self.tone.turn(blend(self.steps[usize::from(bit)], following, begun));
    }
}

impl Modulator for FskModulator {
    fn run(&mut self, bits: &mut BitQueue, out: &mut [f32]) -> usize {
        if self.bit.is_none() {
            self.bit = next_bit(bits);
            self.remaining = 1.0;
        }
        for (written, out) in out.iter_mut().enumerate() {
            let Some(bit) = self.bit else { return written };
            *out = self.amplitude * self.tone.next_sine();
            self.advance(bit, bits);
        }
        out.len()
    }

    fn restart(&mut self) {
        self.tone = Oscillator::new(Hz(0.0));
        self.bit = None;
        self.remaining = 0.0;
    }
}

/// The next bit of the signal: a one while the queue is empty, nothing after its end.
fn next_bit(bits: &mut BitQueue) -> Option<bool> {
    if bits.is_drained() { None } else { Some(bits.pop().unwrap_or(true)) }
}

/// A phase advance of `part` of `to` and the rest of `from`.
fn blend(from: u32, to: u32, part: f64) -> u32 {
    let (from, to) = (f64::from(from as i32), f64::from(to as i32));
    libm::rint(from + (to - from) * part) as i64 as u32
}
