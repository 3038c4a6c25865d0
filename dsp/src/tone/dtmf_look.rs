//! One look at the eight frequencies of DTMF, every 5 ms, and what several looks in a row agree on.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    filter::{fir, history::History},
    lanes::Isa,
    osc::{cosine, phase_step, sine},
    pcm::SAMPLE_RATE,
    tone::dtmf::{HIGH_GROUP, LOW_GROUP},
    units::Hz,
};

/// Samples from look to look.
pub(super) const HOP: usize = 40;

/// Samples of a look, under Hann's window: looks half a window apart weigh every sample alike.
const WINDOW: usize = 2 * HOP;

/// Looks remembered.
pub(super) const MEMORY: usize = 16;

/// Looks that have to agree: 35 ms, of which the first and the last few lie under the window's flanks.
pub(super) const RUN: usize = 6;

/// Between dial tone (up to 480 Hz) and the low group.
const DIAL_TONE_CORNER: Hz = Hz(588.0);

/// Taps of the filter that takes the dial tone away.
const DIAL_TONE_TAPS: usize = 255;

/// Samples by which everything is late: the filter's middle and the window's.
pub(super) const DELAY: usize = DIAL_TONE_TAPS / 2 + HOP;

/// A complex amplitude.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Phasor {
    pub(super) re: f32,
    pub(super) im: f32,
}

impl Phasor {
    pub(super) fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    pub(super) fn scaled(self, factor: f32) -> Self {
        Self { re: self.re * factor, im: self.im * factor }
    }

    /// self times the conjugate of `other`.
    pub(super) fn against(self, other: Self) -> Self {
        Self { re: self.re * other.re + self.im * other.im, im: self.im * other.re - self.re * other.im }
    }

    /// Turned forwards by turns of phase.
    pub(super) fn turned(self, turns: f32) -> Self {
        let phase = (turns * 65536.0) as i32 as u32;
        let (cosine, sine) = (cosine(phase << 16), sine(phase << 16));
        Self { re: self.re * cosine - self.im * sine, im: self.re * sine + self.im * cosine }
    }

    /// Turns of phase, -1/2 to 1/2.
    pub(super) fn turns(self) -> f32 {
        libm::atan2f(self.im, self.re) / core::f32::consts::TAU
    }
}

/// Amplitudes (a sine of peak 1 has 1) of the low and the high group, relative to phases that run on at the nominal
/// frequencies, and the mean square of everything.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    pub(super) tones: [Phasor; 8],
    pub(super) mean_square: f32,
}

/// Takes samples and looks every [`HOP`].
#[derive(Clone, Debug)]
pub(super) struct Looker {
    /// Takes the dial tone away.
    low_pass: fir::Fir,
    past: History,
    /// Window times cosine and window times sine of each frequency, and the window squared.
    tables: Box<[[[f32; WINDOW]; 2]; 8]>,
    window_squared: Box<[f32; WINDOW]>,
    /// Advance of phase in a hop.
    steps: [u32; 8],
    filled: usize,
    /// Looks taken.
    pub(super) looks: u64,
    isa: Isa,
}

impl Looker {
    pub(super) fn new() -> Self {
        let isa = Isa::detect();
        let pitches: Vec<Hz> = LOW_GROUP.into_iter().chain(HIGH_GROUP).collect();
        let window: [f32; WINDOW] = core::array::from_fn(hann);
        let table = |pitch: Hz| {
            let phase = |at: usize| phase_step(pitch).wrapping_mul(at as u32);
            let scale = 2.0 / HOP as f32;
            [
                core::array::from_fn(|at| window[at] * cosine(phase(at)) * scale),
                core::array::from_fn(|at| -window[at] * sine(phase(at)) * scale),
            ]
        };
        Self {
            low_pass: fir::Fir::new(&fir::low_pass(DIAL_TONE_CORNER, DIAL_TONE_TAPS), isa),
            past: History::new(WINDOW),
            tables: Box::new(core::array::from_fn(|tone| table(pitches[tone]))),
            window_squared: Box::new(window.map(|weight| weight * weight / (0.75 * HOP as f32))),
            steps: core::array::from_fn(|tone| phase_step(pitches[tone]).wrapping_mul(HOP as u32)),
            filled: 0,
            looks: 0,
            isa,
        }
    }

    /// Takes a sample; a look, when one is due.
    pub(super) fn push(&mut self, sample: f32) -> Option<Look> {
        let below = self.low_pass.push(sample);
        self.past.push(self.low_pass.middle() - below);
        self.filled += 1;
        if self.filled < HOP {
            return None;
        }
        self.filled = 0;
        self.looks += 1;
        Some(self.look())
    }

    /// The sample in the middle of a look, counted from the first sample taken; negative before it.
    pub(super) fn middle(look: u64) -> i64 {
        look as i64 * HOP as i64 - DELAY as i64
    }

    fn look(&self) -> Look {
        let samples = self.past.samples();
        let tone = |tone: usize| {
            let [cosines, sines] = &self.tables[tone];
            let seen = Phasor { re: self.isa.dot(samples, cosines), im: self.isa.dot(samples, sines) };
            let phase = self.steps[tone].wrapping_mul(self.looks as u32);
            // The nominal frequency has turned by that much since the first look.
            seen.against(Phasor { re: cosine(phase), im: sine(phase) })
        };
        let mean_square = samples.iter().zip(self.window_squared.iter()).map(|(x, weight)| x * x * weight).sum();
        Look { tones: core::array::from_fn(tone), mean_square }
    }
}

fn hann(at: usize) -> f32 {
    let place = (at as f32 + 0.5) / WINDOW as f32;
    0.5 - 0.5 * libm::cosf(core::f32::consts::TAU * place)
}

/// What some looks in a row say of one frequency.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fit {
    /// Mean amplitude, at the phase of the newest look.
    pub(super) amplitude: Phasor,
    /// Turns of phase from look to look: how far off the frequency is.
    pub(super) advance: f32,
    /// Part of the power that turns evenly and keeps its size: 1 for a steady tone.
    pub(super) steadiness: f32,
    /// Smallest power of a look relative to the mean.
    pub(super) weakest: f32,
}

impl Fit {
    /// From amplitudes, the oldest first.
    pub(super) fn new(looks: &[Phasor; RUN]) -> Self {
        let lag = |lag: usize| {
            let pairs = looks[lag..].iter().zip(looks);
            pairs.fold(Phasor::default(), |sum, (newer, older)| sum.plus(newer.against(*older)))
        };
        let coarse = lag(1).turns();
        // Three looks apart the phase tells three times as much, once it is known how often it went round.
        let far = lag(3).turns() - 3.0 * coarse;
        let advance = coarse + (far - libm::roundf(far)) / 3.0;
        let newest = (RUN - 1) as f32;
        let aligned = looks.iter().enumerate().map(|(at, look)| look.turned(advance * (newest - at as f32)));
        let amplitude = aligned.fold(Phasor::default(), Phasor::plus).scaled(1.0 / RUN as f32);
        let mean = (looks.iter().map(|look| look.power()).sum::<f32>() / RUN as f32).max(1e-9);
        let least = looks.iter().map(|look| look.power()).fold(f32::INFINITY, f32::min);
        Self { amplitude, advance, steadiness: amplitude.power() / mean, weakest: least / mean }
    }

    /// How far the frequency is off.
    pub(super) fn offset(&self) -> Hz {
        Hz(self.advance * SAMPLE_RATE.0 / HOP as f32)
    }
}
