//! One look at the eight frequencies of DTMF, every 5 ms, in lanes.
//!
//! ```text
//!  8000/s ─▶ halve the rate ─┬▶ no dial tone ─▶ two hops under Hann's window ─▶ 8 amplitudes ─▶ loudest of each group
//!                            └▶ what is above 2 kHz ────────────────────────▶ power of everything
//! ```
//!
//! Nothing of DTMF is above 2 kHz, so all long sums are taken at half the rate; what is above counts as power only.

use alloc::boxed::Box;

use crate::{
    filter::fir::sinc,
    lanes::{Kernel, Lanes},
    osc::{cosine, phase_step, sine},
    pcm::SAMPLE_RATE,
    tone::{
        dtmf::{HIGH_GROUP, LOW_GROUP},
        phasor::{Phasor, RUN},
    },
    units::Hz,
};

/// Samples from look to look.
pub(super) const HOP: usize = 40;

/// The same at half the rate, and samples of a look: looks half a window apart weigh every sample alike.
const STEPS: usize = HOP / 2;
const WINDOW: usize = 2 * STEPS;

/// Frequencies.
pub(super) const TONES: usize = 8;

/// Pairs of taps of the filter that halves the rate; those between them are zero. It passes 1690 Hz, and 2310 Hz is
/// 50 dB down.
const HALVING_PAIRS: usize = 10;
const EVEN_PAST: usize = HALVING_PAIRS - 1;
const ODD_PAST: usize = 2 * HALVING_PAIRS - 1;

/// Hops for which there is room: what is past moves only after so many.
const HOPS: usize = 2;
const ROOM: usize = HOPS * STEPS;

/// Pairs of taps, at half the rate, of the filter against dial tone, and the middle of its edge: 480 Hz is 49 dB down,
/// and 684 Hz passes.
const DIAL_TONE_PAIRS: usize = 28;
const DIAL_TONE_PAST: usize = 2 * DIAL_TONE_PAIRS;
const DIAL_TONE_CORNER: Hz = Hz(582.0);

/// Kaiser's window for 50 dB.
const SHAPE: f64 = 4.55;

/// Samples by which everything is late: the middles of the two filters and of the window.
pub(super) const DELAY: usize = (2 * HALVING_PAIRS - 1) + 2 * DIAL_TONE_PAIRS + HOP;

/// Values of a look: real and imaginary parts of the amplitudes, the mean square of everything, and what the last
/// [`RUN`] looks have.
pub(super) const RESULTS: usize = 2 * TONES + 4;

/// Amplitudes (a sine of peak 1 has 1) of the low and the high group, and the mean square of everything.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    pub(super) tones: [Phasor; TONES],
    pub(super) mean_square: f32,
}

/// What the last [`RUN`] looks have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recent {
    /// Powers of the loudest of the low group and of the high group, added, of all looks.
    pub(super) loudest: f32,
    /// The same of the look that has the least.
    pub(super) faintest: f32,
    /// Mean squares of everything, added.
    pub(super) everything: f32,
}

impl Look {
    /// A lane of what the kernel wrote.
    #[inline]
    pub(super) fn new(results: impl Fn(usize) -> f32) -> Self {
        let mut look = Self { mean_square: results(2 * TONES), ..Self::default() };
        for (tone, amplitude) in look.tones.iter_mut().enumerate() {
            *amplitude = Phasor { re: results(tone), im: results(TONES + tone) };
        }
        look
    }
}

impl Recent {
    /// A lane of what the kernel wrote.
    #[inline]
    pub(super) fn new(results: impl Fn(usize) -> f32) -> Self {
        let [loudest, faintest, everything] = [1, 2, 3].map(|at| results(2 * TONES + at));
        Self { loudest, faintest, everything }
    }
}

/// The sample in the middle of a look, counted from the first sample taken; negative before it.
pub(super) fn middle(look: u64) -> i64 {
    look as i64 * HOP as i64 - DELAY as i64
}

/// Frequencies of the eight.
pub(super) fn pitch(tone: usize) -> Hz {
    if tone < LOW_GROUP.len() { LOW_GROUP[tone] } else { HIGH_GROUP[tone - LOW_GROUP.len()] }
}

