//! Finds an echo path at one stroke, from what was sent and heard in the last tenth of a second.
//!
//! ```text
//!  heard ─▶ − ─┬─▶ correlate with what was sent ─▶ groups of taps that say more than chance ─▶ add them
//!           ▲  │                                                                               │
//!           └──┼──────────────────────────── least squares over all groups so far ◀────────────┘
//!              └─▶ little enough is left: the taps
//! ```
//!
//! A step-by-step filter of 128 ms needs a second to find what it looks for, since most of its taps only add noise. An
//! echo path is mostly delay: its few milliseconds of taps are found by correlation, and equations enough for those few
//! taps are there after some hundredths of a second. A path is taken for found only if it explains nearly all that was
//! heard, which nobody who talks meanwhile allows.

use alloc::{vec, vec::Vec};

use crate::{
    lanes::{Isa, Work},
    pcm::BLOCK_SAMPLES,
};

/// Samples looked at.
pub(super) const SPAN: usize = 800;

/// The last of them, on which a path is tried that was found in the others.
const TRIAL: usize = BLOCK_SAMPLES;
const FIT: usize = SPAN - TRIAL;

/// Taps that are looked for together.
pub(super) const GROUP: usize = 16;

/// Groups at most.
const MOST_GROUPS: usize = 24;

/// Equations wanted for each tap.
const EQUATIONS: usize = 2;

/// How much more than chance a group says when it belongs to the path.
const SIGNIFICANT: f32 = 2.5;

/// Rounds of correlation, and steps of conjugate gradients in each.
const ROUNDS: usize = 7;
const STEPS: usize = 12;

/// Part of the gradient's power at which a round is over.
const SOLVED: f32 = 1e-6;

/// Part of what was heard that a found path leaves at most.
const EXPLAINED: f32 = 0.03;

/// Periods of voices in samples, and the correlation at them from which a signal repeats itself.
const PITCHES: core::ops::Range<usize> = 16..160;
const REPETITION: f32 = 0.3;

/// Parts of the span that are compared, and the least power of one relative to the mean that is steady.
const PARTS: usize = 4;
const STEADY: f32 = 0.4;

/// Room to work in, and the path found.
#[derive(Clone, Debug)]
pub(super) struct Leap {
    isa: Isa,
    /// Whitened samples sent, oldest first: as many as there are taps before the span, and the span.
    pub(super) sent: Vec<f32>,
    /// Whitened samples heard in the span; then what the path leaves of them.
    pub(super) heard: Vec<f32>,
    /// The path, the tap for the newest sample last.
    pub(super) taps: Vec<f32>,
    /// Groups in the path.
    chosen: Vec<bool>,
    /// Gradient and direction of the search for taps, and the direction's echo.
    gradient: Vec<f32>,
    direction: Vec<f32>,
    returned: Vec<f32>,
}

impl Leap {
    pub(super) fn new(taps: usize) -> Self {
        Self {
            isa: Isa::detect(),
            sent: vec![0.0; taps + SPAN],
            heard: vec![0.0; SPAN],
            taps: vec![0.0; taps],
            chosen: vec![false; taps / GROUP],
            gradient: vec![0.0; taps],
            direction: vec![0.0; taps],
            returned: vec![0.0; SPAN],
        }
    }

    /// Looks for the path in what is in `sent` and `heard`, of which the last `valid` samples are worth it; the part of
    /// the power that it leaves, if a path was found.
    pub(super) fn find(&mut self, valid: usize) -> Option<f32> {
        if self.wavers() || self.repeats() {
            return None;
        }
        let before = self.trial();
        let most = (valid.min(SPAN).saturating_sub(TRIAL) / EQUATIONS / GROUP).min(MOST_GROUPS);
        self.taps.fill(0.0);
        self.chosen.fill(false);
        for _ in 0..ROUNDS {
            if !self.choose(most) {
                break;
            }
            self.solve();
        }
        let left = self.trial();
        (left <= EXPLAINED * before).then_some(left)
    }

    /// Whether what was sent grows and fades, as syllables do.
    fn wavers(&self) -> bool {
        let newest = &self.sent[self.sent.len() - FIT..];
        let power = self.isa.dot(newest, newest);
        let parts = newest.chunks_exact(FIT / PARTS).map(|part| self.isa.dot(part, part) * PARTS as f32);
        parts.fold(f32::INFINITY, f32::min) < power * STEADY
    }

