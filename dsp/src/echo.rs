//! The line echo canceller: what we send comes back through the hybrid, and is taken away from what we hear.
//!
//! ```text
//!  far (what we send) ──┬────────────┬──────────────▶ line
//!                       ▼            ▼
//!                   searching     trusted
//!                    filter        filter      a better search replaces the trusted filter, a search gone astray
//!                       │            │         begins again from it
//!  near (line) ──▶ − ───┴──▶ −  ─────┴──▶ what is left
//! ```
//!
//! The searching filter adapts all the time, by normalised least mean squares on whitened signals: speech then
//! converges as fast as noise does. What goes out is left over by the trusted filter, which changes only when the search
//! has done better for a while; so double talk, which leads the search astray, does not reach it. Signals that a short
//! predictor foretells almost wholly (tones, DTMF, a carrier) say too little of the echo path, and stop the search.

use alloc::{vec, vec::Vec};

use crate::{
    lanes::{Kernel, Lanes, One},
    pcm::BLOCK_SAMPLES,
};

/// Order of the predictor that whitens.
const ORDER: usize = 8;

/// Samples from which the predictor is computed.
const SPEECH: usize = 3 * BLOCK_SAMPLES;

/// Share of an error that one step of the search corrects.
const STEP: f32 = 0.8;

/// A far signal of which the predictor leaves less than this part is narrow-band.
const NARROW: f32 = 0.002;

/// Mean square below which a far signal teaches nothing: -60 dBm0.
const FAINT: f32 = 260.0;

/// Part of the trusted filter's left-over power below which the search's is better.
const BETTER: f32 = 0.7;

/// Part of the near end's power that a search leaves at most, to be trusted.
const CANCELS: f32 = 0.5;

/// Blocks in a row in which the search was better, before it is trusted.
const TRUSTED_AFTER: u32 = 3;

/// The search's left-over power relative to the trusted filter's above which it went astray.
const ASTRAY: f32 = 4.0;

/// Blocks in a row in which the search was astray, before it begins again.
const ASTRAY_FOR: u32 = 8;

/// The canceller for lanes of lines. A run takes one block, the far samples and then the near ones, and writes what is
/// left of the near ones.
#[derive(Clone, Copy, Debug)]
pub struct EchoKernel {
    taps: usize,
}

/// What a line or a group of lines remembers.
#[derive(Clone, Debug)]
pub struct EchoState<V> {
    /// Filters, the tap for the newest sample last.
    trusted: Vec<V>,
    search: Vec<V>,
    /// Far samples and whitened ones, oldest first, with room for a block.
    far: Vec<V>,
    white: Vec<V>,
    /// The last near samples and what the trusted filter left of them, newest first, for whitening.
    heard: [V; ORDER],
    left: [V; ORDER],
    /// Energies of the whitened far samples under the filter.
    energy: V,
    /// Of each lane.
    minds: Vec<Mind>,
}

/// What is decided for a line, block by block.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mind {
    predictor: [f32; ORDER],
    /// Step of the search; zero stops it.
    step: f32,
    better: u32,
    astray: u32,
    /// The last block held more than an echo could.
    outshouted: bool,
    /// Stopped by its owner.
    frozen: bool,
}

impl EchoKernel {
    /// A canceller of echoes that come within `taps` samples.
    pub fn new(taps: usize) -> Self {
        Self { taps: taps.max(BLOCK_SAMPLES).next_multiple_of(4) }
    }
}

impl Kernel for EchoKernel {
    type State<V: Lanes> = EchoState<V>;

    fn state<V: Lanes>(&self) -> EchoState<V> {
        let none = V::splat(0.0);
        let mind = Mind { predictor: [0.0; ORDER], step: 0.0, better: 0, astray: 0, outshouted: false, frozen: false };
        EchoState {
            trusted: vec![none; self.taps],
            search: vec![none; self.taps],
            far: vec![none; self.taps + SPEECH],
            white: vec![none; self.taps + BLOCK_SAMPLES],
            heard: [none; ORDER],
            left: [none; ORDER],
            energy: none,
            minds: vec![mind; V::COUNT],
        }
    }

    fn extract<V: Lanes>(&self, state: &EchoState<V>, lane: usize) -> EchoState<f32> {
        let pick = |row: &[V]| row.iter().map(|value| value.lane(lane)).collect();
        EchoState {
            trusted: pick(&state.trusted),
            search: pick(&state.search),
            far: pick(&state.far),
            white: pick(&state.white),
            heard: state.heard.map(|value| value.lane(lane)),
            left: state.left.map(|value| value.lane(lane)),
            energy: state.energy.lane(lane),
            minds: vec![state.minds[lane]],
        }
    }

