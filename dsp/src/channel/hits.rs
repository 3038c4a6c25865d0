//! What comes suddenly: impulses on the line, and steps of its level.

use super::{ImpulseHits, LevelSteps, noise::Chance};
use crate::{osc::Oscillator, pcm::SAMPLE_RATE, units::Hz};

/// An impulse rings at the middle of the band.
const RINGING: Hz = Hz(1700.0);

/// What is left of an impulse after one sample: it decays by 1/e in 0.5 ms.
const DECAY: f32 = 0.778_800_8;

/// Impulses at random instants.
#[derive(Clone, Debug)]
pub(super) struct Impulses {
    chance: Chance,
    /// Chance of an impulse per sample, as a share of 2^32.
    share: u32,
    /// Samples until the one that comes in any case.
    until: Option<u64>,
    peak: f32,
    ringing: Oscillator,
    level: f32,
}

impl Impulses {
    pub(super) fn new(hits: ImpulseHits, seed: u64) -> Self {
        let share = f64::from(hits.per_second) / f64::from(SAMPLE_RATE.0);
        Self {
            chance: Chance::new(seed ^ 0x1357_9BDF_0246_8ACE),
            share: (share.clamp(0.0, 1.0) * 4_294_967_295.0) as u32,
            until: hits.at,
            // The peak of a sine is above its root mean square by the square root of two.
            peak: hits.peak.rms() * core::f32::consts::SQRT_2,
            ringing: Oscillator::new(RINGING),
            level: 0.0,
        }
    }

    pub(super) fn next_sample(&mut self) -> f32 {
        let chance = self.chance.next_u64();
        let due = self.until == Some(0);
        self.until = self.until.and_then(|samples| samples.checked_sub(1));
        if due || (self.share > 0 && (chance >> 32) as u32 <= self.share) {
            self.level = if chance & 1 == 0 { self.peak } else { -self.peak };
            self.ringing = Oscillator::new(RINGING);
            // A sine at its crest: the impulse begins with its peak.
            self.ringing.turn(1 << 30);
        }
        let sample = self.level * self.ringing.next_sine();
        self.level *= DECAY;
        sample
    }
}

/// A gain that comes and goes.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    gain: f32,
    every: Option<u64>,
    until_next: Option<u64>,
    stepped: bool,
}

impl Steps {
    pub(super) fn new(steps: LevelSteps) -> Self {
        let every = steps.every.map(|every| every.max(1));
        Self { gain: steps.gain.amplitude(), every, until_next: Some(steps.first), stepped: false }
    }

    pub(super) fn push(&mut self, sample: f32) -> f32 {
        match &mut self.until_next {
            Some(0) => {
                self.stepped = !self.stepped;
                self.until_next = self.every.map(|every| every - 1);
            }
            Some(samples) => *samples -= 1,
            None => {}
        }
        if self.stepped { sample * self.gain } else { sample }
    }
}
