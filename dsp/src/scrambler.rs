//! Self-synchronising scramblers.
//!
//! The transmitter divides its bits by a polynomial, the receiver multiplies by it; the receiver needs no preset, only
//! as many right bits as the polynomial is long.

/// A scrambler's polynomial 1 + x^-first + x^-second and whether repetition is guarded against.
#[derive(Debug, PartialEq, Eq)]
pub struct ScramblerSpec {
    /// Delay of the first tap in bits.
    pub first: u32,
    /// Delay of the second tap in bits, below 32.
    pub second: u32,
    /// Guard against repeating patterns of 1, 2, 3, 4, 6, 8, 9 and 12 bits (ITU-T V.27ter).
    pub guard: bool,
}

/// ITU-T V.27ter: 1 + x^-6 + x^-7, guarded.
pub static V27TER: ScramblerSpec = ScramblerSpec { first: 6, second: 7, guard: true };

/// ITU-T V.29 and V.17: 1 + x^-18 + x^-23.
pub static V29: ScramblerSpec = ScramblerSpec { first: 18, second: 23, guard: false };

/// The generator of the V.29 equaliser conditioning pattern: 1 + x^-6 + x^-7 without guard.
pub static V29_CONDITIONING: ScramblerSpec = ScramblerSpec { first: 6, second: 7, guard: false };

/// So many bits without a change against all of the guard's taps, and the next one is inverted.
const GUARD_LENGTH: u32 = 33;

/// Delays of the guard's taps.
const GUARD_TAPS: [u32; 3] = [8, 9, 12];

/// State of a scrambler or of a descrambler.
#[derive(Clone, Debug)]
pub struct Scrambler {
    spec: &'static ScramblerSpec,
    /// The bits on the line, newest in the lowest place.
    register: u32,
    /// Bits since one differed from all of the guard's taps.
    repeated: u32,
}

impl Scrambler {
    /// A scrambler whose register is clear.
    pub fn new(spec: &'static ScramblerSpec) -> Self {
        Self { spec, register: 0, repeated: 0 }
    }

    /// Sets the register, newest bit in the lowest place.
    pub fn preset(&mut self, register: u32) {
        self.register = register;
        self.repeated = 0;
    }

    /// Scrambles one bit.
    pub fn scramble(&mut self, bit: bool) -> bool {
        let inverted = self.guard_is_due();
        let line = bit ^ self.taps() ^ inverted;
        self.remember(line, inverted);
        line
    }

    /// Scrambles `count` bits, at most 6: the first on the line in the highest of the lowest `count` places, likewise in the
    /// result.
    #[inline(always)]
    pub fn scramble_word(&mut self, bits: u32, count: u32) -> u32 {
        if self.spec.guard && self.repeated + count > GUARD_LENGTH {
            return self.scramble_bits(bits, count);
        }
        // No tap is nearer than the word is long.
        let line = bits ^ self.register >> (self.spec.first - count) ^ self.register >> (self.spec.second - count);
        self.remember_word(line, count);
        line & ((1 << count) - 1)
    }

    #[inline(never)]
    fn scramble_bits(&mut self, bits: u32, count: u32) -> u32 {
        (0..count).rev().fold(0, |word, place| word << 1 | u32::from(self.scramble(bits >> place & 1 == 1)))
    }

    /// Descrambles one bit.
    pub fn descramble(&mut self, line: bool) -> bool {
        let inverted = self.guard_is_due();
        let bit = line ^ self.taps() ^ inverted;
        self.remember(line, inverted);
        bit
    }

    /// Descrambles `count` bits, at most 31: the first on the line in the highest of the lowest `count` places, likewise
    /// in the result.
    #[inline(always)]
    pub fn descramble_word(&mut self, line: u32, count: u32) -> u32 {
        if self.spec.guard && self.repeated + count > GUARD_LENGTH {
            return self.descramble_bits(line, count);
        }
        let register = self.remember_word(line, count);
        let bits = register ^ register >> self.spec.first ^ register >> self.spec.second;
        bits as u32 & ((1 << count) - 1)
    }

    #[inline(never)]
    fn descramble_bits(&mut self, line: u32, count: u32) -> u32 {
        (0..count).rev().fold(0, |word, place| word << 1 | u32::from(self.descramble(line >> place & 1 == 1)))
    }

