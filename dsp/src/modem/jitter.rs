//! Trembling of the carrier's phase: mains hum on carrier systems shifts the phase by a sine.
//!
//! The frequencies are those of the mains and their harmonics. A sine of each is fitted to the phase error through three
//! quarters of the known symbols; those that are there are kept and followed, the others are dropped, for each one followed costs noise.

use super::{complex::Complex, phasors::turned, whole::nearest_whole};

/// Frequencies in hertz at which a phase may tremble.
const FREQUENCIES: [f64; LINES] = [50.0, 60.0, 100.0, 120.0, 150.0, 180.0];
const LINES: usize = 6;

/// Least swing to each side, in radians, that is worth following.
const LEAST_SWING: f32 = 0.02;
/// Share of the error power that noise leaves in the square of a swing, at the most.
const NOISE_SHARE: f32 = 0.1;

/// One frequency.
#[derive(Clone, Copy, Debug)]
struct Line {
    turns_per_symbol: f64,
    /// Where its turning is now.
    place: Complex,
    /// Parts of the swing in phase with the cosine and the sine, in radians.
    swing: Complex,
    followed: bool,
}

/// Sines fitted to the phase.
#[derive(Clone, Debug)]
pub(super) struct Jitter {
    lines: [Line; LINES],
    /// Some line is followed.
    follows: bool,
}

impl Jitter {
    pub(super) fn new(baud: f32) -> Self {
        let line = |hz: f64| {
            let (place, swing) = (Complex::ONE, Complex::ZERO);
            Line { turns_per_symbol: hz / f64::from(baud), place, swing, followed: false }
        };
        Self { lines: FREQUENCIES.map(line), follows: false }
    }

    /// Begins to look for every line.
    pub(super) fn look(&mut self) {
        for line in &mut self.lines {
            line.swing = Complex::ZERO;
            line.followed = true;
        }
        self.follows = true;
    }

    /// Forgets at which phase lines tremble, but not which.
    pub(super) fn calm(&mut self) {
        self.lines.iter_mut().for_each(|line| line.swing = Complex::ZERO);
    }

    /// Drops the lines that are no more than noise with this error power leaves.
    pub(super) fn keep(&mut self, error_power: f32) {
        let least = (LEAST_SWING * LEAST_SWING).max(NOISE_SHARE * error_power);
        for line in &mut self.lines {
            line.followed &= line.swing.power() > least;
        }
        self.follows = self.lines.iter().any(|line| line.followed);
    }

    /// How far the phase has swung `age` symbols after the line began, in turns.
    #[inline(always)]
    pub(super) fn turns(&mut self, age: f64) -> f64 {
        if !self.follows {
            return 0.0;
        }
        let followed = self.lines.iter_mut().filter(|line| line.followed);
        f64::from(followed.map(|line| line.radians(age)).sum::<f32>()) * (0.5 * core::f64::consts::FRAC_1_PI)
    }

    /// Follows a phase error in radians, already multiplied by the gain, at the age that was asked for last.
    #[inline(always)]
    pub(super) fn learn(&mut self, step: f32) {
        if !self.follows {
            return;
        }
        for line in self.lines.iter_mut().filter(|line| line.followed) {
            line.swing += line.place.scale(step);
        }
    }
}

impl Line {
    #[inline(always)]
    fn radians(&mut self, age: f64) -> f32 {
        let turns = age * self.turns_per_symbol;
        self.place = turned(turns - nearest_whole(turns).0);
        self.swing.re * self.place.re + self.swing.im * self.place.im
    }
}
