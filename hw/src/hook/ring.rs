//! Ringing heard in the audio of a line that has no other sign of it.
//!
//! Ringing current is a loud alternating voltage of 15 to 70 Hz, in bursts of a second or two. A coupler passes a little of
//! it, often bent out of shape; what stays is a strong fundamental below anything that speech or fax signals have.

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block};

/// Mean square of the low band from which it is ringing, -30 dBm0.
const LOUD: f32 = 260_000.0;

/// Share of all power that is in the low band.
const SHARE: f32 = 0.25;

/// Zero crossings in a window that ringing current has: 15 to 70 Hz in 200 ms.
const CROSSINGS: std::ops::RangeInclusive<u32> = 5..=29;

/// Blocks of a window, 200 ms.
const WINDOW: u32 = 20;

/// Windows of ringing that make a ring, and of none that end it: 400 ms.
const STEADY: u32 = 2;

/// Share of a new sample in the low band: -3 dB at 100 Hz.
const LOW_BAND: f32 = 0.0756;

/// Share of a new sample in the mean that is taken away: -3 dB at 5 Hz.
const DIRECT: f32 = 0.0039;

/// Tells bursts of ringing.
#[derive(Clone, Debug, Default)]
pub struct RingDetector {
    direct: f32,
    low: [f32; 2],
    low_power: f32,
    power: f32,
    above: bool,
    crossings: u32,
    blocks: u32,
    /// Windows that differ from what is told.
    differing: u32,
    ringing: bool,
}

impl RingDetector {
    /// Takes a block; whether it rings.
    pub fn run(&mut self, block: &Block) -> bool {
        for sample in block {
            self.sample(f32::from(*sample));
        }
        self.blocks += 1;
        if self.blocks == WINDOW {
            self.judge();
        }
        self.ringing
    }

    fn sample(&mut self, sample: f32) {
        self.direct += (sample - self.direct) * DIRECT;
        let sample = sample - self.direct;
        self.low[0] += (sample - self.low[0]) * LOW_BAND;
        self.low[1] += (self.low[0] - self.low[1]) * LOW_BAND;
        let low = self.low[1];
        self.low_power += low * low;
        self.power += sample * sample;
        // A dead zone keeps noise on the line from counting as crossings.
        if (self.above && low < -100.0) || (!self.above && low > 100.0) {
            self.above = !self.above;
            self.crossings += 1;
        }
    }

    fn judge(&mut self) {
        let samples = (WINDOW * BLOCK_SAMPLES as u32) as f32;
        let loud = self.low_power / samples >= LOUD && self.low_power >= self.power * SHARE;
        let rings = loud && CROSSINGS.contains(&self.crossings);
        self.differing = if rings == self.ringing { 0 } else { self.differing + 1 };
        if self.differing == STEADY {
            self.ringing = rings;
            self.differing = 0;
        }
        (self.low_power, self.power, self.crossings, self.blocks) = (0.0, 0.0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts heard in a signal.
    fn bursts(seconds: f32, signal: impl Fn(f32) -> f32) -> u32 {
        let mut detector = RingDetector::default();
        let (mut bursts, mut before) = (0, false);
        for block in 0..(seconds * 100.0) as usize {
            let samples: Block = std::array::from_fn(|n| signal((block * 80 + n) as f32 / 8000.0) as i16);
            let now = detector.run(&samples);
            bursts += u32::from(now && !before);
            before = now;
        }
        bursts
    }

    fn sine(hz: f32, time: f32) -> f32 {
        (std::f32::consts::TAU * hz * time).sin()
    }

    #[test]
    fn rings_of_all_countries_are_counted() {
        for (hz, on, period) in
            [(20.0, 2.0, 6.0), (25.0, 1.0, 5.0), (50.0, 1.5, 4.0), (16.7, 1.0, 4.0), (68.0, 2.0, 6.0)]
        {
            let ringing = |time: f32| if time % period < on { 8000.0 * sine(hz, time) } else { 0.0 };
            assert_eq!(bursts(3.0 * period, ringing), 3, "{hz} Hz");
            let clipped = |time: f32| (ringing(time) * 20.0).clamp(-9000.0, 9000.0);
            assert_eq!(bursts(3.0 * period, clipped), 3, "{hz} Hz, clipped");
        }
    }

    #[test]
    fn what_is_no_ringing_is_not_taken_for_it() {
        assert_eq!(bursts(5.0, |time| 8000.0 * sine(440.0, time) + 6000.0 * sine(350.0, time)), 0);
        assert_eq!(bursts(5.0, |time| 12_000.0 * sine(2100.0, time)), 0);
        assert_eq!(bursts(5.0, |time| 300.0 * sine(50.0, time)), 0);
        assert_eq!(bursts(5.0, |_| 0.0), 0);
        let bang = |time: f32| if (1.0..1.1).contains(&time) { 20_000.0 * sine(30.0, time) } else { 0.0 };
        assert_eq!(bursts(5.0, bang), 0);
    }
}
