//! What T.30's clauses say of time, measured on recordings of calls: one channel for each side.
//!
//! A channel is cut into bursts by its level; what a burst is tells its spectrum, and the flags of a V.21 burst are counted.
//! Nothing of the machine that made the recording is asked.

use answertone_dsp::{
    bits::BitRun,
    fsk::{FskDemodulator, V21_CHANNEL_2},
    modem::Demodulator,
};
use answertone_t30::hdlc::{Deframer, Found};

/// Samples in a millisecond.
const MS: usize = 8;

/// Signals are louder than this: -43 dBm0 where a full sine wave is +3.14 dBm0.
const AUDIBLE: f32 = 80.0;

/// Silence shorter than this belongs to a burst: V.29 and the protected trainings have 20 to 25 ms of it.
const WITHIN_BURST: usize = 35 * MS;

/// Shorter than this is a click.
const SHORTEST: usize = 20 * MS;

/// What a burst is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 2100 Hz, the called station's tone.
    Ced,
    /// 1100 Hz, the calling station's tone.
    Cng,
    /// Frames at 300 bit/s; so many flags stand before the first.
    V21 {
        /// Flags before the first frame.
        flags: usize,
    },
    /// Training and data of a fast modem.
    Fast,
}

/// A signal between silences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// Its channel.
    pub channel: usize,
    /// Its first sample.
    pub begin: usize,
    /// The sample behind its last.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
}

/// A time that a clause bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What was measured, and the clause of T.30 (09/2005).
    pub what: &'static str,
    /// The channel it was measured on.
    pub channel: usize,
    /// Where in the recording, in seconds.
    pub at: f64,
    /// The time, in milliseconds.
    pub ms: f64,
    /// The least and the most the clause allows.
    pub allowed: (f64, f64),
}

impl Measure {
    /// Whether the clause is kept.
    pub fn holds(&self) -> bool {
        (self.allowed.0..=self.allowed.1).contains(&self.ms)
    }
}

impl Burst {
    fn ms(&self) -> f64 {
        span(self.begin, self.end)
    }
}

fn span(from: usize, to: usize) -> f64 {
    (to as f64 - from as f64) / MS as f64
}

/// The bursts of all channels, in the order they begin.
pub fn bursts(channels: &[Vec<f32>]) -> Vec<Burst> {
    let mut bursts: Vec<Burst> =
        channels.iter().enumerate().flat_map(|(index, channel)| of_channel(index, channel)).collect();
    bursts.sort_by_key(|burst| burst.begin);
    bursts
}

fn of_channel(channel: usize, samples: &[f32]) -> Vec<Burst> {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (at, _) in samples.iter().enumerate().filter(|(_, sample)| sample.abs() > AUDIBLE) {
        match spans.last_mut() {
            Some((_, end)) if at < *end + WITHIN_BURST => *end = at + 1,
            _ => spans.push((at, at + 1)),
        }
    }
    let long = spans.into_iter().filter(|(begin, end)| end - begin > SHORTEST);
    long.map(|(begin, end)| Burst { channel, begin, end, kind: kind(&samples[begin..end]) }).collect()
}

/// Judged by a tenth of a second in its first part.
fn kind(samples: &[f32]) -> Kind {
    let begin = (50 * MS).min(samples.len() / 4);
    let piece = &samples[begin..samples.len().min(begin + 100 * MS)];
    match () {
        () if share(piece, 2080..=2120) > 0.7 => Kind::Ced,
        () if share(piece, 1060..=1140) > 0.7 => Kind::Cng,
        // Some trainings keep to the middle of the band too, but have no flags.
        () if share(piece, 1550..=1950) > 0.7 => match flags(samples) {
            0 => Kind::Fast,
            flags => Kind::V21 { flags },
        },
        () => Kind::Fast,
    }
}

/// How much of the power lies between two frequencies.
fn share(samples: &[f32], band: std::ops::RangeInclusive<u32>) -> f32 {
    let step = (8000.0 / samples.len() as f32).max(1.0);
    let count = ((band.end() - band.start()) as f32 / step) as u32;
    let total: f32 = samples.iter().map(|sample| sample * sample).sum();
    let inside: f32 = (0..=count).map(|bin| power_at(samples, *band.start() as f32 + bin as f32 * step)).sum();
    inside / total.max(1.0)
}

/// The power at a frequency, so that those of all frequencies add up to the sum of squares.
fn power_at(samples: &[f32], hz: f32) -> f32 {
    let turn = 2.0 * (std::f32::consts::TAU * hz / 8000.0).cos();
    let (newer, older) =
        samples.iter().fold((0.0, 0.0), |(newer, older), sample| (sample + turn * newer - older, newer));
    2.0 * (newer * newer + older * older - turn * newer * older) / samples.len() as f32
}

