//! The two tones that open a fax call: CNG of the caller and CED of the answerer.
//!
//! ```text
//!  caller    ▇▇▇             ▇▇▇             ▇▇▇       CNG 1100 Hz, 0.5 s on, 3 s off
//!  answerer        ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ 75 ms V.21    CED 2100 Hz, 2.6 to 4.0 s
//! ```
//!
//! CED is V.25's answer tone: it may have its phase reversed every 450 ms, against echo cancellers, and be modulated by
//! 15 Hz, which makes it V.8's ANSam.

use crate::{
    lanes::Lanes,
    osc::{Oscillator, cosine, phase_step, sine},
    pcm::BLOCK_SAMPLES,
    tone::{
        cadence::{Burst, BurstTracker},
        content::{Content, ContentKernel},
        ear::{Alone, EarBank, Listener, Piece},
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

/// Length of CED as sent: close to the least of T.30 4.3.3.2, which allows 2.6 to 4.0 s.
const CED_LENGTH: u64 = 2620 * MS;

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

/// Makes CED, 2.62 s long unless told otherwise.
#[derive(Clone, Debug)]
pub struct CedGenerator {
    tone: Oscillator,
    /// Samples of the whole tone.
    length: u64,
    amplitude: f32,
    reversals: bool,
    /// 15 Hz, and how much of the amplitude follows it.
    modulation: Oscillator,
    depth: f32,
    position: u64,
}

/// Frequency and depth of the modulation of ANSam, ITU-T V.8: 15 Hz ± 0.1 Hz, envelope 0.8 to 1.2.
const MODULATION_PITCH: Hz = Hz(15.0);
const MODULATION_DEPTH: f32 = 0.2;

impl CedGenerator {
    /// CED at this level.
    pub fn new(level: Dbm0) -> Self {
        Self {
            tone: Oscillator::new(CED_PITCH),
            length: CED_LENGTH,
            amplitude: peak(level),
            reversals: false,
            modulation: Oscillator::new(MODULATION_PITCH),
            depth: 0.0,
            position: 0,
        }
    }

    /// ANSam of V.8 at this level, with or without reversals of phase.
    pub fn ansam(level: Dbm0, reversals: bool) -> Self {
        Self { reversals, depth: MODULATION_DEPTH, ..Self::new(level) }
    }

    /// The same tone, of so many milliseconds.
    pub fn lasting(self, milliseconds: u64) -> Self {
        Self { length: milliseconds * MS, ..self }
    }

    /// CED with the reversals of phase of V.25.
    pub fn with_reversals(level: Dbm0) -> Self {
        Self { reversals: true, ..Self::new(level) }
    }

    /// Writes the next samples; how many, fewer than there is room for when the tone ends.
    pub fn run(&mut self, out: &mut [f32]) -> usize {
        let left = self.length.saturating_sub(self.position).min(out.len() as u64) as usize;
        for out in &mut out[..left] {
            if self.reversals && self.position > 0 && self.position.is_multiple_of(REVERSAL_PERIOD) {
                self.tone.turn(1 << 31);
            }
            let envelope = 1.0 + self.depth * self.modulation.next_sine();
            *out = self.amplitude * envelope * self.tone.next_sine();
            self.position += 1;
        }
        left
    }

    /// Begins again.
    pub fn restart(&mut self) {
        self.tone = Oscillator::new(CED_PITCH);
        self.modulation = Oscillator::new(MODULATION_PITCH);
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

/// Hears one tone: block by block whether it sounds, and the bursts that it makes.
#[derive(Clone, Debug)]
struct Ear {
    presence: Presence,
    bursts: BurstTracker,
}

/// A silence inside a burst that does not end it.
const BRIDGE: u64 = 30 * MS;

impl Ear {
    fn new(pitch: Hz, tolerance: Hz) -> Self {
        Self { presence: Presence::new(pitch, tolerance), bursts: BurstTracker::new(BRIDGE) }
    }

    /// What looks for the tone, and how many values it writes.
    fn kernel(&self) -> (ContentKernel, usize) {
        self.presence.kernel().counted()
    }

    /// Takes what a block holds of the tone; the block, judged, and the burst that ends with it.
    fn take(&mut self, content: Content) -> (Judged, Option<Burst>) {
        let block = self.presence.judge(content);
        if block.present {
            self.bursts.present(block.edge, block.end);
            return (block, None);
        }
        let follows = self.bursts.burst().is_some_and(|burst| burst.end.0 + BLOCK_SAMPLES as u64 == block.end.0);
        if follows {
            self.bursts.extend(block.edge);
        }
        (block, self.bursts.absent(block.end))
    }

    /// The burst under way.
    fn burst(&self) -> Option<Burst> {
        self.bursts.burst()
    }
}

/// Recognises CNG: one burst of the right length and 2.5 s of quiet after it, or two bursts in their cadence.
///
/// The edge comes some 3 s after the beginning of the tone that it is stamped with. It is over when no burst has come
/// for 4.5 s.
#[derive(Clone, Debug)]
pub struct CngDetector(Alone<CngListener>);

/// Recognises CNG in lines of a bank.
pub type CngBank = EarBank<CngListener>;

/// What one line heard of CNG.
#[derive(Clone, Debug)]
pub struct CngListener {
    ear: Ear,
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

impl CngDetector {
    /// A detector that has heard nothing.
    pub fn new() -> Self {
        Self(Alone::new(CngListener::default()))
    }

    /// Takes the next samples, in 16-bit scale; an edge, if there was one. Give it at most a second at once: of two
    /// edges in one run the later is reported.
    pub fn run(&mut self, samples: &[f32]) -> Option<ToneEdge> {
        let mut edge = None;
        self.0.run(samples, |heard| edge = Some(heard));
        edge
    }

    /// Forgets everything; samples count from zero again.
    pub fn restart(&mut self) {
        *self = Self::new();
    }

    /// Level of the burst heard last, or of the one under way.
    pub fn level(&self) -> Dbm0 {
        self.0.listener().level()
    }
}

impl Default for CngListener {
    fn default() -> Self {
        Self { ear: Ear::new(CNG_PITCH, CNG_TOLERANCE), power: 0.0, last: None, on: false }
    }
}

impl Listener for CngListener {
    type Kernel = ContentKernel;
    type Heard = ToneEdge;
    const SAMPLES: usize = BLOCK_SAMPLES;

    fn fresh(&self) -> Self {
        Self::default()
    }

    fn kernel(&self) -> (ContentKernel, usize) {
        self.ear.kernel()
    }

    fn hear<V: Lanes>(&mut self, piece: &Piece<'_, V>) -> Option<ToneEdge> {
        let (block, ended) = self.ear.take(Content::of(0, |at| piece.result(at)));
        self.block(&block, ended)
    }
}

impl CngListener {
    /// Level of the burst heard last, or of the one under way.
    pub fn level(&self) -> Dbm0 {
        Dbm0::from_mean_square(self.last.as_ref().map_or(self.power, |last| last.power))
    }

    fn block(&mut self, block: &Judged, ended: Option<Burst>) -> Option<ToneEdge> {
        if let Some(last) = &mut self.last {
            last.blocks += 1;
            // Half of the amplitude of the burst: the hum and noise of a bad line stay below.
            last.quiet += u32::from(block.mean_square < last.power * 0.25);
        }
        match ended {
            Some(burst) => self.burst(burst),
            None => {
                self.power = if self.ear.burst().is_some() { self.power.max(block.mean_square) } else { 0.0 };
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
pub struct CedDetector(Alone<CedListener>);

/// Recognises CED in lines of a bank.
pub type CedBank = EarBank<CedListener>;

/// What one line heard of CED.
#[derive(Clone, Debug)]
pub struct CedListener {
    ear: Ear,
    reversals: u32,
    envelope: Envelope,
    on: bool,
}

/// The size of a tone over its blocks, and how much of it follows 15 Hz.
#[derive(Clone, Copy, Debug, Default)]
struct Envelope {
    blocks: f32,
    power: f32,
    size: f32,
    re: f32,
    im: f32,
}

/// Least depth of modulation of ANSam, and least time for which it is measured.
const LEAST_DEPTH: f32 = 0.1;
const MEASURED: f32 = 40.0;

impl Envelope {
    fn take(&mut self, block: &Judged) {
        let size = libm::sqrtf(block.mean_square);
        let phase = phase_step(MODULATION_PITCH).wrapping_mul((block.end.0 & 0xffff_ffff) as u32);
        self.blocks += 1.0;
        self.power += block.mean_square;
        self.size += size;
        self.re += size * cosine(phase);
        self.im += size * sine(phase);
    }

    /// Depth of the modulation.
    fn depth(&self) -> f32 {
        2.0 * libm::sqrtf(self.re * self.re + self.im * self.im) / self.size.max(1e-9)
    }
}

/// Largest deviation of CED from its frequency: the tolerance of T.30 and that of the measurement.
const CED_TOLERANCE: Hz = Hz(25.0);

/// How long CED sounds before it is believed.
const CED_LEAST: u64 = 500 * MS;

impl CedDetector {
    /// A detector that has heard nothing.
    pub fn new() -> Self {
        Self(Alone::new(CedListener::default()))
    }

    /// Takes the next samples, in 16-bit scale; an edge, if there was one. Give it at most half a second at once: of
    /// two edges in one run the later is reported.
    pub fn run(&mut self, samples: &[f32]) -> Option<ToneEdge> {
        let mut edge = None;
        self.0.run(samples, |heard| edge = Some(heard));
        edge
    }

    /// Reversals of phase in the tone under way, or in the last one.
    pub fn reversals(&self) -> u32 {
        self.0.listener().reversals
    }

    /// Whether the tone under way, or the last one, is ANSam: modulated by 15 Hz. Known after 0.4 s of it.
    pub fn is_modulated(&self) -> bool {
        self.0.listener().is_modulated()
    }

    /// Level of the tone under way, or of the last one.
    pub fn level(&self) -> Dbm0 {
        self.0.listener().level()
    }

    /// Forgets everything; samples count from zero again.
    pub fn restart(&mut self) {
        *self = Self::new();
    }
}

impl Default for CedListener {
    fn default() -> Self {
        Self { ear: Ear::new(CED_PITCH, CED_TOLERANCE), reversals: 0, envelope: Envelope::default(), on: false }
    }
}

impl Listener for CedListener {
    type Kernel = ContentKernel;
    type Heard = ToneEdge;
    const SAMPLES: usize = BLOCK_SAMPLES;

    fn fresh(&self) -> Self {
        Self::default()
    }

    fn kernel(&self) -> (ContentKernel, usize) {
        self.ear.kernel()
    }

    fn hear<V: Lanes>(&mut self, piece: &Piece<'_, V>) -> Option<ToneEdge> {
        self.take(Content::of(0, |at| piece.result(at)))
    }
}

impl CedListener {
    /// Reversals of phase in the tone under way, or in the last one.
    pub fn reversals(&self) -> u32 {
        self.reversals
    }

    /// Whether the tone under way, or the last one, is ANSam: modulated by 15 Hz. Known after 0.4 s of it.
    pub fn is_modulated(&self) -> bool {
        self.envelope.blocks >= MEASURED && self.envelope.depth() >= LEAST_DEPTH
    }

    /// Level of the tone under way, or of the last one.
    pub fn level(&self) -> Dbm0 {
        Dbm0::from_mean_square(self.envelope.power / self.envelope.blocks.max(1.0))
    }

    /// Takes what a block holds of the tone.
    pub(super) fn take(&mut self, content: Content) -> Option<ToneEdge> {
        let (block, ended) = self.ear.take(content);
        self.block(&block, ended)
    }

    fn block(&mut self, block: &Judged, ended: Option<Burst>) -> Option<ToneEdge> {
        let first =
            self.ear.burst().is_some_and(|burst| burst.end == block.end && burst.samples() <= 2 * BLOCK_SAMPLES as u64);
        if block.present && first {
            (self.reversals, self.envelope) = (0, Envelope::default());
        } else if block.present {
            self.envelope.take(block);
        }
        self.reversals += u32::from(block.reversed);
        if let Some(burst) = ended {
            return core::mem::take(&mut self.on).then_some(ToneEdge { at: burst.end, on: false });
        }
        let burst = self.ear.burst()?;
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

/// Peak of a sine of this level.
fn peak(level: Dbm0) -> f32 {
    level.rms() * core::f32::consts::SQRT_2
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
