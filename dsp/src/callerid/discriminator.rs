//! Which of two tones sounds, sample by sample, a stretch at a time.

use crate::{
    filter::fir::low_pass,
    fsk::FskSpec,
    lanes::{Kernel, LANES, Lanes},
    osc::{cosine, phase_step, sine},
    pcm::SAMPLE_RATE,
    tone::{content::halved, ear::Piece},
    units::{Dbm0, Hz},
};

/// Samples taken at once.
pub(super) const STRETCH: usize = 40;

/// Below it is what a recorder's offset and the mains add; the sidebands of 1200 bit/s begin above.
const CORNER: Hz = Hz(350.0);

/// Pairs of taps of the filter that takes it away.
const PAIRS: usize = 31;

/// Samples of a bit of 1200 a second, the last one in part.
const BIT: usize = 7;

/// How much stronger the mark has to be than the space in amplitude, to be one.
pub(super) const BALANCES: [f32; 5] = [1.0, 0.6, 1.6, 0.35, 2.8];

/// Part of the power that is in the two tones while there is a signal.
const LEAST_SHARE: f32 = 0.4;

/// Least level of a tone.
const FAINTEST: Dbm0 = Dbm0(-52.0);

/// Values that are written for a stretch: squares of the peaks of mark and of space, the sample before the stretch first;
/// and masks.
const POWERS: usize = STRETCH + 1;
const MASKS: usize = BALANCES.len() + 1;
pub(super) const RESULTS: usize = 2 * POWERS + 2 * MASKS;

/// Rows of eight samples in a stretch, and those in the first part of a mask: a number holds 24 bits exactly.
const ROWS: usize = STRETCH / LANES;
const FIRST_ROWS: usize = 2;

/// Powers of the two tones over the last bit time, and what follows from them: the first bit of a mask is the first
/// sample.
pub(super) struct Stretch<'a, V> {
    piece: &'a Piece<'a, V>,
    /// Where there is more mark than space, in each balance.
    pub(super) marks: [u64; BALANCES.len()],
    /// Where there is a signal.
    pub(super) steady: u64,
}

impl<'a, V: Lanes> Stretch<'a, V> {
    /// What [`ToneKernel`] wrote.
    pub(super) fn new(piece: &'a Piece<'a, V>) -> Self {
        let mask = |at: usize| {
            let [first, second] = [0, 1].map(|part| piece.result(2 * POWERS + 2 * at + part) as u64);
            first | second << (FIRST_ROWS * LANES)
        };
        Self { piece, marks: core::array::from_fn(mask), steady: mask(BALANCES.len()) }
    }

    /// By how much the mark exceeds the space at a sample, -1 for the one before the stretch.
    pub(super) fn difference(&self, at: isize, balance: f32) -> f32 {
        let at = (at + 1) as usize;
        libm::sqrtf(self.piece.result(at)) - balance * libm::sqrtf(self.piece.result(POWERS + at))
    }
}

/// Correlates with mark and space over one bit: takes samples in whole stretches.
#[derive(Clone, Debug)]
pub struct ToneKernel {
    /// Taps against what is below, from the middle outwards.
    middle: f32,
    taps: [f32; PAIRS],
    /// Weights of a bit time: cosine and sine of mark and of space.
    weights: [[f32; 4]; BIT],
    bit_samples: f32,
    faintest: f32,
}

/// The last samples, and room for those that come; the same without what is below; and the last powers.
#[derive(Clone, Debug)]
pub struct ToneState<V> {
    samples: [V; 2 * PAIRS + STRETCH],
    filtered: [V; BIT - 1 + STRETCH],
    last: [V; 2],
}

impl ToneKernel {
    /// For a modem of 1200 bits a second.
    pub(super) fn new(spec: &FskSpec) -> Self {
        let bit_samples = SAMPLE_RATE.0 / spec.rate.0;
        let weight = |at: usize| {
            // The oldest sample counts in part.
            let part = if at == 0 { bit_samples - (BIT - 1) as f32 } else { 1.0 };
            let phase = |pitch: Hz| phase_step(pitch).wrapping_mul(at as u32);
            let (mark, space) = (phase(spec.mark), phase(spec.space));
            [cosine(mark), sine(mark), cosine(space), sine(space)].map(|turn| part * turn)
        };
        let below = low_pass(CORNER, 2 * PAIRS + 1);
        let peak = FAINTEST.rms() * core::f32::consts::SQRT_2;
        Self {
            middle: 1.0 - below[PAIRS],
            taps: core::array::from_fn(|pair| -below[PAIRS + 1 + pair]),
            weights: core::array::from_fn(weight),
            bit_samples,
            faintest: peak * peak,
        }
    }

