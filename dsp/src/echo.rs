//! The line echo canceller: what we send comes back through the hybrid, and is taken away from what we hear.
//!
//! ```text
//!  far (what we send) ──┬────────────┬──────────────▶ line
//!                       ▼            ▼
//!                   searching     trusted
//!                    filter        filter      a better search replaces the trusted filter, a search gone astray
//!                       │            │         begins again from it, a leap replaces both
//!  near (line) ──▶ − ───┴──▶ −  ─────┴──▶ what is left
//! ```
//!
//! The searching filter adapts all the time, by normalised least mean squares on whitened signals: speech then
//! converges as fast as noise does. What goes out is left over by the trusted filter, which changes only when the search
//! has done better for a while; so double talk, which leads the search astray, does not reach it. Signals that a short
//! predictor foretells almost wholly (tones, DTMF, a carrier) say too little of the echo path, and stop the search.
//! While both filters are poor, a leap looks for the whole path at once, in what was sent and heard lately.

mod leap;
mod mind;

use alloc::{vec, vec::Vec};

use crate::{
    lanes::{Kernel, Lanes, One},
    pcm::BLOCK_SAMPLES,
};
use leap::{GROUP, Leap, SPAN};
use mind::{Energies, FAINT, Mind, ORDER, Verdict};

/// Samples from which the predictor is computed.
const SPEECH: usize = 3 * BLOCK_SAMPLES;

/// Lines of a group that may leap in one block: a leap takes as long as many blocks of cancelling. The others leap in one
/// of the next blocks; only in this does a line in a bank depend on its neighbours.
const LEAPS_AT_ONCE: usize = 2;

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
    /// Far samples and near ones, oldest first, as many as a leap wants; and whitened far ones, with room for a block.
    far: Vec<V>,
    near: Vec<V>,
    white: Vec<V>,
    /// The last near samples and what the trusted filter left of them, newest first, for whitening.
    heard: [V; ORDER],
    left: [V; ORDER],
    /// Energies of the whitened far samples under the filter.
    energy: V,
    /// Of each lane.
    minds: Vec<Mind>,
    /// Room for a leap, one lane after the other, and the lane that is asked first.
    leap: Leap,
    turn: usize,
}

impl EchoKernel {
    /// A canceller of echoes that come within `taps` samples.
    pub fn new(taps: usize) -> Self {
        Self { taps: taps.max(BLOCK_SAMPLES).next_multiple_of(GROUP) }
    }
}

impl Kernel for EchoKernel {
    type State<V: Lanes> = EchoState<V>;

    fn state<V: Lanes>(&self) -> EchoState<V> {
        let none = V::splat(0.0);
        EchoState {
            trusted: vec![none; self.taps],
            search: vec![none; self.taps],
            far: vec![none; self.taps + SPAN + ORDER],
            near: vec![none; SPAN + ORDER],
            white: vec![none; self.taps + BLOCK_SAMPLES],
            heard: [none; ORDER],
            left: [none; ORDER],
            energy: none,
            minds: vec![Mind::default(); V::COUNT],
            leap: Leap::new(self.taps),
            turn: 0,
        }
    }

    fn extract<V: Lanes>(&self, state: &EchoState<V>, lane: usize) -> EchoState<f32> {
        let pick = |row: &[V]| row.iter().map(|value| value.lane(lane)).collect();
        EchoState {
            trusted: pick(&state.trusted),
            search: pick(&state.search),
            far: pick(&state.far),
            near: pick(&state.near),
            white: pick(&state.white),
            heard: state.heard.map(|value| value.lane(lane)),
            left: state.left.map(|value| value.lane(lane)),
            energy: state.energy.lane(lane),
            minds: vec![state.minds[lane]],
            leap: state.leap.clone(),
            turn: 0,
        }
    }

