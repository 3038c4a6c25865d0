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
    lanes::{Kernel, Lanes, Work},
    osc::{cosine, phase_step, sine},
    pcm::SAMPLE_RATE,
    tone::{
        dtmf::{HIGH_GROUP, LOW_GROUP},
        phasor::Phasor,
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
const HALVING_PAST: usize = 4 * HALVING_PAIRS - 2;

/// Pairs of taps, at half the rate, of the filter against dial tone, and the middle of its edge: 480 Hz is 49 dB down,
/// and 684 Hz passes.
const DIAL_TONE_PAIRS: usize = 28;
const DIAL_TONE_PAST: usize = 2 * DIAL_TONE_PAIRS;
const DIAL_TONE_CORNER: Hz = Hz(582.0);

/// Kaiser's window for 50 dB.
const SHAPE: f64 = 4.55;

/// Samples by which everything is late: the middles of the two filters and of the window.
pub(super) const DELAY: usize = (2 * HALVING_PAIRS - 1) + 2 * DIAL_TONE_PAIRS + HOP;

/// Values of a look: real and imaginary parts of the amplitudes, the mean square of everything, and the power of the
/// loudest frequency of each group.
pub(super) const RESULTS: usize = 2 * TONES + 2;

/// Amplitudes (a sine of peak 1 has 1) of the low and the high group, and the mean square of everything.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    pub(super) tones: [Phasor; TONES],
    pub(super) mean_square: f32,
    /// Powers of the loudest of the low group and of the high group, added.
    pub(super) loudest: f32,
}

