//! Dual-tone multi-frequency signalling: the sixteen digits and how they are sent.
//!
//! ```text
//!            1209  1336  1477  1633 Hz
//!     697      1     2     3     A
//!     770      4     5     6     B
//!     852      7     8     9     C
//!     941      *     0     #     D
//! ```

use crate::{
    osc::Oscillator,
    units::{Db, Dbm0, Hz},
};

/// Frequencies of the low group, ITU-T Q.23: ± 1.8 % as sent.
pub const LOW_GROUP: [Hz; 4] = [Hz(697.0), Hz(770.0), Hz(852.0), Hz(941.0)];

/// Frequencies of the high group, ITU-T Q.23: ± 1.8 % as sent.
pub const HIGH_GROUP: [Hz; 4] = [Hz(1209.0), Hz(1336.0), Hz(1477.0), Hz(1633.0)];

/// Digits by rows of the low group and columns of the high group, ITU-T Q.23.
pub const KEYPAD: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// The row and the column of a digit, 0 to 3 each. Letters may be small; what is not a digit has none.
pub fn place(digit: char) -> Option<(usize, usize)> {
    let digit = digit.to_ascii_uppercase();
    let column = |row: &[char; 4]| row.iter().position(|key| *key == digit);
    KEYPAD.iter().enumerate().find_map(|(row, keys)| Some((row, column(keys)?)))
}

/// How digits are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DtmfStyle {
    /// Level of the low group.
    pub level: Dbm0,
    /// How much the high group is louder than the low one.
    pub twist: Db,
    /// Samples of a digit.
    pub on: usize,
    /// Samples of silence after it.
    pub off: usize,
    /// Deviation of every frequency in parts of it; 0.01 is one percent.
    pub deviation: f32,
}

impl Default for DtmfStyle {
    /// 70 ms on and off, the high group 2 dB louder: lines lose more of it.
    fn default() -> Self {
        Self { level: Dbm0(-9.0), twist: Db(2.0), on: 560, off: 560, deviation: 0.0 }
    }
}

/// Makes one digit and the silence after it.
#[derive(Clone, Debug)]
pub struct DtmfGenerator {
    style: DtmfStyle,
    low: Oscillator,
    high: Oscillator,
    peaks: [f32; 2],
    position: usize,
}

impl DtmfGenerator {
    /// A digit in this style; nothing for what is not a digit.
    pub fn new(digit: char, style: DtmfStyle) -> Option<Self> {
        let (row, column) = place(digit)?;
        let pitch = |pitch: Hz| Oscillator::new(Hz(pitch.0 * (1.0 + style.deviation)));
        let peak = |level: f32| Dbm0(level).rms() * core::f32::consts::SQRT_2;
        let peaks = [peak(style.level.0), peak(style.level.0 + style.twist.0)];
        Some(Self { style, low: pitch(LOW_GROUP[row]), high: pitch(HIGH_GROUP[column]), peaks, position: 0 })
    }

    /// Writes the next samples; how many, fewer than asked for at the end of the silence.
    pub fn run(&mut self, out: &mut [f32]) -> usize {
        let left = (self.style.on + self.style.off).saturating_sub(self.position);
        let count = left.min(out.len());
        for out in &mut out[..count] {
            let tones = self.peaks[0] * self.low.next_sine() + self.peaks[1] * self.high.next_sine();
            *out = if self.position < self.style.on { tones } else { 0.0 };
            self.position += 1;
        }
        count
    }
}

/// Samples of the digits in a text; spaces and the like are passed over.
pub fn digits(text: &str, style: DtmfStyle) -> alloc::vec::Vec<f32> {
    let mut samples = alloc::vec::Vec::new();
    for mut generator in text.chars().filter_map(|digit| DtmfGenerator::new(digit, style)) {
        let begin = samples.len();
        samples.resize(begin + style.on + style.off, 0.0);
        generator.run(&mut samples[begin..]);
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_place() {
        for (row, keys) in KEYPAD.iter().enumerate() {
            for (column, key) in keys.iter().enumerate() {
                assert_eq!(place(*key), Some((row, column)));
            }
        }
        assert_eq!(place('d'), Some((3, 3)));
        assert_eq!(place('x'), None);
    }

    #[test]
    fn a_digit_has_its_length_and_its_level() {
        let style = DtmfStyle { level: Dbm0(-10.0), twist: Db(0.0), on: 800, off: 80, deviation: 0.0 };
        let samples = digits("5 ", style);
        assert_eq!(samples.len(), 880);
        let mean_square = samples[..800].iter().map(|sample| sample * sample).sum::<f32>() / 800.0;
        assert!((Dbm0::from_mean_square(mean_square).0 + 7.0).abs() < 0.1);
        assert!(samples[800..].iter().all(|sample| *sample == 0.0));
    }
}
