//! Trembling of the carrier's phase: mains hum on carrier systems shifts the phase by a sine.
//!
//! The frequencies are those of the mains and their harmonics. A sine of each is fitted to the phase error through three
//! quarters of the known symbols; those that are there are kept and followed, the others are dropped, for each one followed costs noise.

use super::{phasors::unit_vectors, whole::nearest_whole};
use crate::lanes::{LANES, Lanes, Row, Vectors};

/// Frequencies in hertz at which a phase may tremble.
const FREQUENCIES: [f64; LINES] = [50.0, 60.0, 100.0, 120.0, 150.0, 180.0];
const LINES: usize = 6;

/// Least swing to each side, in radians, that is worth following.
const LEAST_SWING: f32 = 0.02;
/// Share of the error power that noise leaves in the square of a swing, at the most.
const NOISE_SHARE: f32 = 0.1;

/// A value for each of them: what one vector takes. The last two are of none.
type Each = [f32; LANES];

/// Sines fitted to the phase.
#[derive(Clone, Debug)]
pub(super) struct Jitter {
    turns_per_symbol: [f64; LANES],
    /// Where each one's turning is now: real and imaginary parts.
    place: [Each; 2],
    /// Parts of the swings in phase with the cosine and the sine, in radians.
    swing: [Each; 2],
    /// One for those that are followed, else zero.
    followed: Each,
    /// Some are followed.
    follows: bool,
}

impl Jitter {
    pub(super) fn new(baud: f32) -> Self {
        let mut turns_per_symbol = [0.0; LANES];
        for (turns, hz) in turns_per_symbol.iter_mut().zip(FREQUENCIES) {
            *turns = hz / f64::from(baud);
        }
        let none = [0.0; LANES];
        Self { turns_per_symbol, place: [none; 2], swing: [none; 2], followed: none, follows: false }
    }

    /// Begins to look for every line.
    pub(super) fn look(&mut self) {
        self.calm();
        self.followed[..LINES].fill(1.0);
        self.follows = true;
    }

    /// Forgets at which phase lines tremble, but not which.
    pub(super) fn calm(&mut self) {
        self.swing = [[0.0; LANES]; 2];
    }

    /// Drops the lines that are no more than noise with this error power leaves.
    pub(super) fn keep(&mut self, error_power: f32) {
        let least = (LEAST_SWING * LEAST_SWING).max(NOISE_SHARE * error_power);
        let [re, im] = self.swing;
        for (line, followed) in self.followed.iter_mut().enumerate() {
            if re[line] * re[line] + im[line] * im[line] <= least {
                *followed = 0.0;
            }
        }
        self.follows = self.followed.contains(&1.0);
    }

    /// How far the phase has swung `age` symbols after the line began, in turns.
    #[inline(always)]
    pub(super) fn turns<V: Vectors>(&mut self, age: f64) -> f64 {
        if !self.follows {
            return 0.0;
        }
        let mut turns = [0.0; LANES];
        for (turns, per_symbol) in turns.iter_mut().zip(self.turns_per_symbol) {
            let all = age * per_symbol;
            *turns = all - nearest_whole(all).0;
        }
        let [re, im] = unit_vectors::<V>(&turns);
        self.place = [re.values(), im.values()];
        let [swing_re, swing_im] = self.swing.each_ref().map(V::Row::load);
        let radians = (swing_re * re + swing_im * im) * V::Row::load(&self.followed);
        let [a, b, c, d, e, f, ..] = radians.values();
        f64::from(a + b + c + d + e + f) * (0.5 * core::f64::consts::FRAC_1_PI)
    }

    /// Follows a phase error in radians, already multiplied by the gain, at the age that was asked for last.
    #[inline(always)]
    pub(super) fn learn<V: Vectors>(&mut self, step: f32) {
        if !self.follows {
            return;
        }
        let step = V::Row::load(&self.followed) * V::Row::splat(step);
        for (swing, place) in self.swing.iter_mut().zip(&self.place) {
            *swing = (V::Row::load(swing) + V::Row::load(place) * step).values();
        }
    }
}
