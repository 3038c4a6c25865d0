//! The two tones that open a fax call: CNG of the caller and CED of the answerer.
//!
//! ```text
//!  caller    ▇▇▇             ▇▇▇             ▇▇▇       CNG 1100 Hz, 0.5 s on, 3 s off
//!  answerer        ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ 75 ms V.21    CED 2100 Hz, 2.6 to 4.0 s
//! ```

use crate::{
    osc::Oscillator,
    pcm::BLOCK_SAMPLES,
    tone::{
        cadence::{Burst, BurstTracker},
        presence::{Judged, Presence},
    },
    units::{Dbm0, Hz, SampleIndex},
};

/// Frequency of CNG, ITU-T T.30 4.3.3.3: 1100 Hz ± 38 Hz.
pub const CNG_PITCH: Hz = Hz(1100.0);

/// Frequency of CED, ITU-T T.30 4.3.3.2 and V.25: 2100 Hz ± 15 Hz.
pub const CED_PITCH: Hz = Hz(2100.0);

/// Samples in a millisecond.
const MS: u64 = 8;

/// Length of a burst of CNG and of the pause after it, T.30 4.3.3.3: ± 15 %.
const CNG_ON: u64 = 500 * MS;
const CNG_PERIOD: u64 = 3500 * MS;

/// Length of CED as sent; T.30 4.3.3.2 allows 2.6 to 4.0 s.
const CED_LENGTH: u64 = 3000 * MS;

/// Time between the reversals of phase that switch echo cancellers off, V.25: 450 ms ± 25 ms.
const REVERSAL_PERIOD: u64 = 450 * MS;

/// Makes CNG: bursts without end, the first one at once.
#[derive(Clone, Debug)]
pub struct CngGenerator {
    tone: Oscillator,
    amplitude: f32,
    position: u64,
}

impl CngGenerator {
    /// CNG at this level.
    pub fn new(level: Dbm0) -> Self {
        Self { tone: Oscillator::new(CNG_PITCH), amplitude: peak(level), position: 0 }
    }

    /// Writes the next samples.
    pub fn run(&mut self, out: &mut [f32]) {
        for out in out {
            *out = if self.position < CNG_ON { self.amplitude * self.tone.next_sine() } else { 0.0 };
            self.position = (self.position + 1) % CNG_PERIOD;
        }
    }

    /// Begins again with a burst.
    pub fn restart(&mut self) {
        self.tone = Oscillator::new(CNG_PITCH);
        self.position = 0;
    }
}

/// Makes CED, 3 s long.
#[derive(Clone, Debug)]
pub struct CedGenerator {
    tone: Oscillator,
    amplitude: f32,
    reversals: bool,
    position: u64,
}

impl CedGenerator {
    /// CED at this level.
    pub fn new(level: Dbm0) -> Self {
        Self { tone: Oscillator::new(CED_PITCH), amplitude: peak(level), reversals: false, position: 0 }
    }

    /// CED with the reversals of phase of V.25.
    pub fn with_reversals(level: Dbm0) -> Self {
        Self { reversals: true, ..Self::new(level) }
    }

    /// Writes the next samples; how many, fewer than there is room for when the tone ends.
    pub fn run(&mut self, out: &mut [f32]) -> usize {
        let left = CED_LENGTH.saturating_sub(self.position).min(out.len() as u64) as usize;
        for out in &mut out[..left] {
            if self.reversals && self.position > 0 && self.position.is_multiple_of(REVERSAL_PERIOD) {
                self.tone.turn(1 << 31);
            }
            *out = self.amplitude * self.tone.next_sine();
            self.position += 1;
        }
        left
    }

    /// Begins again.
    pub fn restart(&mut self) {
        self.tone = Oscillator::new(CED_PITCH);
        self.position = 0;
    }
}

/// A tone was recognised, or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToneEdge {
    /// The first sample of the tone, or the one after its last, counted from the detector's first sample.
    pub at: SampleIndex,
    /// Recognised (true) or over (false).
    pub on: bool,
}

/// Recognises CNG: one burst of the right length and 2.5 s of quiet after it, or two bursts in their cadence.
///
/// The edge comes some 3 s after the beginning of the tone that it is stamped with. It is over when no burst has come
/// for 4.5 s.
#[derive(Clone, Debug)]
pub struct CngDetector {
    presence: Presence,
    bursts: BurstTracker,
    /// Mean square of the burst under way.
    power: f32,
    /// The last burst of the right length.
    last: Option<Heard>,
    on: bool,
}

/// A burst of CNG and what followed it.
#[derive(Clone, Copy, Debug)]
struct Heard {
    burst: Burst,
    /// Mean square of the burst.
    power: f32,
    /// Blocks since its end, and those among them that were quiet.
    blocks: u32,
    quiet: u32,
}

/// Largest deviation of CNG from its frequency: the tolerance of T.30 and that of the measurement.
const CNG_TOLERANCE: Hz = Hz(42.0);

/// A silence inside a burst that does not end it.
const BRIDGE: u64 = 30 * MS;

impl CngDetector {
    /// A detector that has heard nothing.
    pub fn new() -> Self {
        Self {
            presence: Presence::new(CNG_PITCH, CNG_TOLERANCE),
            bursts: BurstTracker::new(BRIDGE),
            power: 0.0,
            last: None,
            on: false,
        }
    }