    fn insert<V: Lanes>(&self, state: &mut EchoState<V>, lane: usize, line: &EchoState<f32>) {
        let rows = [
            (&mut state.trusted, &line.trusted),
            (&mut state.search, &line.search),
            (&mut state.far, &line.far),
            (&mut state.white, &line.white),
        ];
        for (row, from) in rows {
            row.iter_mut().zip(from).for_each(|(value, from)| value.set_lane(lane, *from));
        }
        state.heard.iter_mut().zip(line.heard).for_each(|(value, from)| value.set_lane(lane, from));
        state.left.iter_mut().zip(line.left).for_each(|(value, from)| value.set_lane(lane, from));
        state.energy.set_lane(lane, line.energy);
        state.minds[lane] = line.minds[0];
    }

    #[inline(always)]
    fn run<V: Lanes>(&self, state: &mut EchoState<V>, samples: &[V], results: &mut [V]) {
        let (far, near) = samples.split_at(samples.len() / 2);
        let mut powers = [V::splat(0.0); 3];
        let predictor = self.take(state, far);
        for (at, (near, result)) in near.iter().zip(results).enumerate() {
            let (trusted, search) = self.filter(state, at, far.len());
            *result = *near - trusted;
            let heard = whiten(&predictor, &mut state.heard, *near);
            let left = whiten(&predictor, &mut state.left, *result);
            let searched = heard - search;
            self.learn(state, at, far.len(), searched);
            powers = [powers[0] + heard * heard, powers[1] + left * left, powers[2] + searched * searched];
        }
        for lane in 0..V::COUNT {
            self.judge(state, lane, powers.map(|power| power.lane(lane)));
        }
    }
}

impl EchoKernel {
    /// Takes a block of far samples and whitens all that are under the filter; the predictor that does it.
    #[inline(always)]
    fn take<V: Lanes>(&self, state: &mut EchoState<V>, block: &[V]) -> [V; ORDER] {
        let old = state.far.len() - block.len();
        state.far.copy_within(block.len().., 0);
        state.far[old..].copy_from_slice(block);
        let mut predictor = [V::splat(0.0); ORDER];
        for lane in 0..V::COUNT {
            let speech = &state.far[state.far.len() - SPEECH..];
            state.minds[lane].plan(&core::array::from_fn(|at| speech[at].lane(lane)));
            let weights = predictor.iter_mut().zip(state.minds[lane].predictor);
            weights.for_each(|(value, weight)| value.set_lane(lane, weight));
        }
        let first = state.far.len() - state.white.len();
        for (at, white) in state.white.iter_mut().enumerate() {
            *white = state.far[first + at];
            for (ago, weight) in predictor.iter().enumerate() {
                *white = *white + *weight * state.far[first + at - 1 - ago];
            }
        }
        let under = &state.white[..self.taps];
        state.energy = under.iter().fold(V::splat(0.0), |sum, value| sum + *value * *value);
        predictor
    }

    /// What the trusted filter makes of the far samples up to the one at `at` of the block, and the search of whitened
    /// ones.
    #[inline(always)]
    fn filter<V: Lanes>(&self, state: &EchoState<V>, at: usize, block: usize) -> (V, V) {
        let end = state.far.len() - block + at + 1;
        let far = &state.far[end - self.taps..end];
        let white = &state.white[at + 1..=at + self.taps];
        let mut sums = [[V::splat(0.0); 4]; 2];
        let filters = state.trusted.chunks_exact(4).zip(state.search.chunks_exact(4));
        for ((far, white), (trusted, search)) in far.chunks_exact(4).zip(white.chunks_exact(4)).zip(filters) {
            for i in 0..4 {
                sums[0][i] = sums[0][i] + far[i] * trusted[i];
                sums[1][i] = sums[1][i] + white[i] * search[i];
            }
        }
        let total = |sums: [V; 4]| (sums[0] + sums[1]) + (sums[2] + sums[3]);
        (total(sums[0]), total(sums[1]))
    }

    /// A step of the search.
    #[inline(always)]
    fn learn<V: Lanes>(&self, state: &mut EchoState<V>, at: usize, block: usize, searched: V) {
        let white = &state.white[..self.taps + block][at + 1..=at + self.taps];
        let (newest, oldest) = (white[self.taps - 1], state.white[at]);
        state.energy = state.energy + newest * newest - oldest * oldest;
        let mut step = V::splat(0.0);
        for (lane, mind) in state.minds.iter().enumerate() {
            let energy = state.energy.lane(lane).max(0.0) + FAINT * self.taps as f32 * 0.001;
            step.set_lane(lane, mind.step * searched.lane(lane) / energy);
        }
        for (tap, white) in state.search.iter_mut().zip(white) {
            *tap = *tap + step * *white;
        }
    }

