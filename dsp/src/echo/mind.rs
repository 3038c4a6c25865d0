//! What is decided for a line, block by block: whether to learn, whom to trust, when to leap.

use crate::{echo::SPEECH, pcm::BLOCK_SAMPLES};

/// Order of the predictor that whitens.
pub(super) const ORDER: usize = 8;

/// Share of an error that one step of the search corrects.
const STEP: f32 = 0.8;

/// A far signal of which the predictor leaves less than this part is narrow-band.
const NARROW: f32 = 0.002;

/// Mean square below which a far signal teaches nothing: -60 dBm0.
pub(super) const FAINT: f32 = 260.0;

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

/// What the trusted filter leaves relative to what was heard, above which it makes an echo where there is none, and
/// blocks of it in a row before the filter is cleared.
const HARMS: f32 = 1.5;
const HARMS_FOR: u32 = 3;

/// Part of the near end's power above which what is left is worth a leap.
const POOR: f32 = 0.0001;

/// Part of what a filter leaves that a leap leaves at most, to be worth it.
const WORTH: f32 = 0.4;

/// Blocks from one leap to the next; twice as many after each one from the `LEAPS`-th on, up to `LEAP_EVERY_AT_MOST`.
const LEAP_EVERY: u32 = 2;
const LEAPS: u32 = 12;
const LEAP_EVERY_AT_MOST: u32 = 64;

/// Part of the near end's power below which what is left is residual echo, and what suppression leaves of its
/// amplitude.
const RESIDUE: f32 = 0.05;
const SUPPRESSED: f32 = 0.05;

/// Energies of a block, whitened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Energies {
    /// Of what came from the line.
    pub(super) near: f32,
    /// Of what the trusted filter left of it.
    pub(super) left: f32,
    /// Of what the search left of it.
    pub(super) searched: f32,
    /// Of what was sent.
    pub(super) sent: f32,
}

/// What is to be done with a line's filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Keep,
    /// The search is to be trusted.
    Trust,
    /// The search is to begin again from the trusted filter.
    Return,
    /// The trusted filter is to be cleared.
    Clear,
}

/// What is remembered of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Mind {
    /// The whitening filter after its first tap.
    pub(super) predictor: [f32; ORDER],
    /// Step of the search; zero stops it.
    pub(super) step: f32,
    /// Stopped by its owner.
    pub(super) frozen: bool,
    /// Residual echo is to be suppressed, and by what factor it is.
    pub(super) suppresses: bool,
    pub(super) suppression: f32,
    better: u32,
    astray: u32,
    harms: u32,
    /// The last block held more than an echo could.
    outshouted: bool,
    /// Blocks in a row in which something could be learned.
    learned: u32,
    /// Leaps tried, blocks until the next, and from it to the one after it.
    leaps: u32,
    leap_in: u32,
    leap_every: u32,
}

impl Mind {
    /// The predictor for what was sent lately, and whether it is worth learning from.
    pub(super) fn plan(&mut self, recent: &[f32; SPEECH]) {
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
        self.learned = if self.step > 0.0 { self.learned + 1 } else { 0 };
    }

    /// Compares the filters after a block.
    pub(super) fn judge(&mut self, energies: Energies) -> Verdict {
        let Energies { near, left, searched, sent } = energies;
        // No echo is louder than what it is the echo of.
        self.outshouted = near > sent;
        let helps = searched < near * CANCELS || left > near;
        let better = self.step > 0.0 && !self.outshouted && searched < left * BETTER && helps;
        self.better = if better { self.better + 1 } else { 0 };
        self.astray = if searched > left * ASTRAY { self.astray + 1 } else { 0 };
        self.harms = if self.step > 0.0 && left > near * HARMS { self.harms + 1 } else { 0 };
        if self.better >= TRUSTED_AFTER {
            Verdict::Trust
        } else if self.astray >= ASTRAY_FOR {
            self.astray = 0;
            Verdict::Return
        } else if self.harms >= HARMS_FOR {
            self.harms = 0;
            Verdict::Clear
        } else {
            Verdict::Keep
        }
    }

    /// Factors of suppression at the beginning and at the end of a block.
    pub(super) fn suppress(&mut self, energies: Energies) -> (f32, f32) {
        let residue = energies.left < energies.near * RESIDUE && energies.sent > FAINT * BLOCK_SAMPLES as f32;
        let before = 1.0 - self.suppression;
        self.suppression = if self.suppresses && residue { 1.0 - SUPPRESSED } else { 0.0 };
        (before, 1.0 - self.suppression)
    }

    /// Samples from which a leap can find the path, if one is due; without `room` for it now, it is due with the next block.
    pub(super) fn leaps(&mut self, energies: Energies, room: bool) -> Option<usize> {
        let left = energies.left.min(energies.searched);
        let heard = energies.near > FAINT * 0.01 * BLOCK_SAMPLES as f32;
        if self.step == 0.0 || !heard || left <= energies.near * POOR {
            (self.leaps, self.leap_in, self.leap_every) = (0, LEAP_EVERY, LEAP_EVERY);
            return None;
        }
        self.leap_in = self.leap_in.saturating_sub(1);
        if self.leap_in > 0 || !room {
            return None;
        }
        self.leaps += 1;
        self.leap_every = if self.leaps < LEAPS { LEAP_EVERY } else { (2 * self.leap_every).min(LEAP_EVERY_AT_MOST) };
        self.leap_in = self.leap_every;
        Some(self.learned as usize * BLOCK_SAMPLES)
    }
}

impl Energies {
    /// Whether a path that left `leaves` of this block is better than both filters.
    pub(super) fn are_bettered_by(&self, leaves: f32) -> bool {
        leaves < WORTH * self.left.min(self.searched)
    }

    /// Whether the trusted filter does little.
    pub(super) fn are_left(&self) -> bool {
        self.left > self.near * CANCELS
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
