//! How much later one tone arrives than the other, learned from the signal itself.
//!
//! Wires and filters delay mark and space differently, and a bit of one runs into the next bit of the other. Halfway
//! through a change of tone both have half of their bit in the window: together a whole one. Where mark arrives late,
//! both are heard at once when it gives way to space, and neither when it comes. The difference tells by how much.

/// Share of a measured skew that is corrected once many changes were heard.
const SETTLED_GAIN: f32 = 0.02;
/// Changes that the first ones are counted as.
const CAUTION: f32 = 1.5;
/// Share of the newest change in the mean amplitude halfway.
const LEVEL_SHARE: f32 = 1.0 / 16.0;

/// The skew of one line.
#[derive(Clone, Debug)]
pub(super) struct Skew {
    /// Samples by which mark arrives after space.
    samples: f32,
    most: f32,
    bit_samples: f32,
    /// Mean amplitude of both tones together halfway through a change.
    level: f32,
    changes: f32,
}

impl Skew {
    /// Of a line on which one tone may arrive at most so many samples after the other.
    pub(super) fn new(most: f32, bit_samples: f32) -> Self {
        Self { samples: 0.0, most, bit_samples, level: 0.0, changes: 0.0 }
    }

    pub(super) fn samples(&self) -> f32 {
        self.samples
    }

    /// Forgets the line.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.most, self.bit_samples);
    }

    /// Learns from a change to mark or to space, through which both tones together had this amplitude halfway.
    pub(super) fn learn(&mut self, to_mark: bool, halfway: f32) {
        if self.most == 0.0 {
            return;
        }
        let share = (1.0 / (1.0 + self.changes)).max(LEVEL_SHARE);
        self.level += share * (halfway - self.level);
        let more = (halfway / self.level.max(1e-6) - 1.0).clamp(-1.0, 1.0);
        let late = if to_mark { -more } else { more } * self.bit_samples;
        let gain = (1.0 / (CAUTION + self.changes)).max(SETTLED_GAIN);
        self.changes += 1.0;
        self.samples = (self.samples + gain * late).clamp(-self.most, self.most);
    }
}
