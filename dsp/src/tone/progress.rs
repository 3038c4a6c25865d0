//! Call progress: what the exchange lets the caller hear, made and told by country, or told without knowing the country.
//!
//! ```text
//!  samples ─▶ sound or silence, every 10 ms ─▶ one round: sound, silence, sound, silence ─▶ the country's row that
//!                └─ which of the country's frequencies sound                                  has these lengths
//! ```

pub use crate::tone::{
    progress_detector::{ProgressBank, ProgressDetector, ProgressListener},
    progress_table::TONES,
};

use alloc::vec::Vec;

use crate::{
    osc::Oscillator,
    units::{Dbm0, Hz},
};

/// What a tone says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressKind {
    /// Dial.
    Dial,
    /// The other end rings.
    Ringback,
    /// The other end is busy.
    Busy,
    /// The network is.
    Congestion,
    /// Special information: three rising tones before an announcement.
    Special,
    /// Another call waits.
    Waiting,
    /// There is no such number.
    Unobtainable,
}

/// How far the sources of a row agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// In everything.
    Same,
    /// In the lengths.
    TimingSame,
    /// In the frequencies.
    FrequencySame,
    /// In neither.
    Differ,
    /// There is one source only.
    SingleSource,
}

/// One tone of one country.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProgressTone {
    /// The country, ISO 3166 alpha-2 in small letters.
    pub country: &'static str,
    /// What it says.
    pub kind: ProgressKind,
    /// Frequencies in hertz and length in milliseconds, one after the other and again from the first; a length of 0
    /// goes on without end.
    pub segments: &'static [(&'static [f32], u32)],
    /// How far the sources agree.
    pub agreement: Agreement,
}

impl ProgressKind {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::Ringback => "ring",
            Self::Busy => "busy",
            Self::Congestion => "congestion",
            Self::Special => "sit",
            Self::Waiting => "waiting",
            Self::Unobtainable => "number_unobtainable",
        }
    }
}

/// Samples in a millisecond.
const MS: usize = 8;

/// Levels of E.180 for each frequency lie around it.
const LEVEL: Dbm0 = Dbm0(-16.0);

impl ProgressTone {
    /// The first row of a country that says this.
    pub fn find(country: &str, kind: ProgressKind) -> Option<&'static Self> {
        TONES.iter().find(|row| row.country == country && row.kind == kind)
    }

    /// The tone from its beginning, that many samples of it.
    pub fn samples(&self, count: usize) -> Vec<f32> {
        let mut samples = Vec::with_capacity(count);
        while samples.len() < count {
            for (pitches, length) in self.segments {
                let left = count - samples.len();
                let length = if *length == 0 { left } else { left.min(*length as usize * MS) };
                let mut tones: Vec<Oscillator> = pitches.iter().map(|pitch| Oscillator::new(Hz(*pitch))).collect();
                let peak = LEVEL.rms() * core::f32::consts::SQRT_2;
                samples.extend((0..length).map(|_| tones.iter_mut().map(Oscillator::next_sine).sum::<f32>() * peak));
            }
        }
        samples
    }

    /// Lengths of sound and silence by turns in milliseconds, sound first; segments that follow without a pause are one.
    pub(super) fn cadence(&self) -> Vec<u32> {
        let mut spans: Vec<(bool, u32)> = Vec::new();
        for (pitches, length) in self.segments {
            let sounds = !pitches.is_empty();
            match spans.last_mut() {
                Some(last) if last.0 == sounds => last.1 += length,
                _ => spans.push((sounds, *length)),
            }
        }
        spans.iter().map(|span| span.1).collect()
    }

    pub(super) fn goes_on(&self) -> bool {
        self.segments.iter().any(|segment| segment.1 == 0)
    }
}
