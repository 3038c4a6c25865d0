//! Complex amplitudes, and what several of one tone agree on.

use crate::{
    osc::{cosine, sine},
    pcm::SAMPLE_RATE,
    tone::dtmf_look::HOP,
    units::Hz,
};

/// Looks that have to agree: 35 ms, of which the first and the last few lie under the window's flanks.
pub(super) const RUN: usize = 6;

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

    pub(super) fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    /// Turned forwards by turns of phase.
    pub(super) fn turned(self, turns: f32) -> Self {
        let phase = (turns * 65536.0) as i32 as u32;
        self.times(Self { re: cosine(phase << 16), im: sine(phase << 16) })
    }

    /// Turns of phase, -1/2 to 1/2.
    pub(super) fn turns(self) -> f32 {
        libm::atan2f(self.im, self.re) / core::f32::consts::TAU
    }
}

/// Turns of phase of a frequency from look to look, less the whole ones.
pub(super) fn nominal_advance(pitch: Hz) -> f32 {
    let turns = f64::from(pitch.0) * HOP as f64 / f64::from(SAMPLE_RATE.0);
    (turns - libm::round(turns)) as f32
}

/// What some looks in a row say of one frequency.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fit {
    /// Mean amplitude, at the phase of the newest look.
    pub(super) amplitude: Phasor,
    /// Turns of phase from look to look beyond the frequency's own: how far off it is.
    pub(super) advance: f32,
    /// Part of the power that turns evenly and keeps its size: 1 for a steady tone.
    pub(super) steadiness: f32,
    /// Smallest power of a look relative to the mean.
    pub(super) weakest: f32,
}

/// What a frequency turns from each of some looks to the newest of them.
pub(super) fn nominal_turns(pitch: Hz) -> [Phasor; RUN] {
    let one = Phasor { re: 1.0, im: 0.0 };
    core::array::from_fn(|at| one.turned(nominal_advance(pitch) * (RUN - 1 - at) as f32))
}

impl Fit {
    /// From amplitudes, the oldest first, of a frequency with these [`nominal_turns`]; nothing if a look is so weak that
    /// its power is below `least` of the mean.
    pub(super) fn new(looks: &[Phasor; RUN], nominal: &[Phasor; RUN], least: f32) -> Option<Self> {
        let powers = looks.map(Phasor::power);
        let mean = (powers.iter().sum::<f32>() / RUN as f32).max(1e-9);
        let weakest = powers.into_iter().fold(f32::INFINITY, f32::min) / mean;
        if weakest < least {
            return None;
        }
        let newest = (RUN - 1) as f32;
        let looks: [Phasor; RUN] = core::array::from_fn(|at| looks[at].times(nominal[at]));
        let lag = |lag: usize| {
            let pairs = looks[lag..].iter().zip(&looks);
            pairs.fold(Phasor::default(), |sum, (newer, older)| sum.plus(newer.against(*older)))
        };
        let coarse = lag(1).turns();
        // Three looks apart the phase tells three times as much, once it is known how often it went round.
        let far = lag(3).turns() - 3.0 * coarse;
        let advance = coarse + (far - libm::roundf(far)) / 3.0;
        let aligned = looks.iter().enumerate().map(|(at, look)| look.turned(advance * (newest - at as f32)));
        let amplitude = aligned.fold(Phasor::default(), Phasor::plus).scaled(1.0 / RUN as f32);
        Some(Self { amplitude, advance, steadiness: amplitude.power() / mean, weakest })
    }

    /// How far the frequency is off.
    pub(super) fn offset(&self) -> Hz {
        Hz(self.advance * SAMPLE_RATE.0 / HOP as f32)
    }
}