/// Flags before the first frame.
fn flags(samples: &[f32]) -> usize {
    let (mut demodulator, mut deframer) = (FskDemodulator::new(&V21_CHANNEL_2), Deframer::new());
    let mut run = BitRun::with_room(64);
    let mut flags = 0;
    for piece in samples.chunks(10 * MS) {
        run.clear();
        demodulator.run(piece, &mut run);
        for bit in run.bits() {
            match deframer.push(*bit) {
                Some(Found::Flag) => flags += 1,
                Some(Found::Frame { .. }) => return flags,
                _ => {}
            }
        }
    }
    flags
}

/// All times that clauses bound, in order.
pub fn measures(bursts: &[Burst]) -> Vec<Measure> {
    let mut measures: Vec<Measure> = bursts.iter().filter_map(of_burst).collect();
    for channel in bursts.iter().map(|burst| burst.channel).collect::<std::collections::BTreeSet<_>>() {
        let own: Vec<&Burst> = bursts.iter().filter(|burst| burst.channel == channel).collect();
        measures.extend(own.windows(2).filter_map(|pair| between(pair[0], pair[1], bursts)));
    }
    measures.extend(bursts.iter().filter_map(|burst| turnaround(burst, bursts)));
    measures.sort_by(|one, other| one.at.total_cmp(&other.at));
    measures
}

fn measure(what: &'static str, burst: &Burst, ms: f64, allowed: (f64, f64)) -> Measure {
    Measure { what, channel: burst.channel, at: span(0, burst.begin) / 1000.0, ms, allowed }
}

/// Lengths.
fn of_burst(burst: &Burst) -> Option<Measure> {
    match burst.kind {
        Kind::Ced => Some(measure("CED, 4.3.3.3: 2.6 to 4.0 s", burst, burst.ms(), (2600.0, 4000.0))),
        Kind::Cng => Some(measure("CNG, 4.2: 0.5 s +-15 %", burst, burst.ms(), (425.0, 575.0))),
        // The first flag may be needed to find the rhythm.
        Kind::V21 { flags } => {
            Some(measure("V.21 preamble, 5.3.1: 1 s +-15 %", burst, flags as f64 * 8.0 / 0.3, (850.0 - 80.0, 1150.0)))
        }
        Kind::Fast => None,
    }
}

/// Gaps between bursts of one side while the other is silent.
fn between(first: &Burst, second: &Burst, all: &[Burst]) -> Option<Measure> {
    let inside = |other: &&Burst| other.channel != first.channel && other.end > first.end && other.begin < second.begin;
    let (gap, answered) = (span(first.end, second.begin), all.iter().any(|other| inside(&other)));
    match (first.kind, second.kind) {
        (Kind::Cng, Kind::Cng) => Some(measure("silence between CNG, 4.2: 3 s +-15 %", second, gap, (2550.0, 3450.0))),
        (Kind::Ced, Kind::V21 { .. }) => Some(measure("CED to V.21, 4.3.3.3: 75 +-20 ms", second, gap, (55.0, 95.0))),
        (Kind::V21 { .. }, Kind::Fast) if !answered => {
            // V.29 begins with 20 ms of silence, its segment 1.
            Some(measure("V.21 to training, 5.3.1: 75 +-20 ms and segment 1", second, gap, (55.0, 115.0)))
        }
        (Kind::Fast, Kind::V21 { .. }) if !answered => {
            // The turn-off of V.27ter and V.17 ends with 20 ms that have no energy.
            Some(measure("page to V.21, 5.3.1: 75 +-20 ms and turn-off", second, gap, (55.0, 115.0)))
        }
        _ => None,
    }
}

/// The silence before an answer: no clause lets it be shorter than 75 ms less its tolerance, and T4 ends the wait.
fn turnaround(burst: &Burst, all: &[Burst]) -> Option<Measure> {
    let before = all.iter().filter(|other| other.begin < burst.begin).max_by_key(|other| other.end)?;
    let speaks = matches!(before.kind, Kind::V21 { .. } | Kind::Fast) && before.end <= burst.begin;
    let is_answer = before.channel != burst.channel && matches!(burst.kind, Kind::V21 { .. } | Kind::Fast);
    let gap = span(before.end, burst.begin);
    (speaks && is_answer)
        .then(|| measure("turnaround, 5.4.3.1: not below 55 ms, within T4", burst, gap, (55.0, 3450.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f32, ms: usize) -> Vec<f32> {
        (0..ms * MS).map(|at| 4000.0 * (std::f32::consts::TAU * hz * at as f32 / 8000.0).sin()).collect()
    }

    #[test]
    fn tones_are_known_and_their_times_measured() {
        let silence = vec![0.0; 3000 * MS];
        let calling = [tone(1100.0, 500), silence.clone(), tone(1100.0, 500), silence].concat();
        let answering = [vec![0.0; 100 * MS], tone(2100.0, 3000)].concat();
        let bursts = bursts(&[calling, answering]);
        assert_eq!(bursts.iter().map(|burst| burst.kind).collect::<Vec<_>>(), [Kind::Cng, Kind::Ced, Kind::Cng]);
        let measures = measures(&bursts);
        assert_eq!(measures.len(), 4);
        assert!(measures.iter().all(Measure::holds), "{measures:?}");
    }
}