    /// Compares the filters after a block, by the energies of the near end and of what each left of it.
    #[inline(always)]
    fn judge<V: Lanes>(&self, state: &mut EchoState<V>, lane: usize, [near, left, searched]: [f32; 3]) {
        let sent: f32 = state.white.iter().map(|white| white.lane(lane) * white.lane(lane)).sum();
        let mind = &mut state.minds[lane];
        // No echo is louder than what it is the echo of.
        mind.outshouted = near > sent * BLOCK_SAMPLES as f32 / state.white.len() as f32;
        let better = mind.step > 0.0 && !mind.outshouted && searched < left * BETTER && searched < near * CANCELS;
        mind.better = if better { mind.better + 1 } else { 0 };
        mind.astray = if searched > left * ASTRAY { mind.astray + 1 } else { 0 };
        if mind.better >= TRUSTED_AFTER {
            copy_lane(&state.search, &mut state.trusted, lane);
        } else if mind.astray >= ASTRAY_FOR {
            copy_lane(&state.trusted, &mut state.search, lane);
            mind.astray = 0;
        }
    }
}

/// A sample less what the predictor foretells from those before it, which are kept newest first.
#[inline(always)]
fn whiten<V: Lanes>(predictor: &[V; ORDER], before: &mut [V; ORDER], sample: V) -> V {
    let mut white = sample;
    for (weight, before) in predictor.iter().zip(before.iter()) {
        white = white + *weight * *before;
    }
    before.copy_within(..ORDER - 1, 1);
    before[0] = sample;
    white
}

#[inline(always)]
fn copy_lane<V: Lanes>(from: &[V], to: &mut [V], lane: usize) {
    from.iter().zip(to).for_each(|(from, to)| to.set_lane(lane, from.lane(lane)));
}

impl Mind {
    /// The predictor for what was sent lately, and whether it is worth learning from.
    fn plan(&mut self, recent: &[f32; SPEECH]) {
        let windowed: [f32; SPEECH] = core::array::from_fn(|at| {
            let place = (at as f32 + 0.5) / SPEECH as f32;
            recent[at] * 4.0 * place * (1.0 - place)
        });
        let correlation: [f32; ORDER + 1] =
            core::array::from_fn(|lag| windowed[lag..].iter().zip(&windowed).map(|(a, b)| a * b).sum());
        let (predictor, remains) = predict(&correlation);
        let power = recent.iter().map(|sample| sample * sample).sum::<f32>() / SPEECH as f32;
        self.predictor = predictor;
        self.step = if self.frozen || self.outshouted || remains < NARROW || power < FAINT { 0.0 } else { STEP };
    }
}

/// Levinson's recursion: the whitening filter after its first tap, and the part of the power that it leaves.
fn predict(correlation: &[f32; ORDER + 1]) -> ([f32; ORDER], f32) {
    let mut filter = [0.0; ORDER];
    let power = correlation[0] * 1.0001 + 1.0;
    let mut error = power;
    for order in 0..ORDER {
        let seen: f32 = (0..order).map(|at| filter[at] * correlation[order - at]).sum();
        let reflection = -(correlation[order + 1] + seen) / error;
        let before = filter;
        for at in 0..order {
            filter[at] = before[at] + reflection * before[order - 1 - at];
        }
        filter[order] = reflection;
        error *= 1.0 - reflection * reflection;
    }
    (filter, error / power)
}

/// The canceller of one line.
#[derive(Clone, Debug)]
pub struct EchoCanceller {
    line: One<EchoKernel>,
    block: [f32; 2 * BLOCK_SAMPLES],
}

impl EchoCanceller {
    /// A canceller of echoes that come within `taps` samples: 128 are 16 ms, 1024 are 128 ms.
    pub fn new(taps: usize) -> Self {
        Self { line: One::new(EchoKernel::new(taps)), block: [0.0; 2 * BLOCK_SAMPLES] }
    }

    /// Takes a block of what we send and of what we hear meanwhile; leaves in `near` what is not our echo.
    pub fn run(&mut self, far: &[f32; BLOCK_SAMPLES], near: &mut [f32; BLOCK_SAMPLES]) {
        self.block[..BLOCK_SAMPLES].copy_from_slice(far);
        self.block[BLOCK_SAMPLES..].copy_from_slice(near);
        self.line.run(&self.block, near);
    }

    /// Stops learning, or goes on with it. Cancelling goes on in either case.
    pub fn freeze(&mut self, frozen: bool) {
        self.line.edit(|state| state.minds[0].frozen = frozen);
    }
}

#[cfg(test)]
#[path = "echo_tests.rs"]
mod tests;