/// Looks at every hop: takes samples in whole hops and writes [`RESULTS`] values for each.
#[derive(Clone, Debug)]
pub struct LookKernel {
    /// Taps from the middle outwards.
    halving: [f32; HALVING_PAIRS],
    dial_tone: [f32; DIAL_TONE_PAIRS],
    dial_tone_middle: f32,
    /// Window times cosine and times sine of each frequency, from the edge of the window to its middle.
    cosines: Box<[[f32; TONES]; STEPS]>,
    sines: Box<[[f32; TONES]; STEPS]>,
    /// The window squared, as far.
    squares: [f32; STEPS],
}

/// What a line remembers, and after it room for what comes.
#[derive(Clone, Debug)]
pub struct LookState<V> {
    /// Samples, by turns.
    even: [V; EVEN_PAST + ROOM],
    odd: [V; ODD_PAST + ROOM],
    /// Half the rate.
    halved: [V; DIAL_TONE_PAST + ROOM],
    /// What is above 2 kHz, as late as what comes out of the filter against dial tone.
    above: [V; DIAL_TONE_PAIRS + ROOM],
    /// The look: without dial tone, and the power of everything.
    window: [V; STEPS + ROOM],
    powers: [V; STEPS + ROOM],
    /// The loudest and everything of the last looks, the newest last.
    recent: [[V; 2]; RUN],
}

impl LookKernel {
    pub(super) fn new() -> Self {
        let window = |at: usize| {
            let place = (at as f32 + 0.5) / WINDOW as f32;
            0.5 - 0.5 * libm::cosf(core::f32::consts::TAU * place)
        };
        // Phase from the middle of the window, at two samples a step.
        let phase = |at: usize, tone: usize| phase_step(pitch(tone)).wrapping_mul((WINDOW - 1 - 2 * at) as u32);
        let table = |turn: fn(u32) -> f32| {
            let row = |at: usize| core::array::from_fn(|tone| window(at) * turn(phase(at, tone)) * 2.0 / STEPS as f32);
            Box::new(core::array::from_fn(row))
        };
        let corner = f64::from(2.0 * DIAL_TONE_CORNER.0 / (SAMPLE_RATE.0 / 2.0));
        let low_pass = |tap: usize| corner * sinc(corner * tap as f64) * kaiser(tap, DIAL_TONE_PAIRS + 1);
        Self {
            halving: core::array::from_fn(|pair| {
                let tap = 2 * pair + 1;
                (0.5 * sinc(0.5 * tap as f64) * kaiser(tap, 2 * HALVING_PAIRS)) as f32
            }),
            dial_tone: core::array::from_fn(|pair| -low_pass(pair + 1) as f32),
            dial_tone_middle: (1.0 - low_pass(0)) as f32,
            cosines: table(cosine),
            sines: table(sine),
            squares: core::array::from_fn(|at| window(at) * window(at) / (0.375 * WINDOW as f32)),
        }
    }

    /// Some hops, no more than there is room for.
    #[inline(always)]
    fn hops<V: Lanes>(&self, state: &mut LookState<V>, samples: &[V], results: &mut [V]) {
        for (at, pair) in samples.as_chunks::<2>().0.iter().enumerate() {
            (state.even[EVEN_PAST + at], state.odd[ODD_PAST + at]) = (pair[0], pair[1]);
        }
        for (hop, results) in results.chunks_exact_mut(RESULTS).enumerate() {
            let begin = hop * STEPS;
            // One line goes along its samples, several lines go side by side: as many sums at once as there are
            // registers.
            if V::COUNT == 1 {
                self.halve::<V, STEPS>(state, begin);
                self.filter::<V, STEPS>(state, begin);
                self.look::<V, TONES>(state, begin, results);
            } else {
                self.halve::<V, 5>(state, begin);
                self.filter::<V, 5>(state, begin);
                self.look::<V, 4>(state, begin, results);
            }
            remember(&mut state.recent, results);
        }
        let new = samples.len() / 2;
        shift(&mut state.even, new, EVEN_PAST);
        shift(&mut state.odd, new, ODD_PAST);
        shift(&mut state.halved, new, DIAL_TONE_PAST);
        shift(&mut state.above, new, DIAL_TONE_PAIRS);
        shift(&mut state.window, new, STEPS);
        shift(&mut state.powers, new, STEPS);
    }

