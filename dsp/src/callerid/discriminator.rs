//! Which of two tones sounds, sample by sample, a stretch at a time.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    filter::fir::low_pass,
    fsk::FskSpec,
    lanes::{Isa, LANES, Work},
    osc::{cosine, phase_step, sine},
    pcm::SAMPLE_RATE,
    units::{Dbm0, Hz},
};

/// Samples taken at once, at most.
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

/// Powers of the two tones over the last bit time, and what follows from them: the first bit of a mask is the first
/// sample.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    /// Squares of the peaks, after those of the sample before the stretch.
    mark: [f32; STRETCH + 1],
    space: [f32; STRETCH + 1],
    /// Where there is more mark than space, in each balance.
    pub(super) marks: [u64; BALANCES.len()],
    /// Where there is a signal.
    pub(super) steady: u64,
}

impl Stretch {
    /// By how much the mark exceeds the space at a sample, -1 for the one before the stretch.
    pub(super) fn difference(&self, at: isize, balance: f32) -> f32 {
        let at = (at + 1) as usize;
        libm::sqrtf(self.mark[at]) - balance * libm::sqrtf(self.space[at])
    }
}

/// Correlates with mark and space over one bit.
#[derive(Clone, Debug)]
pub(super) struct Discriminator {
    /// Taps against what is below, from the middle outwards.
    middle: f32,
    taps: [f32; PAIRS],
    /// Weights of a bit time: cosine and sine of mark and of space.
    weights: Box<[[f32; 4]]>,
    bit_samples: f32,
    faintest: f32,
    /// The last samples, and room for those that come; the same without what is below.
    samples: [f32; 2 * PAIRS + STRETCH],
    filtered: [f32; BIT - 1 + STRETCH],
    last: (f32, f32),
    isa: Isa,
}

impl Discriminator {
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
            weights: (0..BIT).map(weight).collect::<Vec<_>>().into_boxed_slice(),
            bit_samples,
            faintest: peak * peak,
            samples: [0.0; 2 * PAIRS + STRETCH],
            filtered: [0.0; BIT - 1 + STRETCH],
            last: (0.0, 0.0),
            isa: Isa::detect(),
        }
    }

    /// Takes samples, [`STRETCH`] at most. What is told of samples beyond them means nothing.
    pub(super) fn take(&mut self, samples: &[f32]) -> Stretch {
        let past = 2 * PAIRS;
        self.samples[past..][..samples.len()].copy_from_slice(samples);
        let isa = self.isa;
        let stretch = isa.run(Discriminate(self));
        self.samples.copy_within(samples.len()..samples.len() + past, 0);
        self.filtered.copy_within(samples.len()..samples.len() + BIT - 1, 0);
        self.last = (stretch.mark[samples.len()], stretch.space[samples.len()]);
        stretch
    }
}

struct Discriminate<'a>(&'a mut Discriminator);

impl Work for Discriminate<'_> {
    type Output = Stretch;

    #[inline(always)]
    fn run(self) -> Stretch {
        let Self(from) = self;
        let mut sums: [f32; STRETCH] = core::array::from_fn(|at| from.samples[PAIRS + at] * from.middle);
        for (pair, tap) in from.taps.iter().enumerate() {
            let (early, late) = (&from.samples[PAIRS - 1 - pair..], &from.samples[PAIRS + 1 + pair..]);
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum += (early[at] + late[at]) * tap;
            }
        }
        from.filtered[BIT - 1..].copy_from_slice(&sums);
        let mut stretch =
            Stretch { mark: [0.0; STRETCH + 1], space: [0.0; STRETCH + 1], marks: [0; BALANCES.len()], steady: 0 };
        (stretch.mark[0], stretch.space[0]) = from.last;
        for first in (0..STRETCH).step_by(LANES) {
            from.eight(first, &mut stretch);
        }
        stretch
    }
}

impl Discriminator {
    /// Eight samples' tones.
    #[inline(always)]
    fn eight(&self, first: usize, stretch: &mut Stretch) {
        let (mut sums, mut energy) = ([[0.0f32; LANES]; 4], [0.0f32; LANES]);
        for (tap, weights) in self.weights.iter().enumerate() {
            let samples: &[f32; LANES] = self.filtered[first + tap..].first_chunk().expect("the past and the stretch");
            for (sum, weight) in sums.iter_mut().zip(weights) {
                sum.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += sample * weight);
            }
            energy.iter_mut().zip(samples).for_each(|(energy, sample)| *energy += sample * sample);
        }
        let scale = 4.0 / (self.bit_samples * self.bit_samples);
        let power = |re: &[f32; LANES], im: &[f32; LANES]| -> [f32; LANES] {
            core::array::from_fn(|at| (re[at] * re[at] + im[at] * im[at]) * scale)
        };
        let (mark, space) = (power(&sums[0], &sums[1]), power(&sums[2], &sums[3]));
        for (balance, marks) in BALANCES.iter().zip(&mut stretch.marks) {
            *marks |= mask(core::array::from_fn(|at| mark[at] > space[at] * (balance * balance))) << first;
        }
        // The square of the peak, for one tone alone, is twice the mean square.
        let share = LEAST_SHARE * 2.0 / BIT as f32;
        let steady = core::array::from_fn(|at| {
            (mark[at] > self.faintest) | (space[at] > self.faintest) && mark[at] + space[at] > energy[at] * share
        });
        stretch.steady |= mask(steady) << first;
        stretch.mark[first + 1..][..LANES].copy_from_slice(&mark);
        stretch.space[first + 1..][..LANES].copy_from_slice(&space);
    }
}

/// A bit for each, the first one lowest.
#[inline(always)]
fn mask(holds: [bool; LANES]) -> u64 {
    u64::from_le_bytes(holds.map(u8::from)).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_its_first_bit_lowest() {
        assert_eq!(mask([true, false, false, false, false, false, false, true]), 0b1000_0001);
        assert_eq!(mask([false, true, true, false, false, false, false, false]), 0b110);
    }
}