    /// Whether what was sent repeats itself, as a voice does at its pitch: it says too little of the path then.
    fn repeats(&self) -> bool {
        let newest = &self.sent[self.sent.len() - FIT..];
        let power = self.isa.dot(newest, newest);
        PITCHES.into_iter().any(|lag| {
            let earlier = &self.sent[self.sent.len() - FIT - lag..self.sent.len() - lag];
            self.isa.dot(newest, earlier).abs() > REPETITION * power
        })
    }

    /// Energy of what is heard and not explained, where paths are tried.
    fn trial(&self) -> f32 {
        self.isa.dot(&self.heard[FIT..], &self.heard[FIT..])
    }

    /// The same where they are found.
    fn power(&self) -> f32 {
        self.isa.dot(&self.heard[..FIT], &self.heard[..FIT])
    }

    /// What was sent, as tap `tap` delays it.
    fn delayed(&self, tap: usize) -> &[f32] {
        &self.sent[tap + 1..=tap + FIT]
    }

    /// Adds the groups that say more than chance of what is left, the strongest ones if they are too many; whether there
    /// were any.
    fn choose(&mut self, most: usize) -> bool {
        let sent = self.isa.dot(self.delayed(self.taps.len() / 2), self.delayed(self.taps.len() / 2)).max(1.0);
        let chance = GROUP as f32 * self.power() * sent / FIT as f32;
        let mut room = most.saturating_sub(self.chosen.iter().filter(|chosen| **chosen).count());
        for tap in 0..self.taps.len() {
            self.gradient[tap] = self.isa.dot(&self.heard[..FIT], self.delayed(tap));
        }
        let mut found = false;
        while room > 0 {
            let free = self.gradient.chunks_exact(GROUP).enumerate().filter(|(group, _)| !self.chosen[*group]);
            let energies = free.map(|(group, taps)| (group, taps.iter().map(|tap| tap * tap).sum::<f32>()));
            let best = energies.max_by(|a, b| a.1.total_cmp(&b.1));
            let Some((group, _)) = best.filter(|(_, energy)| *energy > SIGNIFICANT * chance) else { break };
            self.chosen[group] = true;
            (found, room) = (true, room - 1);
        }
        found
    }

    /// Least squares over the chosen groups, by conjugate gradients from where the last round ended.
    fn solve(&mut self) {
        let mut size = self.descend(0.0);
        let enough = size * SOLVED;
        for _ in 0..STEPS {
            self.echo_direction();
            let curvature = self.isa.dot(&self.returned[..FIT], &self.returned[..FIT]);
            if size <= enough || curvature <= 0.0 {
                return;
            }
            let step = size / curvature;
            for (tap, direction) in self.taps.iter_mut().zip(&self.direction) {
                *tap += step * direction;
            }
            for (heard, returned) in self.heard.iter_mut().zip(&self.returned) {
                *heard -= step * returned;
            }
            size = self.descend(size);
        }
    }

    /// The gradient at the taps and the direction to go on, conjugate to the last one, whose gradient had the size
    /// `before`; the new one's size.
    fn descend(&mut self, before: f32) -> f32 {
        let mut size = 0.0;
        for group in 0..self.chosen.len() {
            for tap in group * GROUP..(group + 1) * GROUP {
                let gradient =
                    if self.chosen[group] { self.isa.dot(&self.heard[..FIT], self.delayed(tap)) } else { 0.0 };
                self.gradient[tap] = gradient;
                size += gradient * gradient;
            }
        }
        let turn = if before > 0.0 { size / before } else { 0.0 };
        for (direction, gradient) in self.direction.iter_mut().zip(&self.gradient) {
            *direction = *gradient + turn * *direction;
        }
        size
    }

    /// What the direction, taken for a path, returns.
    fn echo_direction(&mut self) {
        let Self { isa, sent, direction, returned, .. } = self;
        isa.run(Convolve { sent, taps: direction, returned });
    }
}

/// What a path returns of what was sent.
struct Convolve<'a> {
    sent: &'a [f32],
    taps: &'a [f32],
    returned: &'a mut [f32],
}

impl Work for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.returned.fill(0.0);
        for (tap, weight) in self.taps.iter().enumerate() {
            if *weight != 0.0 {
                let sent = &self.sent[tap + 1..=tap + SPAN];
                for (returned, sent) in self.returned.iter_mut().zip(sent) {
                    *returned += weight * sent;
                }
            }
        }
    }
}
