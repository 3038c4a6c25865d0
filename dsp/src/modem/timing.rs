//! The symbol clock.

use super::complex::Complex;

/// Where the next half symbol is taken, and the second order loop that keeps it there.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    /// The next instant, in samples of the line.
    instant: f64,
    /// Nominal half symbol interval in samples.
    nominal: f64,
    /// Relative deviation of the sender's interval.
    deviation: f64,
    /// The last symbol as received and as decided.
    last: (Complex, Complex),
}

/// Largest deviation followed; clocks of telephone lines stay within 200 parts per million.
const DEVIATION_LIMIT: f64 = 500e-6;

impl Clock {
    pub(super) fn new(half_symbol: f64) -> Self {
        Self { instant: 0.0, nominal: half_symbol, deviation: 0.0, last: (Complex::ZERO, Complex::ZERO) }
    }

    /// Starts at an instant; the deviation learned so far is kept.
    pub(super) fn start(&mut self, instant: f64) {
        self.instant = instant;
        self.last = (Complex::ZERO, Complex::ZERO);
    }

    #[inline(always)]
    pub(super) fn set_deviation(&mut self, deviation: f64) {
        self.deviation = deviation.clamp(-DEVIATION_LIMIT, DEVIATION_LIMIT);
    }

    pub(super) fn deviation(&self) -> f64 {
        self.deviation
    }

    #[inline(always)]
    pub(super) fn instant(&self) -> f64 {
        self.instant
    }

    /// Goes on by half a symbol and returns how far that was, in samples.
    #[inline(always)]
    pub(super) fn step(&mut self) -> f64 {
        let step = self.nominal * (1.0 + self.deviation);
        self.instant += step;
        step
    }

    /// Corrects the clock by a symbol as received and as decided, both of mean power one.
    ///
    /// Mueller and Müller's measure: what the neighbours leak into a symbol before and after is equal when the instant is right.
    #[inline(always)]
    pub(super) fn correct(&mut self, received: Complex, decided: Complex, gain: f32) {
        let (last_received, last_decided) = self.last;
        let early = (last_decided.conj() * received).re - (decided.conj() * last_received).re;
        let early = f64::from(early.clamp(-1.0, 1.0));
        let gain = f64::from(gain);
        self.instant += 2.0 * self.nominal * gain * early;
        self.set_deviation(self.deviation + early * gain * gain / 2.0);
        self.last = (received, decided);
    }
}
