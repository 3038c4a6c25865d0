//! Special information tones: three in succession, of which the third tells that no call will come of it.

use crate::tone::pitch::Look;

/// Special information tones, ITU-T E.180: 950, 1400 and 1800 Hz, 330 ms ± 70 ms each; North America's precise ones,
/// which differ by up to 4 % and last 274 or 380 ms, are among them.
const INFORMATION: [f32; 3] = [950.0, 1400.0, 1800.0];
const INFORMATION_TOLERANCE: f32 = 50.0;

/// Blocks of each special information tone at least, and blocks from one to the next.
const INFORMATION_BLOCKS: u32 = 18;
const INFORMATION_PAUSE: u32 = 8;

/// How far the three special information tones have come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Information {
    /// Tones that were heard whole.
    heard: usize,
    /// Blocks of the tone that is due, and blocks without it since.
    blocks: u32,
    since: u32,
}

impl Information {
    /// Takes a block; whether the third tone was heard.
    pub(super) fn hears(&mut self, look: &Look) -> bool {
        if look.is(INFORMATION[self.heard], INFORMATION_TOLERANCE) {
            self.blocks += 1;
            self.since = 0;
        } else {
            self.since += 1;
            let pause = if self.blocks > 0 { 1 } else { INFORMATION_PAUSE };
            if self.since > pause && (self.heard > 0 || self.blocks > 0) {
                *self = Self::default();
            }
        }
        if self.blocks >= INFORMATION_BLOCKS {
            *self = Self { heard: self.heard + 1, blocks: 0, since: 0 };
        }
        if self.heard == INFORMATION.len() {
            *self = Self::default();
            return true;
        }
        // The rest of a tone that counts as heard is no pause after it.
        if self.heard > 0 && look.is(INFORMATION[self.heard - 1], INFORMATION_TOLERANCE) {
            self.since = 0;
        }
        false
    }
}
