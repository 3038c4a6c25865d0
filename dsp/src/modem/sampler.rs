//! Matched filter and mixer in one: the baseband of the line at any instant.

use super::{
    complex::Complex,
    line::Line,
    phasors::turned,
    plan::Plan,
    pulse::{kaiser, root_raised_cosine},
    whole::nearest_whole,
};
use crate::{
    constant::{cosine_of_turns, sine_of_turns},
    lanes::{Isa, Sums, VectorWork, Vectors, WIDTH},
    pcm::SAMPLE_RATE,
    units::{Baud, Hz},
};

/// Instants between two samples at which the filter is known; a multiple of 3 and 2, as half symbols ask for.
const INSTANTS: usize = 96;
/// Samples on each side of the instant.
const HALF: usize = 32;
const TAPS: usize = 2 * HALF;
/// Of the Kaiser window over them.
const BETA: f64 = 2.0;

/// The matched filter of a plan, moved up to its carrier, for each instant between two samples.
#[derive(Debug)]
pub(super) struct MatchedFilter([Row; INSTANTS]);

/// The filter for one instant, real and imaginary parts apart.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Row {
    re: [f32; TAPS],
    im: [f32; TAPS],
}

/// What [`Sampler::at`] does.
struct At<'a> {
    sampler: &'a Sampler,
    line: &'a Line,
    instant: f64,
    turns: f64,
}

impl VectorWork for At<'_> {
    type Output = Complex;

    #[inline(always)]
    fn run<V: Vectors>(self) -> Complex {
        self.sampler.at_in::<V>(self.line, self.instant, self.turns)
    }
}

/// What [`Sampler::at_each`] is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instants {
    pub(super) anchor: f64,
    pub(super) before: f64,
    pub(super) step: f64,
    pub(super) offset: f64,
}

impl Instants {
    /// Instant and turns of one.
    #[inline(always)]
    fn place(&self, index: usize) -> (f64, f64) {
        let after = (index as f64 - self.before) * self.step;
        (self.anchor + after, after * self.offset)
    }
}

/// What [`Sampler::at_each`] does.
struct AtEach<'a> {
    sampler: &'a Sampler,
    line: &'a Line,
    instants: Instants,
    re: &'a mut [f32],
    im: &'a mut [f32],
}

impl VectorWork for AtEach<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vectors>(self) {
        let Self { sampler, line, instants, re, im } = self;
        let two = |first: usize| sampler.at_two_in::<V>(line, [instants.place(first), instants.place(first + 1)]);
        let (re_pairs, re_rest) = re.as_chunks_mut::<2>();
        let (im_pairs, im_rest) = im.as_chunks_mut::<2>();
        let pairs = re_pairs.len();
        for (pair, (re, im)) in re_pairs.iter_mut().zip(im_pairs).enumerate() {
            let [first, second] = two(2 * pair);
            (*re, *im) = ([first.re, second.re], [first.im, second.im]);
        }
        for (re, im) in re_rest.iter_mut().zip(im_rest) {
            let [last, _] = two(2 * pairs);
            (*re, *im) = (last.re, last.im);
        }
    }
}

impl MatchedFilter {
    pub(super) const fn new(baud: Baud, carrier: Hz, roll_off: f32) -> Self {
        let mut rows = [Row { re: [0.0; TAPS], im: [0.0; TAPS] }; INSTANTS];
        let mut instant = 0;
        while instant < INSTANTS {
            rows[instant] = Row::new(instant, baud, carrier, roll_off);
            instant += 1;
        }
        Self(rows)
    }
}

impl Row {
    const fn new(instant: usize, baud: Baud, carrier: Hz, roll_off: f32) -> Self {
        let symbol = SAMPLE_RATE.0 as f64 / baud.0 as f64;
        let carrier = carrier.0 as f64 / SAMPLE_RATE.0 as f64;
        let mut row = Self { re: [0.0; TAPS], im: [0.0; TAPS] };
        let mut tap = 0;
        while tap < TAPS {
            let at = instant as f64 / INSTANTS as f64 + HALF as f64 - 1.0 - tap as f64;
            let pulse = root_raised_cosine(at / symbol, roll_off as f64) * kaiser(at / HALF as f64, BETA) / symbol;
            row.re[tap] = (pulse * cosine_of_turns(carrier * at)) as f32;
            row.im[tap] = (pulse * sine_of_turns(carrier * at)) as f32;
            tap += 1;
        }
        row
    }
}

/// The baseband of a line at any instant.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    filter: &'static MatchedFilter,
    /// Carrier in turns per sample, and per instant.
    carrier: f64,
    carrier_per_instant: f64,
    isa: Isa,
}

impl Sampler {
    pub(super) fn new(plan: &Plan, isa: Isa) -> Self {
        let carrier = f64::from(plan.carrier.0 / SAMPLE_RATE.0);
        Self { filter: &plan.filters.receive, carrier, carrier_per_instant: carrier / INSTANTS as f64, isa }
    }