    /// Takes the next samples, in 16-bit scale; an edge, if there was one. Give it at most a second at once: of two
    /// edges in one run the later is reported.
    pub fn run(&mut self, samples: &[f32]) -> Option<ToneEdge> {
        let mut edge = None;
        for sample in samples {
            if let Some(block) = self.presence.push(*sample) {
                edge = self.block(&block).or(edge);
            }
        }
        edge
    }

    /// Forgets everything; samples count from zero again.
    pub fn restart(&mut self) {
        *self = Self::new();
    }

    fn block(&mut self, block: &Judged) -> Option<ToneEdge> {
        if let Some(last) = &mut self.last {
            last.blocks += 1;
            // Half of the amplitude of the burst: the hum and noise of a bad line stay below.
            last.quiet += u32::from(block.mean_square < last.power * 0.25);
        }
        match track(&mut self.bursts, block) {
            Some(burst) => self.burst(burst),
            None => {
                self.power = if self.bursts.burst().is_some() { self.power.max(block.mean_square) } else { 0.0 };
                self.silence(block)
            }
        }
    }

    /// A burst ended.
    fn burst(&mut self, burst: Burst) -> Option<ToneEdge> {
        if !(CNG_ON * 84 / 100..=CNG_ON * 116 / 100).contains(&burst.samples()) {
            return None;
        }
        let heard = Heard { burst, power: self.power, blocks: 0, quiet: 0 };
        let before = self.last.replace(heard)?;
        let apart = burst.begin.0 - before.burst.begin.0;
        let in_cadence = (CNG_PERIOD * 85 / 100..=CNG_PERIOD * 115 / 100).contains(&apart);
        (in_cadence && before.quiet * 10 > before.blocks * 6).then(|| self.recognise(before.burst)).flatten()
    }

    /// No burst ended with this block.
    fn silence(&mut self, block: &Judged) -> Option<ToneEdge> {
        let last = self.last?;
        let since = block.end.0 - last.burst.end.0;
        if self.on && since > 4000 * MS {
            self.on = false;
            self.last = None;
            return Some(ToneEdge { at: last.burst.end, on: false });
        }
        let waited = (2500 * MS..2600 * MS).contains(&since);
        (waited && last.quiet * 10 >= last.blocks * 9).then(|| self.recognise(last.burst)).flatten()
    }

    fn recognise(&mut self, first: Burst) -> Option<ToneEdge> {
        let is_new = !self.on;
        self.on = true;
        is_new.then_some(ToneEdge { at: first.begin, on: true })
    }
}

impl Default for CngDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// Recognises CED after half a second of it, with or without the phase reversals of V.25 or the amplitude modulation
/// of V.8's ANSam.
#[derive(Clone, Debug)]
pub struct CedDetector {
    presence: Presence,
    bursts: BurstTracker,
    reversals: u32,
    on: bool,
}

/// Largest deviation of CED from its frequency: the tolerance of T.30 and that of the measurement.
const CED_TOLERANCE: Hz = Hz(25.0);

/// How long CED sounds before it is believed.
const CED_LEAST: u64 = 500 * MS;

impl CedDetector {
    /// A detector that has heard nothing.
    pub fn new() -> Self {
        Self {
            presence: Presence::new(CED_PITCH, CED_TOLERANCE),
            bursts: BurstTracker::new(BRIDGE),
            reversals: 0,
            on: false,
        }
    }

    /// Takes the next samples, in 16-bit scale; an edge, if there was one. Give it at most half a second at once: of
    /// two edges in one run the later is reported.
    pub fn run(&mut self, samples: &[f32]) -> Option<ToneEdge> {
        let mut edge = None;
        for sample in samples {
            if let Some(block) = self.presence.push(*sample) {
                edge = self.block(&block).or(edge);
            }
        }
        edge
    }

    /// Reversals of phase in the tone under way, or in the last one.
    pub fn reversals(&self) -> u32 {
        self.reversals
    }

    /// Forgets everything; samples count from zero again.
    pub fn restart(&mut self) {
        *self = Self::new();
    }

    fn block(&mut self, block: &Judged) -> Option<ToneEdge> {
        if self.bursts.burst().is_none() && block.present {
            self.reversals = 0;
        }
        self.reversals += u32::from(block.reversed);
        if let Some(burst) = track(&mut self.bursts, block) {
            return core::mem::take(&mut self.on).then_some(ToneEdge { at: burst.end, on: false });
        }
        let burst = self.bursts.burst()?;
        if self.on || burst.samples() < CED_LEAST {
            return None;
        }
        self.on = true;
        Some(ToneEdge { at: burst.begin, on: true })
    }
}

impl Default for CedDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes a judged block into the bursts; the burst that it ends.
fn track(bursts: &mut BurstTracker, block: &Judged) -> Option<Burst> {
    if block.present {
        bursts.present(block.edge, block.end);
        return None;
    }
    let follows = bursts.burst().is_some_and(|burst| burst.end.0 + BLOCK_SAMPLES as u64 == block.end.0);
    if follows {
        bursts.extend(block.edge);
    }
    bursts.absent(block.end)
}

/// Peak of a sine of this level.
fn peak(level: Dbm0) -> f32 {
    level.rms() * core::f32::consts::SQRT_2
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