    #[inline(always)]
    fn stretch<V: Lanes>(&self, state: &mut ToneState<V>, samples: &[V], results: &mut [V]) {
        state.samples[2 * PAIRS..].copy_from_slice(samples);
        // One line goes along its samples, several lines go side by side: as many sums at once as there are registers.
        if V::COUNT == 1 {
            self.filter::<V, STRETCH>(state)
        } else {
            self.filter::<V, LANES>(state)
        }
        let (powers, masks) = results.split_at_mut(2 * POWERS);
        let (marks, spaces) = powers.split_at_mut(POWERS);
        (marks[0], spaces[0]) = (state.last[0], state.last[1]);
        let mut steady = [[V::splat(0.0); LANES]; ROWS];
        for (row, steady) in steady.iter_mut().enumerate() {
            let first = row * LANES;
            let past = &state.filtered[first..first + LANES + BIT - 1];
            self.row(past, &mut marks[1 + first..][..LANES], &mut spaces[1 + first..][..LANES], steady);
        }
        for (balance, masks) in BALANCES.iter().zip(masks.chunks_exact_mut(2)) {
            let weight = V::splat(balance * balance);
            write_mask(masks, &spaces[1..], weight, &marks[1..]);
        }
        write_mask(&mut masks[2 * BALANCES.len()..], &marks[1..], V::splat(0.0), steady.as_flattened());
        state.last = [marks[STRETCH], spaces[STRETCH]];
        state.samples.copy_within(STRETCH.., 0);
        state.filtered.copy_within(STRETCH.., 0);
    }

    /// Takes away what is below, `N` samples at once.
    #[inline(always)]
    fn filter<V: Lanes, const N: usize>(&self, state: &mut ToneState<V>) {
        for first in (0..STRETCH).step_by(N) {
            let past = &state.samples[first..first + N + 2 * PAIRS];
            let mut sums = [V::splat(0.0); N];
            for at in 0..N {
                sums[at] = past[PAIRS + at] * V::splat(self.middle);
            }
            for (pair, tap) in self.taps.iter().enumerate() {
                let (tap, early, late) = (V::splat(*tap), &past[PAIRS - 1 - pair..], &past[PAIRS + 1 + pair..]);
                for at in 0..N {
                    sums[at] = sums[at] + (early[at] + late[at]) * tap;
                }
            }
            state.filtered[BIT - 1 + first..][..N].copy_from_slice(&sums);
        }
    }

    /// Eight samples' tones; what is above zero where there is a signal.
    #[inline(always)]
    fn row<V: Lanes>(&self, past: &[V], marks: &mut [V], spaces: &mut [V], steady: &mut [V; LANES]) {
        let (mut sums, mut energy) = ([[V::splat(0.0); LANES]; 4], [V::splat(0.0); LANES]);
        for (tap, weights) in self.weights.iter().enumerate() {
            let samples = &past[tap..tap + LANES];
            for part in 0..4 {
                let weight = V::splat(weights[part]);
                for at in 0..LANES {
                    sums[part][at] = sums[part][at] + samples[at] * weight;
                }
            }
            for at in 0..LANES {
                energy[at] = energy[at] + samples[at] * samples[at];
            }
        }
        let scale = V::splat(4.0 / (self.bit_samples * self.bit_samples));
        // The square of the peak, for one tone alone, is twice the mean square.
        let share = V::splat(LEAST_SHARE * 2.0 / BIT as f32);
        let (zero, faintest) = (V::splat(0.0), V::splat(self.faintest));
        for at in 0..LANES {
            let mark = (sums[0][at] * sums[0][at] + sums[1][at] * sums[1][at]) * scale;
            let space = (sums[2][at] * sums[2][at] + sums[3][at] * sums[3][at]) * scale;
            steady[at] = faintest.where_less(mark.greater(space), mark + space - energy[at] * share, zero);
            (marks[at], spaces[at]) = (mark, space);
        }
    }
}

/// Writes where `less` times a weight is less than `more`, as two numbers whose bits are the samples.
#[inline(always)]
fn write_mask<V: Lanes>(masks: &mut [V], less: &[V], weight: V, more: &[V]) {
    let (less, more) = (less.as_chunks::<LANES>().0, more.as_chunks::<LANES>().0);
    for (part, rows) in [0..FIRST_ROWS, FIRST_ROWS..ROWS].into_iter().enumerate() {
        let (mut bits, mut bit) = ([V::splat(0.0); LANES], 1u32);
        for row in rows {
            for at in 0..LANES {
                let value = V::splat((bit << at) as f32);
                bits[at] = bits[at] + (less[row][at] * weight).where_less(more[row][at], value, V::splat(0.0));
            }
            bit <<= LANES;
        }
        masks[part] = halved(bits);
    }
}

impl Kernel for ToneKernel {
    type State<V: Lanes> = ToneState<V>;

    fn state<V: Lanes>(&self) -> ToneState<V> {
        let zero = V::splat(0.0);
        ToneState { samples: [zero; 2 * PAIRS + STRETCH], filtered: [zero; BIT - 1 + STRETCH], last: [zero; 2] }
    }

    fn extract<V: Lanes>(&self, state: &ToneState<V>, lane: usize) -> ToneState<f32> {
        ToneState {
            samples: state.samples.map(|value| value.lane(lane)),
            filtered: state.filtered.map(|value| value.lane(lane)),
            last: state.last.map(|value| value.lane(lane)),
        }
    }

    fn insert<V: Lanes>(&self, state: &mut ToneState<V>, lane: usize, line: &ToneState<f32>) {
        let put = |into: &mut [V], from: &[f32]| {
            into.iter_mut().zip(from).for_each(|(into, from)| into.set_lane(lane, *from));
        };
        put(&mut state.samples, &line.samples);
        put(&mut state.filtered, &line.filtered);
        put(&mut state.last, &line.last);
    }

    #[inline(always)]
    fn run<V: Lanes>(&self, state: &mut ToneState<V>, samples: &[V], results: &mut [V]) {
        for (samples, results) in samples.chunks_exact(STRETCH).zip(results.chunks_exact_mut(RESULTS)) {
            self.stretch(state, samples, results);
        }
    }
}