    /// Halves the rate from step `begin` on, `N` results at once.
    #[inline(always)]
    fn halve<V: Lanes, const N: usize>(&self, state: &mut LookState<V>, begin: usize) {
        for first in (begin..begin + STEPS).step_by(N) {
            let mut odd = [V::splat(0.0); N];
            for (pair, tap) in self.halving.iter().enumerate() {
                let tap = V::splat(*tap);
                let early: &[V; N] = part(&state.odd, first + HALVING_PAIRS - 1 - pair);
                let late: &[V; N] = part(&state.odd, first + HALVING_PAIRS + pair);
                for at in 0..N {
                    odd[at] = odd[at] + (early[at] + late[at]) * tap;
                }
            }
            for (at, odd) in (first..).zip(odd) {
                let even = state.even[at] * V::splat(0.5);
                state.halved[DIAL_TONE_PAST + at] = even + odd;
                state.above[DIAL_TONE_PAIRS + at] = even - odd;
            }
        }
    }

    /// Takes the dial tone away, `N` results at once.
    #[inline(always)]
    fn filter<V: Lanes, const N: usize>(&self, state: &mut LookState<V>, begin: usize) {
        for first in (begin..begin + STEPS).step_by(N) {
            let middle = first + DIAL_TONE_PAIRS;
            let mut sums = [V::splat(0.0); N];
            for (sum, middle) in sums.iter_mut().zip(part::<V, N>(&state.halved, middle)) {
                *sum = *middle * V::splat(self.dial_tone_middle);
            }
            for (pair, tap) in self.dial_tone.iter().enumerate() {
                let tap = V::splat(*tap);
                let early: &[V; N] = part(&state.halved, middle - 1 - pair);
                let late: &[V; N] = part(&state.halved, middle + 1 + pair);
                for at in 0..N {
                    sums[at] = sums[at] + (early[at] + late[at]) * tap;
                }
            }
            for (at, sum) in (first..).zip(sums) {
                let above = state.above[at];
                state.window[STEPS + at] = sum;
                state.powers[STEPS + at] = sum * sum + above * above;
            }
        }
    }

    /// Looks at the window that ends with the hop from `begin` on, at `N` frequencies at once. Its two halves are folded:
    /// cosines take their sum, sines their difference.
    #[inline(always)]
    fn look<V: Lanes, const N: usize>(&self, state: &LookState<V>, begin: usize, results: &mut [V]) {
        let (window, powers) = (part::<V, WINDOW>(&state.window, begin), part::<V, WINDOW>(&state.powers, begin));
        for first in (0..TONES).step_by(N) {
            let (mut re, mut im) = ([V::splat(0.0); N], [V::splat(0.0); N]);
            for (at, (cosines, sines)) in self.cosines.iter().zip(self.sines.iter()).enumerate() {
                let (early, late) = (window[at], window[WINDOW - 1 - at]);
                let (sum, difference) = (early + late, early - late);
                for tone in 0..N {
                    re[tone] = re[tone] + sum * V::splat(cosines[first + tone]);
                    im[tone] = im[tone] + difference * V::splat(sines[first + tone]);
                }
            }
            results[first..first + N].copy_from_slice(&re);
            results[TONES + first..TONES + first + N].copy_from_slice(&im);
        }
        let mut mean_square = V::splat(0.0);
        for (at, weight) in self.squares.iter().enumerate() {
            mean_square = mean_square + (powers[at] + powers[WINDOW - 1 - at]) * V::splat(*weight);
        }
        results[2 * TONES] = mean_square;
    }
}

/// Takes the newest look into the last ones, and tells what they have.
#[inline(always)]
fn remember<V: Lanes>(recent: &mut [[V; 2]; RUN], results: &mut [V]) {
    let mut groups = [V::splat(0.0); 2];
    for tone in 0..TONES {
        let (re, im) = (results[tone], results[TONES + tone]);
        let group = &mut groups[usize::from(tone >= LOW_GROUP.len())];
        *group = group.greater(re * re + im * im);
    }
    recent.copy_within(1.., 0);
    recent[RUN - 1] = [groups[0] + groups[1], results[2 * TONES]];
    let [mut loudest, mut everything] = recent[0];
    let mut faintest = loudest;
    for [loud, all] in &recent[1..] {
        loudest = loudest + *loud;
        everything = everything + *all;
        faintest = faintest.lesser(*loud);
    }
    results[2 * TONES + 1..].copy_from_slice(&[loudest, faintest, everything]);
}

/// `N` values from `at` on.
#[inline(always)]
fn part<V, const N: usize>(values: &[V], at: usize) -> &[V; N] {
    values[at..].first_chunk().expect("the row is long enough")
}