    /// The instruction set it runs by.
    pub(super) fn isa(&self) -> Isa {
        self.isa
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
    pub(super) fn at(&self, line: &Line, instant: f64, turns: f64) -> Complex {
        self.isa.run_in_vectors(At { sampler: self, line, instant, turns })
    }

    /// The baseband at instants one `step` after another, the first `before` steps before `anchor`, turned back by `offset`
    /// turns per sample from the anchor on besides the plan's carrier: real and imaginary parts.
    pub(super) fn at_each(&self, line: &Line, instants: Instants, re: &mut [f32], im: &mut [f32]) {
        self.isa.run_in_vectors(AtEach { sampler: self, line, instants, re, im });
    }

    /// [`Sampler::at`] in vectors.
    #[inline(always)]
    pub(super) fn at_in<V: Vectors>(&self, line: &Line, instant: f64, turns: f64) -> Complex {
        let (step, angle) = self.place(instant, turns);
        let [re, im] = self.filtered::<V>(line, step);
        Complex::new(re.total(), im.total()) * turned(angle)
    }

    /// [`Sampler::at_in`] at two instants, each with its turns.
    #[inline(always)]
    pub(super) fn at_two_in<V: Vectors>(&self, line: &Line, places: [(f64, f64); 2]) -> [Complex; 2] {
        let [(first_step, first), (second_step, second)] =
            [self.place(places[0].0, places[0].1), self.place(places[1].0, places[1].1)];
        let halves = self.filtered_two::<V>(line, [first_step, second_step]);
        [halves[0] * turned(first), halves[1] * turned(second)]
    }

    /// An instant in steps of the filter, and the angle in turns by which the baseband there is turned back.
    #[inline(always)]
    pub(super) fn place(&self, instant: f64, turns: f64) -> (i64, f64) {
        let (nearest, step) = nearest_whole(instant * INSTANTS as f64);
        (step, -(nearest * self.carrier_per_instant + turns))
    }

    /// The baseband at two instants, not turned back.
    #[inline(always)]
    pub(super) fn filtered_two<V: Vectors>(&self, line: &Line, steps: [i64; 2]) -> [Complex; 2] {
        let (first, second) = (self.filtered::<V>(line, steps[0]), self.filtered::<V>(line, steps[1]));
        let [re, im, second_re, second_im] = V::Sums::totals([first[0], first[1], second[0], second[1]]);
        [Complex::new(re, im), Complex::new(second_re, second_im)]
    }

    /// The partial sums of both parts at an instant.
    #[inline(always)]
    fn filtered<V: Vectors>(&self, line: &Line, step: i64) -> [V::Sums; 2] {
        /// Whole rounds of the ring of samples, so that nothing is negative.
        const BEFORE: u64 = 1 << 40;
        let steps = (step as u64).wrapping_add(BEFORE * INSTANTS as u64);
        let (sample, place) = (steps / INSTANTS as u64, (steps % INSTANTS as u64) as usize);
        let heard: &[f32; TAPS] = line.piece(sample as i64 - HALF as i64 + 1);
        let row = &self.filter.0[place];
        let (mut re, mut im) = (V::Sums::zero(), V::Sums::zero());
        let ((heard, _), (row_re, _), (row_im, _)) =
            (heard.as_chunks::<WIDTH>(), row.re.as_chunks::<WIDTH>(), row.im.as_chunks::<WIDTH>());
        for vector in 0..TAPS / WIDTH {
            let heard = V::Sums::load(&heard[vector]);
            re = re.plus(heard.times(V::Sums::load(&row_re[vector])));
            im = im.plus(heard.times(V::Sums::load(&row_im[vector])));
        }
        [re, im]
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{v17, v27ter, v29},
        *,
    };

    /// The filter is a constant; here it is derived once more by the formula of `RECEIVER.md`, by other means.
    #[test]
    fn the_filter_is_the_windowed_pulse_on_the_carrier() {
        let plans = [
            v27ter::plan(v27ter::Rate::R2400),
            v27ter::plan(v27ter::Rate::R4800),
            v29::plan(v29::Rate::R9600),
            v17::plan(v17::Rate::R14400),
        ];
        for plan in plans {
            let symbol = 8000.0 / f64::from(plan.baud.0);
            for (instant, row) in plan.filters.receive.0.iter().enumerate() {
                for tap in 0..TAPS {
                    let at = instant as f64 / 96.0 + 31.0 - tap as f64;
                    let window = bessel_i0(2.0 * libm::sqrt(1.0 - (at / 32.0).powi(2))) / bessel_i0(2.0);
                    let pulse = pulse_by_spectrum(at / symbol, f64::from(plan.roll_off)) * window / symbol;
                    let angle = core::f64::consts::TAU * f64::from(plan.carrier.0) / 8000.0 * at;
                    assert!((f64::from(row.re[tap]) - pulse * libm::cos(angle)).abs() < 1e-6, "{}", plan.name);
                    assert!((f64::from(row.im[tap]) - pulse * libm::sin(angle)).abs() < 1e-6, "{}", plan.name);
                }
            }
        }
    }

    /// The pulse as the integral of its spectrum, the root of a raised cosine.
    fn pulse_by_spectrum(at: f64, roll_off: f64) -> f64 {
        const STEPS: usize = 400;
        let (flat, width) = ((1.0 - roll_off) / 2.0, roll_off / STEPS as f64);
        let flank = |step: usize| {
            let place = (step as f64 + 0.5) / STEPS as f64;
            libm::cos(core::f64::consts::FRAC_PI_2 * place)
                * libm::cos(core::f64::consts::TAU * at * (flat + place * roll_off))
        };
        let middle = if at == 0.0 {
            2.0 * flat
        } else {
            libm::sin(core::f64::consts::TAU * at * flat) / (core::f64::consts::PI * at)
        };
        middle + 2.0 * width * (0..STEPS).map(flank).sum::<f64>()
    }

    /// By its integral.
    fn bessel_i0(x: f64) -> f64 {
        let angle = |step: i32| core::f64::consts::PI * (f64::from(step) + 0.5) / 64.0;
        (0..64).map(|step| libm::exp(x * libm::cos(angle(step)))).sum::<f64>() / 64.0
    }
}
