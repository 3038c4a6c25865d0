//! The tones that say a message comes: DT-AS before the first ring, CAS in the middle of a call.
//!
//! ```text
//!  on hook (ETSI, BT):   line reversal   DT-AS 2130 + 2750 Hz, 100 ms   45 to 500 ms   seizure mark message
//!  off hook (all):       SAS 440 Hz, 300 ms   CAS 80 ms   ◀ ACK: DTMF D, 60 ms   60 to 500 ms   mark message
//! ```

use alloc::vec::Vec;

use crate::{
    lanes::Lanes,
    osc::Oscillator,
    pcm::BLOCK_SAMPLES,
    tone::{
        content::{Content, ContentKernel},
        dtmf::{DtmfStyle, digits},
        ear::{Alone, EarBank, Listener, Piece},
    },
    units::{Db, Dbm0, Hz, SampleIndex},
};

/// Frequencies of DT-AS and CAS: EN 300 659-1, GR-30-CORE; ± 0.5 %.
pub const ALERT_PITCHES: [Hz; 2] = [Hz(2130.0), Hz(2750.0)];

/// Samples in a millisecond.
const MS: usize = 8;

/// What is sounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert {
    /// On hook: dual tone alerting signal, 100 ms.
    DualTone,
    /// Off hook: CPE alerting signal, 80 ms.
    Cas,
}

impl Alert {
    /// Its samples, each tone at that level; EN 300 659-1 wants -32 to -14 dBm of each at the terminal.
    pub fn samples(self, level: Dbm0) -> Vec<f32> {
        let length = MS * if self == Self::DualTone { 100 } else { 80 };
        let mut tones = ALERT_PITCHES.map(Oscillator::new);
        let peak = level.rms() * core::f32::consts::SQRT_2;
        (0..length).map(|_| peak * tones.iter_mut().map(Oscillator::next_sine).sum::<f32>()).collect()
    }
}

/// The subscriber alerting signal, which the subscriber hears before CAS: 440 Hz, 300 ms.
pub fn subscriber_alert(level: Dbm0) -> Vec<f32> {
    let mut tone = Oscillator::new(Hz(440.0));
    let peak = level.rms() * core::f32::consts::SQRT_2;
    (0..300 * MS).map(|_| peak * tone.next_sine()).collect()
}

/// What a terminal answers to CAS: DTMF D, 60 ms.
pub fn acknowledgement() -> Vec<f32> {
    digits("D", DtmfStyle { level: Dbm0(-11.0), twist: Db(2.0), on: 60 * MS, off: 0, deviation: 0.0 })
}

/// An alerting signal that was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeardAlert {
    /// Its first sample.
    pub begin: SampleIndex,
    /// The sample after its last; both to 10 ms.
    pub end: SampleIndex,
    /// Level of the weaker tone.
    pub level: Dbm0,
}

/// Parts of a block's power that both tones and each of them have at least.
const LEAST_BOTH: f32 = 0.8;
const LEAST_EACH: f32 = 0.12;

/// Least level of a tone.
const FAINTEST: Dbm0 = Dbm0(-40.0);

/// Blocks that an alerting signal fills: 75 to 110 ms, and a block more or less at its ends.
const LENGTHS: core::ops::RangeInclusive<u64> = 6..=12;

/// Hears alerting signals.
#[derive(Clone, Debug)]
pub struct AlertDetector(Alone<AlertListener>);

/// Hears alerting signals in lines of a bank.
pub type AlertBank = EarBank<AlertListener>;

/// What one line heard of alerting signals.
#[derive(Clone, Debug, Default)]
pub struct AlertListener {
    blocks: u64,
    /// Blocks in a row with both tones, and the weaker one's mean square in them.
    sounding: u64,
    power: f32,
}

impl AlertDetector {
    /// A detector that has heard nothing.
    pub fn new() -> Self {
        Self(Alone::new(AlertListener::default()))
    }

    /// Takes the next samples, in 16-bit scale; the alerting signal that ended. Give it at most 100 ms at once.
    pub fn run(&mut self, samples: &[f32]) -> Option<HeardAlert> {
        let mut heard = None;
        self.0.run(samples, |alert| heard = Some(alert));
        heard
    }
}

impl Listener for AlertListener {
    type Kernel = ContentKernel;
    type Heard = HeardAlert;
    const SAMPLES: usize = BLOCK_SAMPLES;

    fn fresh(&self) -> Self {
        Self::default()
    }

    fn kernel(&self) -> (ContentKernel, usize) {
        ContentKernel::new(&ALERT_PITCHES, BLOCK_SAMPLES).counted()
    }

    fn hear<V: Lanes>(&mut self, piece: &Piece<'_, V>) -> Option<HeardAlert> {
        let tones = [0, 1].map(|tone| Content::of(tone, |at| piece.result(at)));
        self.blocks += 1;
        let shares = tones.map(|tone: Content| tone.share(BLOCK_SAMPLES));
        let weaker = tones[0].mean_square(BLOCK_SAMPLES).min(tones[1].mean_square(BLOCK_SAMPLES));
        let each = shares[0].min(shares[1]) >= LEAST_EACH && weaker >= FAINTEST.mean_square();
        if each && shares[0] + shares[1] >= LEAST_BOTH {
            self.sounding += 1;
            self.power = self.power.max(weaker);
            return None;
        }
        let (count, power) = (core::mem::take(&mut self.sounding), core::mem::take(&mut self.power));
        let at = |block: u64| SampleIndex(block * BLOCK_SAMPLES as u64);
        LENGTHS.contains(&count).then(|| HeardAlert {
            begin: at(self.blocks - 1 - count),
            end: at(self.blocks - 1),
            level: Dbm0::from_mean_square(power),
        })
    }
}

impl Default for AlertDetector {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::noise::Noise;

    fn heard(samples: &[f32]) -> Vec<HeardAlert> {
        let mut detector = AlertDetector::new();
        samples.chunks(80).filter_map(|block| detector.run(block)).collect()
    }

    #[test]
    fn both_alerts_are_heard_over_their_levels_in_noise() {
        for alert in [Alert::DualTone, Alert::Cas] {
            for level in [-8.0, -14.0, -32.0] {
                let mut samples = alloc::vec![0.0; 1234];
                samples.extend(alert.samples(Dbm0(level)));
                samples.extend([0.0; 1000]);
                Noise::new(Dbm0(level - 15.0), 1).add(&mut samples);
                let heard = heard(&samples);
                assert_eq!(heard.len(), 1, "{alert:?} {level}");
                assert!(heard[0].begin.0.abs_diff(1234) <= 100 && (heard[0].level.0 - level).abs() < 2.0, "{heard:?}");
            }
        }
    }

    #[test]
    fn one_tone_dtmf_and_longer_tones_are_no_alert() {
        let mut long = Alert::DualTone.samples(Dbm0(-10.0));
        long.extend(Alert::DualTone.samples(Dbm0(-10.0)));
        long.extend([0.0; 800]);
        assert_eq!(heard(&long), []);
        let mut keys = acknowledgement();
        keys.extend(subscriber_alert(Dbm0(-10.0)));
        keys.extend([0.0; 800]);
        assert_eq!(heard(&keys), []);
    }
}
