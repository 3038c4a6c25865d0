//! Two sample clocks that disagree.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    filter::{
        fir::{blackman, sinc},
        history::History,
    },
    lanes::Isa,
};

/// Most samples that wait between the two clocks, 100 ms: enough for 500 s at 200 ppm.
///
/// When the buffer runs full or empty it is emptied or filled at once: the signal jumps by this many samples, as on a
/// line whose exchange slips.
pub const CLOCK_ROOM: usize = 800;

/// Taps of the interpolator: flat to 3400 Hz.
const TAPS: usize = 48;

/// Interpolators between two samples; between two of them the result is interpolated linearly.
const PHASES: usize = 128;

/// Reads a signal with a clock that is not the one that wrote it.
#[derive(Clone, Debug)]
pub(super) struct ClockSkew {
    /// Taps for each phase from 0 to 1, both included; the first for the oldest sample.
    taps: Box<[Box<[f32]>]>,
    /// Samples written while one is read, less one.
    excess: f64,
    /// Samples waiting, beside those under the interpolator.
    waiting: f64,
    past: History,
    isa: Isa,
}

impl ClockSkew {
    /// The writer is faster by `offset_ppm` parts per million.
    pub(super) fn new(offset_ppm: f32) -> Self {
        let excess = f64::from(offset_ppm) * 1e-6;
        Self {
            taps: (0..=PHASES).map(|phase| interpolator(phase as f64 / PHASES as f64)).collect(),
            excess,
            waiting: if excess > 0.0 { CLOCK_ROOM as f64 } else { 0.0 },
            past: History::new(CLOCK_ROOM + TAPS + 1),
            isa: Isa::detect(),
        }
    }

    /// One sample written, one read: a faster writer's signal must be read faster than it comes in here.
    pub(super) fn push(&mut self, sample: f32) -> f32 {
        self.past.push(sample);
        self.waiting -= self.excess;
        if self.waiting < 0.0 {
            self.waiting += CLOCK_ROOM as f64;
        } else if self.waiting > CLOCK_ROOM as f64 {
            self.waiting -= CLOCK_ROOM as f64;
        }
        self.read()
    }

    /// The signal `waiting` samples, and half the interpolator, ago.
    fn read(&self) -> f32 {
        let whole = self.waiting as usize;
        let phase = (self.waiting - whole as f64) * PHASES as f64;
        let nearest = (phase as usize).min(PHASES - 1);
        let between = (phase - nearest as f64) as f32;
        let recent = self.past.last(whole + TAPS);
        let before = self.isa.dot(&recent[..TAPS], &self.taps[nearest]);
        let after = self.isa.dot(&recent[..TAPS], &self.taps[nearest + 1]);
        before + (after - before) * between
    }
}

/// Taps that read the signal `TAPS / 2 + phase` samples before the one after their newest.
fn interpolator(phase: f64) -> Box<[f32]> {
    let centre = TAPS as f64 / 2.0 - phase;
    let tap = |tap: usize| {
        let distance = tap as f64 - centre;
        sinc(distance) * blackman((distance / (TAPS as f64 / 2.0 + 1.0) + 1.0) / 2.0)
    };
    let taps: Vec<f64> = (0..TAPS).map(tap).collect();
    // Equal gain at zero frequency in every phase: otherwise the loudness would swing with the phase.
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}
