//! How strong each tone is, learned from the signal itself.
//!
//! Wires weaken the higher tone more. Of two tones that are not equally strong the weaker one is not the greater
//! envelope often enough: the likelier one is found by weighing each envelope with its tone's amplitude, less half the tones' powers.

/// Bits of each tone that must have been seen, and bits that its amplitude is the mean of.
const ENOUGH: f32 = 8.0;
const REMEMBERED: f32 = 64.0;
/// The newest bit's share in the mean of so many.
const SHARES: [f32; REMEMBERED as usize + 1] = shares();
/// Ratio of amplitudes that is more than chance: 1 dB.
const UNEQUAL: f32 = 1.122;

/// The mean amplitude of a tone over the bits that were decided for it.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    amplitude: f32,
    bits: f32,
}

impl Level {
    fn learn(&mut self, amplitude: f32) {
        if self.bits < REMEMBERED {
            self.bits += 1.0;
        }
        self.amplitude += (amplitude - self.amplitude) * SHARES[self.bits as usize];
    }
}

/// The levels of mark and space on one line.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    mark: Level,
    space: Level,
    differ: bool,
}

impl Levels {
    /// Forgets the line.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// What speaks for mark, from the amplitudes of both in a bit time: zero where both are equally likely.
    #[inline(always)]
    pub(super) fn difference(&self, mark: f32, space: f32) -> f32 {
        if !self.differ {
            return mark - space;
        }
        let (of_mark, of_space) = (self.mark.amplitude, self.space.amplitude);
        let half = 0.5 * (of_mark + of_space);
        (of_mark * mark - of_space * space) / half - (of_mark - of_space)
    }

    /// Learns from the amplitudes in a bit that was decided.
    pub(super) fn learn(&mut self, is_mark: bool, mark: f32, space: f32) {
        if is_mark {
            self.mark.learn(mark)
        } else {
            self.space.learn(space)
        }
        let (mark, space) = (&self.mark, &self.space);
        let (weaker, stronger) = (mark.amplitude.min(space.amplitude), mark.amplitude.max(space.amplitude));
        self.differ = mark.bits.min(space.bits) >= ENOUGH && stronger > UNEQUAL * weaker;
    }
}

const fn shares() -> [f32; REMEMBERED as usize + 1] {
    let mut shares = [1.0; REMEMBERED as usize + 1];
    let mut bits = 1;
    while bits < shares.len() {
        shares[bits] = 1.0 / bits as f32;
        bits += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weaker_tone_is_believed_at_half_of_its_strength() {
        let mut levels = Levels::default();
        for _ in 0..20 {
            levels.learn(true, 1.0, 0.0);
            levels.learn(false, 0.0, 0.5);
        }
        // Half of a bit of each.
        assert!(levels.difference(0.5, 0.25).abs() < 1e-6);
        assert!(levels.difference(0.4, 0.3) < 0.0 && levels.difference(0.6, 0.2) > 0.0);
        levels.clear();
        assert_eq!(levels.difference(0.5, 0.25), 0.25);
    }

    #[test]
    fn equal_tones_are_compared_as_they_are() {
        let mut levels = Levels::default();
        for _ in 0..20 {
            levels.learn(true, 1.05, 0.1);
            levels.learn(false, 0.1, 0.95);
        }
        assert_eq!(levels.difference(0.6, 0.5), 0.6 - 0.5);
    }
}