    fn insert<V: Lanes>(&self, state: &mut EchoState<V>, lane: usize, line: &EchoState<f32>) {
        let rows = [
            (&mut state.trusted, &line.trusted),
            (&mut state.search, &line.search),
            (&mut state.far, &line.far),
            (&mut state.near, &line.near),
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
        append(&mut state.far, far);
        append(&mut state.near, near);
        let mut energies = [V::splat(0.0); 3];
        let predictor = self.whiten(state);
        for (at, (near, result)) in near.iter().zip(results.iter_mut()).enumerate() {
            let (trusted, search) = self.filter(state, at, far.len());
            *result = *near - trusted;
            let heard = whitened(&predictor, &mut state.heard, *near);
            let left = whitened(&predictor, &mut state.left, *result);
            let searched = heard - search;
            self.learn(state, at, far.len(), searched);
            energies = [energies[0] + heard * heard, energies[1] + left * left, energies[2] + searched * searched];
        }
        // Whoever had to wait with a leap comes first in the next block.
        let first = state.turn;
        state.turn = (first + 1) % V::COUNT;
        let mut leaps = LEAPS_AT_ONCE;
        for lane in (0..V::COUNT).map(|lane| (first + lane) % V::COUNT) {
            self.decide(state, lane, energies.map(|energy| energy.lane(lane)), results, &mut leaps);
        }
    }
}

impl EchoKernel {
    /// Whitens all far samples that are under the filter; the predictor that does it.
    #[inline(always)]
    fn whiten<V: Lanes>(&self, state: &mut EchoState<V>) -> [V; ORDER] {
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

    /// What follows from a block for one line.
    #[inline(always)]
    fn decide<V: Lanes>(
        &self,
        state: &mut EchoState<V>,
        lane: usize,
        [near, left, searched]: [f32; 3],
        results: &mut [V],
        leaps: &mut usize,
    ) {
        let sent: f32 = state.white.iter().map(|white| white.lane(lane) * white.lane(lane)).sum();
        let sent = sent * results.len() as f32 / state.white.len() as f32;
        let energies = Energies { near, left, searched, sent };
        match state.minds[lane].judge(energies) {
            Verdict::Keep => {}
            Verdict::Trust => copy_lane(&state.search, &mut state.trusted, lane),
            Verdict::Return => copy_lane(&state.trusted, &mut state.search, lane),
            Verdict::Clear => state.trusted.iter_mut().for_each(|tap| tap.set_lane(lane, 0.0)),
        }
        if let Some(valid) = state.minds[lane].leaps(energies, *leaps > 0) {
            *leaps -= 1;
            self.leap(state, lane, valid, energies);
        }
        let factors = state.minds[lane].suppress(energies);
        if factors != (1.0, 1.0) {
            fade(results, lane, factors);
        }
    }

    /// Looks for the path of a line at one stroke, in the last `valid` samples.
    fn leap<V: Lanes>(&self, state: &mut EchoState<V>, lane: usize, valid: usize, energies: Energies) {
        let (predictor, leap) = (&state.minds[lane].predictor, &mut state.leap);
        whiten_row(predictor, &state.far, lane, &mut leap.sent);
        whiten_row(predictor, &state.near, lane, &mut leap.heard);
        if leap.find(valid).is_none_or(|leaves| !energies.are_bettered_by(leaves)) {
            return;
        }
        let set = |filter: &mut [V], taps: &[f32]| {
            filter.iter_mut().zip(taps).for_each(|(tap, found)| tap.set_lane(lane, *found));
        };
        set(&mut state.search, &leap.taps);
        if energies.are_left() {
            set(&mut state.trusted, &leap.taps);
        }
    }
}

/// Moves a row on by some samples.
#[inline(always)]
fn append<V: Copy>(row: &mut [V], samples: &[V]) {
    let old = row.len() - samples.len();
    row.copy_within(samples.len().., 0);
    row[old..].copy_from_slice(samples);
}

/// A sample less what the predictor foretells from those before it, which are kept newest first.
#[inline(always)]
fn whitened<V: Lanes>(predictor: &[V; ORDER], before: &mut [V; ORDER], sample: V) -> V {
    let mut white = sample;
    for (weight, before) in predictor.iter().zip(before.iter()) {
        white = white + *weight * *before;
    }
    before.copy_within(..ORDER - 1, 1);
    before[0] = sample;
    white
}

/// A line's samples, whitened: as many of the newest as there is room for.
fn whiten_row<V: Lanes>(predictor: &[f32; ORDER], samples: &[V], lane: usize, white: &mut [f32]) {
    let first = samples.len() - white.len();
    for (at, white) in white.iter_mut().enumerate() {
        let before =
            predictor.iter().enumerate().map(|(ago, weight)| weight * samples[first + at - 1 - ago].lane(lane));
        *white = samples[first + at].lane(lane) + before.sum::<f32>();
    }
}

#[inline(always)]
fn copy_lane<V: Lanes>(from: &[V], to: &mut [V], lane: usize) {
    from.iter().zip(to).for_each(|(from, to)| to.set_lane(lane, from.lane(lane)));
}

/// Weakens one line's samples, from one factor to another.
fn fade<V: Lanes>(samples: &mut [V], lane: usize, (from, to): (f32, f32)) {
    let count = samples.len() as f32;
    for (at, sample) in samples.iter_mut().enumerate() {
        let factor = from + (to - from) * at as f32 / count;
        sample.set_lane(lane, sample.lane(lane) * factor);
    }
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

    /// Stops learning, or goes on with it: a fax modem is worth more than a better filter. Cancelling goes on in either
    /// case.
    pub fn freeze(&mut self, frozen: bool) {
        self.line.edit(|state| state.minds[0].frozen = frozen);
    }

    /// Weakens what is left by 26 dB more while it is nothing but echo, or stops doing so. Not for modems.
    pub fn suppress_residue(&mut self, suppress: bool) {
        self.line.edit(|state| state.minds[0].suppresses = suppress);
    }
}

#[cfg(test)]
mod tests;
