//! Whether one tone sounds alone, block by block.

use crate::{
    level::{CarrierDetector, CarrierLevels},
    pcm::{BLOCK_SAMPLES, SAMPLE_RATE},
    tone::content::{Content, ContentKernel},
    units::{Hz, SampleIndex},
};

/// Least part of a block's power that is the tone, when it sounds.
const LEAST_SHARE: f32 = 0.7;

/// Part of its power that a tone off the centre leaves at least, where tones are listened for.
const LEAST_DROOP: f32 = 0.4;

/// One block, judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    /// The tone sounds, alone, and at its frequency.
    pub(super) present: bool,
    /// Where the tone begins, or where it ends, if it does so in this block or just before it.
    pub(super) edge: SampleIndex,
    /// The sample after the block.
    pub(super) end: SampleIndex,
    /// Mean square of everything in the block.
    pub(super) mean_square: f32,
    /// The tone came back with its phase turned by half a turn.
    pub(super) reversed: bool,
}

/// Looks for a tone whose frequency makes whole cycles in a block: its phase then tells how far off it is.
#[derive(Clone, Debug)]
pub(super) struct Presence {
    pitch: Hz,
    /// Largest deviation of the frequency in turns of phase per block.
    tolerance: f32,
    level: CarrierDetector,
    blocks: u64,
    /// The last block, and its amplitude.
    last: Content,
    amplitude: f32,
    /// Amplitude of the block before that one.
    earlier: f32,
    sounding: bool,
    /// Phase at the last block with the tone, its advance per block, and blocks since.
    held_phase: f32,
    held_advance: f32,
    blocks_since: f32,
}

impl Presence {
    /// Listens for a tone at `pitch`, give or take `tolerance`.
    pub(super) fn new(pitch: Hz, tolerance: Hz) -> Self {
        Self {
            pitch,
            tolerance: tolerance.0 * BLOCK_SAMPLES as f32 / SAMPLE_RATE.0,
            level: CarrierDetector::new(CarrierLevels::default()),
            blocks: 0,
            last: Content::default(),
            amplitude: 0.0,
            earlier: 0.0,
            sounding: false,
            held_phase: 0.0,
            held_advance: 0.0,
            blocks_since: f32::INFINITY,
        }
    }

    /// What looks for the tone.
    pub(super) fn kernel(&self) -> ContentKernel {
        ContentKernel::new(&[self.pitch], BLOCK_SAMPLES)
    }

    /// Takes what a block holds of the tone.
    pub(super) fn judge(&mut self, content: Content) -> Judged {
        self.blocks += 1;
        let amplitude = libm::sqrtf(content.mean_square(BLOCK_SAMPLES));
        let advance = self.advance(&content);
        let present = advance.is_some_and(|advance| self.sounds(&content, advance));
        let judged = Judged {
            present,
            edge: self.edge(present, amplitude),
            end: SampleIndex(self.blocks * BLOCK_SAMPLES as u64),
            mean_square: content.energy / BLOCK_SAMPLES as f32,
            reversed: present && self.is_reversed(turns(&content)),
        };
        self.blocks_since += 1.0;
        if present {
            self.hold(turns(&content), advance.unwrap_or_default());
        }
        (self.sounding, self.last) = (present, content);
        (self.earlier, self.amplitude) = (self.amplitude, amplitude);
        judged
    }

    /// What the phase advanced since the last block, in turns, where the tone may be.
    fn advance(&mut self, content: &Content) -> Option<f32> {
        if content.share(BLOCK_SAMPLES) >= LEAST_SHARE * LEAST_DROOP {
            return Some(wrap(turns(content) - turns(&self.last)));
        }
        self.level.update(content.mean_square(BLOCK_SAMPLES));
        None
    }

    fn sounds(&mut self, content: &Content, advance: f32) -> bool {
        // A tone off the centre fills less of the block; how far off it is, its phase says.
        let droop = (sinc(advance) * sinc(advance)).max(LEAST_DROOP);
        let loud = self.level.update(content.mean_square(BLOCK_SAMPLES) / droop);
        loud && advance.abs() <= self.tolerance && content.share(BLOCK_SAMPLES) >= LEAST_SHARE * droop
    }

    /// The place of a change in presence: a block that the tone fills in part has that part of its amplitude.
    fn edge(&self, present: bool, amplitude: f32) -> SampleIndex {
        let block = BLOCK_SAMPLES as f32;
        let begin = (self.blocks - 1) * BLOCK_SAMPLES as u64;
        if present {
            let before = part(self.amplitude, amplitude) + part(self.earlier, amplitude);
            SampleIndex(begin.saturating_sub((before * block) as u64))
        } else {
            SampleIndex(begin + (part(amplitude, self.amplitude) * block) as u64)
        }
    }

    fn is_reversed(&self, phase: f32) -> bool {
        let expected = self.held_phase + self.held_advance * self.blocks_since;
        !self.sounding && self.blocks_since <= 4.0 && wrap(phase - expected).abs() > 0.35
    }

    /// The tone sounds, with this phase and advance.
    fn hold(&mut self, phase: f32, advance: f32) {
        self.held_phase = phase;
        self.held_advance = if self.sounding { advance } else { self.held_advance };
        self.blocks_since = 1.0;
    }
}

/// Phase in turns.
fn turns(content: &Content) -> f32 {
    libm::atan2f(content.im, content.re) / core::f32::consts::TAU
}

/// How much of a block a tone fills, by its amplitude there and in a full block.
fn part(amplitude: f32, full: f32) -> f32 {
    (amplitude / full.max(1e-6)).min(1.0)
}

/// Turns from -1/2 to 1/2.
fn wrap(turns: f32) -> f32 {
    turns - libm::roundf(turns)
}

/// sin(πx)/(πx)
fn sinc(x: f32) -> f32 {
    let angle = x * core::f32::consts::PI;
    if angle.abs() < 1e-3 { 1.0 } else { libm::sinf(angle) / angle }
}