    /// Takes bits of the line into the register while the guard is not due; the register with those that fell out of it.
    #[inline(always)]
    fn remember_word(&mut self, line: u32, count: u32) -> u64 {
        let mask = (1 << count) - 1;
        let register = u64::from(self.register) << count | u64::from(line) & mask;
        if self.spec.guard {
            let new_patterns = GUARD_TAPS.iter().fold(mask, |all, delay| all & (register ^ register >> delay));
            self.repeated = if new_patterns == 0 { self.repeated + count } else { new_patterns.trailing_zeros() };
        }
        self.register = register as u32;
        register
    }

    fn guard_is_due(&self) -> bool {
        self.spec.guard && self.repeated >= GUARD_LENGTH
    }

    fn tap(&self, delay: u32) -> bool {
        self.register >> (delay - 1) & 1 == 1
    }

    fn taps(&self) -> bool {
        self.tap(self.spec.first) ^ self.tap(self.spec.second)
    }

    fn remember(&mut self, line: bool, inverted: bool) {
        if self.spec.guard {
            let new_pattern = GUARD_TAPS.iter().all(|delay| self.tap(*delay) != line);
            self.repeated = if inverted || new_pattern { 0 } else { self.repeated + 1 };
        }
        self.register = self.register << 1 | u32::from(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn random_bits(mut state: u32) -> impl Iterator<Item = bool> {
        core::iter::repeat_with(move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 31 == 1
        })
    }

    #[test]
    fn descrambling_undoes_scrambling_from_any_state() {
        for spec in [&V27TER, &V29] {
            let (mut out, mut back) = (Scrambler::new(spec), Scrambler::new(spec));
            out.preset(0x2A_5A5A);
            let mut wrong_after_synchronisation = 0;
            for (index, bit) in random_bits(7).take(50_000).enumerate() {
                let received = back.descramble(out.scramble(bit));
                // The guard counters of both ends agree once both were cleared by the same line bits.
                wrong_after_synchronisation += usize::from(index > 200 && received != bit);
            }
            assert_eq!(wrong_after_synchronisation, 0);
        }
    }

    #[test]
    fn v27ter_guard_inverts_about_one_bit_in_eight_hundred() {
        let mut guarded = Scrambler::new(&V27TER);
        let inversions = random_bits(3)
            .take(100_000)
            .filter(|bit| {
                let due = guarded.guard_is_due();
                guarded.scramble(*bit);
                due
            })
            .count();
        assert!((100..160).contains(&inversions), "{inversions}");
    }

    #[test]
    fn words_are_scrambled_as_bits_are() {
        for spec in [&V27TER, &V29, &V29_CONDITIONING] {
            let (mut by_word, mut by_bit) = (Scrambler::new(spec), Scrambler::new(spec));
            let mut bits = random_bits(9).enumerate().map(|(index, bit)| bit && index / 100 % 3 == 0);
            for count in (1..=6).cycle().take(3000) {
                let bits: Vec<bool> = bits.by_ref().take(count).collect();
                let word = bits.iter().fold(0, |word, bit| word << 1 | u32::from(*bit));
                let single = bits.iter().fold(0, |word, bit| word << 1 | u32::from(by_bit.scramble(*bit)));
                assert_eq!(by_word.scramble_word(word, count as u32), single);
            }
        }
    }

    #[test]
    fn words_are_descrambled_as_bits_are() {
        for spec in [&V27TER, &V29, &V29_CONDITIONING] {
            let (mut by_word, mut by_bit) = (Scrambler::new(spec), Scrambler::new(spec));
            // Every now and then the line repeats itself, so that the guard counts.
            let mut bits = random_bits(9).enumerate().map(|(index, bit)| bit && index / 100 % 3 == 0);
            for count in (1..=6).cycle().take(3000) {
                let line: Vec<bool> = bits.by_ref().take(count).collect();
                let word = line.iter().fold(0, |word, bit| word << 1 | u32::from(*bit));
                let single = line.iter().fold(0, |word, bit| word << 1 | u32::from(by_bit.descramble(*bit)));
                assert_eq!(by_word.descramble_word(word, count as u32), single);
            }
        }
    }
}