impl Look {
    /// A lane of what the kernel wrote.
    pub(super) fn new(results: impl Fn(usize) -> f32) -> Self {
        Self {
            tones: core::array::from_fn(|tone| Phasor { re: results(tone), im: results(TONES + tone) }),
            mean_square: results(2 * TONES),
            loudest: results(2 * TONES + 1),
        }
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
pub(super) struct LookKernel {
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

/// What a line remembers.
#[derive(Clone, Debug)]
pub(super) struct LookState<V> {
    /// Samples, and after them room for the hop that comes.
    samples: [V; HALVING_PAST + HOP],
    /// Half the rate.
    halved: [V; DIAL_TONE_PAST + STEPS],
    /// What is above 2 kHz, as late as what comes out of the filter against dial tone.
    above: [V; DIAL_TONE_PAIRS + STEPS],
    /// The look: without dial tone, and the power of everything.
    window: [V; WINDOW],
    powers: [V; WINDOW],
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

    #[inline(always)]
    fn hop<V: Lanes>(&self, state: &mut LookState<V>, samples: &[V], results: &mut [V]) {
        shift(&mut state.samples, HOP);
        state.samples[HALVING_PAST..].copy_from_slice(samples);
        shift(&mut state.halved, STEPS);
        shift(&mut state.above, STEPS);
        shift(&mut state.window, STEPS);
        shift(&mut state.powers, STEPS);
        // One line goes along its samples, several lines go side by side: as many sums at once as there are registers.
        if V::COUNT == 1 {
            self.halve::<V, STEPS>(state);
            self.filter::<V, STEPS>(state);
            self.look::<V, TONES>(state, results);
        } else {
            self.halve::<V, 5>(state);
            self.filter::<V, 5>(state);
            self.look::<V, 4>(state, results);
        }
    }

    /// Halves the rate, `N` results at once.
    #[inline(always)]
    fn halve<V: Lanes, const N: usize>(&self, state: &mut LookState<V>) {
        for first in (0..STEPS).step_by(N) {
            let middle = 2 * first + 2 * HALVING_PAIRS;
            let mut odd = [V::splat(0.0); N];
            for (pair, tap) in self.halving.iter().enumerate() {
                let (tap, reach) = (V::splat(*tap), 2 * pair + 1);
                for (at, odd) in odd.iter_mut().enumerate() {
                    let middle = middle + 2 * at;
                    *odd = *odd + (state.samples[middle - reach] + state.samples[middle + reach]) * tap;
                }
            }
            for (at, odd) in odd.iter().enumerate() {
                let even = state.samples[middle + 2 * at] * V::splat(0.5);
                state.halved[DIAL_TONE_PAST + first + at] = even + *odd;
                state.above[DIAL_TONE_PAIRS + first + at] = even - *odd;
            }
        }
    }

    /// Takes the dial tone away, `N` results at once.
    #[inline(always)]
    fn filter<V: Lanes, const N: usize>(&self, state: &mut LookState<V>) {
        for first in (0..STEPS).step_by(N) {
            let middle = first + DIAL_TONE_PAIRS;
            let tap = V::splat(self.dial_tone_middle);
            let mut sums: [V; N] = core::array::from_fn(|at| state.halved[middle + at] * tap);
            for (pair, tap) in self.dial_tone.iter().enumerate() {
                let (tap, reach) = (V::splat(*tap), pair + 1);
                for (at, sum) in sums.iter_mut().enumerate() {
                    let middle = middle + at;
                    *sum = *sum + (state.halved[middle - reach] + state.halved[middle + reach]) * tap;
                }
            }
            for (at, sum) in sums.iter().enumerate() {
                let above = state.above[first + at];
                state.window[STEPS + first + at] = *sum;
                state.powers[STEPS + first + at] = *sum * *sum + above * above;
            }
        }
    }

    /// Looks at the window, at `N` frequencies at once. Its two halves are folded: cosines take their sum, sines their
    /// difference.
    #[inline(always)]
    fn look<V: Lanes, const N: usize>(&self, state: &LookState<V>, results: &mut [V]) {
        let (parts, rest) = results.split_at_mut(2 * TONES);
        let (real, imaginary) = parts.split_at_mut(TONES);
        for first in (0..TONES).step_by(N) {
            let (mut re, mut im) = ([V::splat(0.0); N], [V::splat(0.0); N]);
            for (at, (cosines, sines)) in self.cosines.iter().zip(self.sines.iter()).enumerate() {
                let (early, late) = (state.window[at], state.window[WINDOW - 1 - at]);
                let (sum, difference) = (early + late, early - late);
                for tone in 0..N {
                    re[tone] = re[tone] + sum * V::splat(cosines[first + tone]);
                    im[tone] = im[tone] + difference * V::splat(sines[first + tone]);
                }
            }
            real[first..first + N].copy_from_slice(&re);
            imaginary[first..first + N].copy_from_slice(&im);
        }
        let mut mean_square = V::splat(0.0);
        for (at, weight) in self.squares.iter().enumerate() {
            mean_square = mean_square + (state.powers[at] + state.powers[WINDOW - 1 - at]) * V::splat(*weight);
        }
        let loudest = |group: core::ops::Range<usize>| {
            group.fold(V::splat(0.0), |most, at| most.greater(real[at] * real[at] + imaginary[at] * imaginary[at]))
        };
        rest[0] = mean_square;
        rest[1] = loudest(0..LOW_GROUP.len()) + loudest(LOW_GROUP.len()..TONES);
    }
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

/// Makes room for `new` values at the end.
#[inline(always)]
fn shift<V: Copy>(values: &mut [V], new: usize) {
    values.copy_within(new.., 0);
}

impl Kernel for LookKernel {
    type State<V: Lanes> = LookState<V>;

    fn state<V: Lanes>(&self) -> LookState<V> {
        let zero = V::splat(0.0);
        LookState {
            samples: [zero; HALVING_PAST + HOP],
            halved: [zero; DIAL_TONE_PAST + STEPS],
            above: [zero; DIAL_TONE_PAIRS + STEPS],
            window: [zero; WINDOW],
            powers: [zero; WINDOW],
        }
    }

    fn extract<V: Lanes>(&self, state: &LookState<V>, lane: usize) -> LookState<f32> {
        LookState {
            samples: state.samples.map(|value| value.lane(lane)),
            halved: state.halved.map(|value| value.lane(lane)),
            above: state.above.map(|value| value.lane(lane)),
            window: state.window.map(|value| value.lane(lane)),
            powers: state.powers.map(|value| value.lane(lane)),
        }
    }

    fn insert<V: Lanes>(&self, state: &mut LookState<V>, lane: usize, line: &LookState<f32>) {
        let put = |into: &mut [V], from: &[f32]| {
            into.iter_mut().zip(from).for_each(|(into, from)| into.set_lane(lane, *from));
        };
        put(&mut state.samples, &line.samples);
        put(&mut state.halved, &line.halved);
        put(&mut state.above, &line.above);
        put(&mut state.window, &line.window);
        put(&mut state.powers, &line.powers);
    }

    #[inline(always)]
    fn run<V: Lanes>(&self, state: &mut LookState<V>, samples: &[V], results: &mut [V]) {
        for (hop, results) in samples.chunks_exact(HOP).zip(results.chunks_exact_mut(RESULTS)) {
            self.hop(state, hop, results);
        }
    }
}

/// One line's hop, for the widest instructions.
pub(super) struct OneHop<'a> {
    pub(super) kernel: &'a LookKernel,
    pub(super) state: &'a mut LookState<f32>,
    pub(super) samples: &'a [f32; HOP],
}

impl Work for OneHop<'_> {
    type Output = [f32; RESULTS];

    #[inline(always)]
    fn run(self) -> [f32; RESULTS] {
        let mut results = [0.0; RESULTS];
        self.kernel.hop(self.state, self.samples, &mut results);
        results
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lanes::Isa, osc::Oscillator, units::Dbm0};

    /// The look at a steady tone of level 0 dBm0.
    fn look_at(frequency: f32) -> Look {
        let kernel = LookKernel::new();
        let mut state = kernel.state();
        let mut tone = Oscillator::new(Hz(frequency));
        let peak = Dbm0(0.0).rms() * core::f32::consts::SQRT_2;
        let mut look = Look::default();
        for _ in 0..10 {
            let samples = core::array::from_fn(|_| peak * tone.next_sine());
            let results = Isa::detect().run(OneHop { kernel: &kernel, state: &mut state, samples: &samples });
            look = Look::new(|at| results[at]);
        }
        look
    }

    #[test]
    fn tones_are_seen_at_their_level_and_dial_tone_is_not() {
        let level = |power: f32| Dbm0::from_mean_square(power).0;
        for tone in 0..TONES {
            let look = look_at(pitch(tone).0);
            assert!(level(look.tones[tone].power() / 2.0).abs() < 0.1, "{tone}: {look:?}");
            assert!(level(look.mean_square).abs() < 0.1, "{tone}: {look:?}");
        }
        for pitch in [350.0, 425.0, 440.0, 480.0] {
            let look = look_at(pitch);
            assert!(level(look.mean_square) < -45.0 && level(look.loudest / 2.0) < -60.0, "{pitch} Hz: {look:?}");
        }
        // All that is above counts as power, and as nothing else.
        for pitch in [2500.0, 3000.0, 3700.0] {
            let look = look_at(pitch);
            assert!(level(look.mean_square).abs() < 0.3 && level(look.loudest / 2.0) < -45.0, "{pitch} Hz: {look:?}");
        }
    }
}
