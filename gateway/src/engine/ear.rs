//! Who and what is heard at the beginning of a call, before a fax machine says anything: for the report of one that
//! failed.

use answertone_dsp::{
    pcm::{BLOCK_SAMPLES, Block, widen},
    tone::{
        answerer::{Answerer, AnswererDetector},
        progress::{ProgressDetector, ProgressKind},
    },
};

/// Blocks that are listened to: a minute.
const LISTENED: u32 = 6000;

/// Least mean square of a sound: -43 dBm0.
const SOUND: f32 = 13_000.0;

/// Listens to a call.
pub(super) struct CallEar {
    progress: ProgressDetector,
    answerer: AnswererDetector,
    blocks: u32,
    told: Option<ProgressKind>,
    sounded: bool,
}

impl CallEar {
    pub(super) fn new() -> Self {
        Self {
            progress: ProgressDetector::anywhere(),
            answerer: AnswererDetector::new(),
            blocks: 0,
            told: None,
            sounded: false,
        }
    }

    /// Takes a received block.
    pub(super) fn hear(&mut self, rx: &Block) {
        if self.blocks >= LISTENED || self.answerer.answerer() == Some(Answerer::Fax) {
            return;
        }
        self.blocks += 1;
        let mut samples = [0.0; BLOCK_SAMPLES];
        widen(rx, &mut samples);
        self.sounded |= samples.iter().map(|sample| sample * sample).sum::<f32>() > SOUND * BLOCK_SAMPLES as f32;
        self.answerer.run(&samples);
        self.told = self.progress.run(&samples).or(self.told);
    }

    /// What was heard: who answered, else what the network said, else silence.
    pub(super) fn heard(&self) -> Option<&'static str> {
        let network = self.told.map(|kind| match kind {
            ProgressKind::Dial => "dial_tone",
            ProgressKind::Ringback => "ringing",
            ProgressKind::Busy => "busy",
            ProgressKind::Congestion => "congestion",
            ProgressKind::Special => "special_information",
            ProgressKind::Waiting => "call_waiting",
            ProgressKind::Unobtainable => "number_unobtainable",
        });
        let nothing = (self.blocks > 0 && !self.sounded).then_some("silence");
        self.answerer.answerer().map(Answerer::name).or(network).or(nothing)
    }
}
