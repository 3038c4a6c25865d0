//! A tone that changes frequency to bits.

use crate::{
    bits::{BitRun, Mark},
    fsk::{
        FskSpec,
        carrier::{CarrierWatch, Turn},
        clock::BitClock,
        correlator::{Content, Correlate, Correlator},
        levels::Levels,
        recent::AHEAD,
        skew::Skew,
    },
    lanes::{VectorWork, Vectors},
    level::CarrierLevels,
    modem::Demodulator,
    pcm::SAMPLE_RATE,
};

/// An FSK demodulator. It marks [`Mark::CarrierUp`] and [`Mark::CarrierDown`] and gives bits between them.
///
/// At 300 bit/s the carrier is known some 40 ms after it began, when the bit clock already runs, and its end within
/// 20 ms; both are stamped with the sample at which they were. Bits before the first are lost, and up to four bits
/// before `CarrierDown` are what the correlators made of the silence.
#[derive(Clone, Debug)]
pub struct FskDemodulator {
    correlator: Correlator,
    clock: BitClock,
    skew: Skew,
    levels: Levels,
    carrier: CarrierWatch,
    /// Samples taken.
    taken: i64,
    bit_samples: f64,
}

impl FskDemodulator {
    /// A demodulator with the thresholds of the Recommendations.
    pub fn new(spec: &FskSpec) -> Self {
        Self::with_levels(spec, CarrierLevels::default())
    }

    /// A demodulator with other thresholds.
    pub fn with_levels(spec: &FskSpec, levels: CarrierLevels) -> Self {
        let bit_samples = f64::from(SAMPLE_RATE.0) / f64::from(spec.rate.0);
        let correlator = Correlator::new(spec);
        Self {
            skew: Skew::new(correlator.most_skew(), bit_samples as f32),
            correlator,
            clock: BitClock::new(bit_samples),
            levels: Levels::default(),
            carrier: CarrierWatch::new(spec, levels),
            taken: 0,
            bit_samples,
        }
    }

    /// Whether there is a carrier.
    pub fn carrier_is_up(&self) -> bool {
        self.carrier.is_up()
    }

    /// Samples wanted until the step that is due can be taken: it ends within the newest sample.
    #[inline(always)]
    pub(super) fn samples_to_step(&self) -> usize {
        (self.clock.due() as i64 + 1 - self.taken).max(0) as usize
    }

    /// Stores samples, at most [`AHEAD`], to be taken.
    #[inline(always)]
    pub(super) fn store(&mut self, samples: &[f32]) {
        self.correlator.store(samples);
    }

    /// Takes so many of the samples stored.
    #[inline(always)]
    pub(super) fn take(&mut self, samples: usize) {
        self.correlator.hear(samples);
        self.taken += samples as i64;
    }

    /// Takes samples of those `left` up to the next step that must be heard; whether it is due.
    #[inline(always)]
    pub(super) fn take_to_listening(&mut self, left: &mut usize) -> bool {
        loop {
            let wanted = self.samples_to_step();
            if wanted > *left {
                self.take(core::mem::take(left));
                return false;
            }
            self.take(wanted);
            *left -= wanted;
            if self.listens() {
                return true;
            }
        }
    }

    /// Takes the samples stored, and the steps that are due in them.
    #[inline(always)]
    fn take_steps<V: Vectors>(&mut self, stored: usize, out: &mut BitRun) {
        let mut left = stored;
        while self.take_to_listening(&mut left) {
            let content = self.windows().content::<V>();
            self.hear(&content, out);
        }
    }

    /// Whether the step that is due must be heard. One that need not is passed.
    #[inline(always)]
    pub(super) fn listens(&mut self) -> bool {
        !(self.carrier.is_up() && self.clock.passes_quarter())
    }

    /// What must be heard for it.
    #[inline(always)]
    pub(super) fn windows(&self) -> Correlate<'_> {
        self.correlator.windows(self.step_end(), self.skew.samples())
    }

    /// Where the step that is due ends in the newest sample.
    #[inline(always)]
    fn step_end(&self) -> f32 {
        (self.clock.due() - (self.taken - 1) as f64) as f32
    }

    /// Takes the step that is due.
    #[inline(always)]
    pub(super) fn hear(&mut self, content: &Content, out: &mut BitRun) {
        let at = self.clock.due();
        let (mark, space) = (libm::sqrtf(content.mark), libm::sqrtf(content.space));
        let is_there = self.carrier.is_up() || self.carrier.is_likely();
        let bit = self.clock.step(self.levels.difference(mark, space), mark + space, is_there);
        self.carrier.step(at - f64::from(self.correlator.delay()), content, bit.is_some() || !self.clock.is_settled());
        if let Some(bit) = bit {
            self.levels.learn(bit, mark, space);
            self.bit(bit, out);
        }
    }

    /// Ends a bit.
    #[inline(always)]
    fn bit(&mut self, bit: bool, out: &mut BitRun) {
        if self.carrier.is_up() {
            out.push(bit);
        }
        match self.carrier.bit() {
            Some(Turn::Up(at)) => out.mark(at, Mark::CarrierUp),
            Some(Turn::Down(at)) => out.mark(at, Mark::CarrierDown),
            None => {}
        }
        if self.carrier.is_up() || self.carrier.is_likely() {
            if let Some((to_mark, halfway)) = self.clock.follow() {
                self.skew.learn(to_mark, halfway);
            }
        } else {
            self.clock.unsettle();
            self.skew.clear();
            self.levels.clear();
        }
    }
}

impl Demodulator for FskDemodulator {
    fn run(&mut self, samples: &[f32], out: &mut BitRun) {
        let isa = self.correlator.isa();
        for samples in samples.chunks(AHEAD) {
            self.store(samples);
            isa.run_in_vectors(TakeSteps { demodulator: self, stored: samples.len(), out });
        }
    }

    /// Bits that the lost samples would have carried are given as ones: a frame that was under way is aborted.
    fn coast(&mut self, samples: usize, out: &mut BitRun) {
        for _ in 0..samples {
            self.store(&[0.0]);
            self.take(1);
            while self.samples_to_step() == 0 {
                if self.clock.pass() && self.carrier.is_up() {
                    out.push(true);
                }
            }
        }
    }

    fn restart(&mut self) {
        self.correlator.clear();
        self.carrier.clear();
        self.skew.clear();
        self.levels.clear();
        self.clock = BitClock::new(self.bit_samples);
        self.taken = 0;
    }
}

/// What a run does with the samples stored.
struct TakeSteps<'a> {
    demodulator: &'a mut FskDemodulator,
    stored: usize,
    out: &'a mut BitRun,
}

impl VectorWork for TakeSteps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self) {
        self.demodulator.take_steps::<V>(self.stored, self.out);
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