/// Kaiser's window: `tap` from its middle, zero from `edge` on.
fn kaiser(tap: usize, edge: usize) -> f64 {
    let bessel = |x: f64| {
        let (mut sum, mut term) = (1.0, 1.0);
        for order in 1..30 {
            term *= x / (2.0 * f64::from(order)) * x / (2.0 * f64::from(order));
            sum += term;
        }
        sum
    };
    let place = tap as f64 / edge as f64;
    bessel(SHAPE * libm::sqrt((1.0 - place * place).max(0.0))) / bessel(SHAPE)
}

/// Keeps the newest `past` values of a row to which `new` ones were added.
#[inline(always)]
fn shift<V: Copy>(row: &mut [V], new: usize, past: usize) {
    row.copy_within(new..new + past, 0);
}

impl Kernel for LookKernel {
    type State<V: Lanes> = LookState<V>;

    fn state<V: Lanes>(&self) -> LookState<V> {
        let zero = V::splat(0.0);
        LookState {
            even: [zero; EVEN_PAST + ROOM],
            odd: [zero; ODD_PAST + ROOM],
            halved: [zero; DIAL_TONE_PAST + ROOM],
            above: [zero; DIAL_TONE_PAIRS + ROOM],
            window: [zero; STEPS + ROOM],
            powers: [zero; STEPS + ROOM],
            recent: [[zero; 2]; RUN],
        }
    }

    fn extract<V: Lanes>(&self, state: &LookState<V>, lane: usize) -> LookState<f32> {
        LookState {
            even: state.even.map(|value| value.lane(lane)),
            odd: state.odd.map(|value| value.lane(lane)),
            halved: state.halved.map(|value| value.lane(lane)),
            above: state.above.map(|value| value.lane(lane)),
            window: state.window.map(|value| value.lane(lane)),
            powers: state.powers.map(|value| value.lane(lane)),
            recent: state.recent.map(|look| look.map(|value| value.lane(lane))),
        }
    }

    fn insert<V: Lanes>(&self, state: &mut LookState<V>, lane: usize, line: &LookState<f32>) {
        let put = |into: &mut [V], from: &[f32]| {
            into.iter_mut().zip(from).for_each(|(into, from)| into.set_lane(lane, *from));
        };
        put(&mut state.even, &line.even);
        put(&mut state.odd, &line.odd);
        put(&mut state.halved, &line.halved);
        put(&mut state.above, &line.above);
        put(&mut state.window, &line.window);
        put(&mut state.powers, &line.powers);
        put(state.recent.as_flattened_mut(), line.recent.as_flattened());
    }

    #[inline(always)]
    fn run<V: Lanes>(&self, state: &mut LookState<V>, samples: &[V], results: &mut [V]) {
        for (hops, results) in samples.chunks(HOPS * HOP).zip(results.chunks_mut(HOPS * RESULTS)) {
            self.hops(state, hops, results);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{osc::Oscillator, units::Dbm0};

    /// The look at a steady tone of level 0 dBm0, and the loudest of the last ones.
    fn look_at(frequency: f32) -> (Look, f32) {
        let kernel = LookKernel::new();
        let mut state = kernel.state();
        let mut tone = Oscillator::new(Hz(frequency));
        let peak = Dbm0(0.0).rms() * core::f32::consts::SQRT_2;
        let mut look = (Look::default(), 0.0);
        for _ in 0..10 {
            let samples: [f32; HOP] = core::array::from_fn(|_| peak * tone.next_sine());
            let mut results = [0.0; RESULTS];
            kernel.run(&mut state, &samples, &mut results);
            look = (Look::new(|at| results[at]), Recent::new(|at| results[at]).loudest / RUN as f32);
        }
        look
    }

    #[test]
    fn tones_are_seen_at_their_level_and_dial_tone_is_not() {
        let level = |power: f32| Dbm0::from_mean_square(power).0;
        for tone in 0..TONES {
            let (look, _) = look_at(pitch(tone).0);
            assert!(level(look.tones[tone].power() / 2.0).abs() < 0.1, "{tone}: {look:?}");
            assert!(level(look.mean_square).abs() < 0.1, "{tone}: {look:?}");
        }
        for pitch in [350.0, 425.0, 440.0, 480.0] {
            let (look, loudest) = look_at(pitch);
            assert!(level(look.mean_square) < -45.0 && level(loudest / 2.0) < -60.0, "{pitch} Hz: {look:?}");
        }
        // All that is above counts as power, and as nothing else.
        for pitch in [2500.0, 3000.0, 3700.0] {
            let (look, loudest) = look_at(pitch);
            assert!(level(look.mean_square).abs() < 0.3 && level(loudest / 2.0) < -45.0, "{pitch} Hz: {look:?}");
        }
    }
}
