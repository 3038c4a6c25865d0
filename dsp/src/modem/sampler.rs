//! Matched filter and mixer in one: the baseband of the line at any instant.

use alloc::boxed::Box;

use super::{
    carrier::Phasors,
    complex::Complex,
    line::Line,
    plan::Plan,
    pulse::{kaiser, root_raised_cosine},
    whole::nearest_whole,
};
use crate::{lanes::Isa, pcm::SAMPLE_RATE};

/// Instants between two samples at which the filter is known; a multiple of 3 and 2, as half symbols ask for.
const INSTANTS: usize = 96;
/// Samples on each side of the instant.
const HALF: usize = 32;
const TAPS: usize = 2 * HALF;

/// The matched filter of a plan, moved up to its carrier, for each instant between two samples.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    rows: Box<[Row]>,
    /// Carrier in turns per sample, and per instant.
    carrier: f64,
    carrier_per_instant: f64,
    phasors: Phasors,
    isa: Isa,
}

/// The filter for one instant, real and imaginary parts apart.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Row {
    re: [f32; TAPS],
    im: [f32; TAPS],
}

impl Row {
    fn new(plan: &Plan, instant: usize) -> Self {
        let symbol = f64::from(SAMPLE_RATE.0 / plan.baud.0);
        let carrier = f64::from(plan.carrier.0 / SAMPLE_RATE.0);
        let mut row = Self { re: [0.0; TAPS], im: [0.0; TAPS] };
        for tap in 0..TAPS {
            let at = instant as f64 / INSTANTS as f64 + HALF as f64 - 1.0 - tap as f64;
            let pulse = root_raised_cosine(at / symbol, f64::from(plan.roll_off)) * kaiser(at / HALF as f64, 2.0);
            let angle = 2.0 * core::f64::consts::PI * carrier * at;
            row.re[tap] = (pulse / symbol * libm::cos(angle)) as f32;
            row.im[tap] = (pulse / symbol * libm::sin(angle)) as f32;
        }
        row
    }
}

impl Sampler {
    pub(super) fn new(plan: &Plan, isa: Isa) -> Self {
        let carrier = f64::from(plan.carrier.0 / SAMPLE_RATE.0);
        Self {
            rows: (0..INSTANTS).map(|instant| Row::new(plan, instant)).collect(),
            carrier,
            carrier_per_instant: carrier / INSTANTS as f64,
            phasors: Phasors::new(),
            isa,
        }
    }

    /// Samples beyond an instant that must have been heard to sample it.
    pub(super) fn reach(&self) -> f64 {
        HALF as f64 + 1.0
    }

    /// Turns of the carrier in a number of samples.
    pub(super) fn carrier_turns(&self, samples: f64) -> f64 {
        samples * self.carrier
    }

    /// The baseband at `instant` (in samples of the line), turned back by `turns` besides the plan's carrier.
    #[inline]
    pub(super) fn at(&self, line: &Line, instant: f64, turns: f64) -> Complex {
        let (nearest, steps) = nearest_whole(instant * INSTANTS as f64);
        let (sample, place) = (steps.div_euclid(INSTANTS as i64), steps.rem_euclid(INSTANTS as i64) as usize);
        let heard: &[f32; TAPS] = line.piece(sample - HALF as i64 + 1);
        let row = &self.rows[place];
        let (re, im) = self.isa.dot_pair(heard, &row.re, &row.im);
        Complex::new(re, im) * self.phasors.turned(-(nearest * self.carrier_per_instant + turns))
    }
}
