//! A call heard from outside: a recording of one side, of both on a channel each, or of both mixed in one.
//!
//! ```text
//!  samples ─┬▶ levels                                  ┐
//!           ├▶ dialling, ringing, CNG, CED, V.8        ├▶ channel ─┐
//!           ├▶ V.21: frames                            │           ├▶ call: ladder, pages, findings
//!           └▶ V.27ter, V.29, V.17: trainings, signals ┘  other ───┘
//! ```
//! Nothing is known beforehand. A DCS heard on any channel helps to tell one rate from another, no more.

mod call;
mod control;
mod ear;
mod fast;
mod findings;
mod gather;
mod heard;
mod info;
mod line;
mod packets;
mod pages;
mod tones;
mod v8;
mod words;

use answertone_dsp::pcm::BLOCK_SAMPLES;

use self::ear::Ear;
pub use self::{
    call::{Call, CallKind, Leak, Station, Step},
    ear::Channel,
    findings::{Finding, Weight},
    heard::{AnswerTone, Burst, CallerIdentity, Control, Heard, HeardFrame, Unknown, What},
    info::{InfoKind, V34Info},
    line::LineLevels,
    packets::PacketEar,
    pages::ObservedPage,
    v8::{V8Kind, V8Message},
};

/// Listens to all channels of a recording at once.
pub struct Observer {
    ears: Vec<Ear>,
}

impl Observer {
    /// An observer of so many channels.
    pub fn new(channels: usize) -> Self {
        Self { ears: (0..channels).map(|_| Ear::new()).collect() }
    }

    /// Takes the next samples of each channel, as many of each: 8000 in a second, in 16-bit scale.
    ///
    /// # Panics
    /// When there are not as many channels as the observer was made for, or they differ in length.
    pub fn run(&mut self, channels: &[&[f32]]) {
        assert!(channels.len() == self.ears.len(), "the channels are those the observer was made for");
        let samples = channels.first().map_or(0, |channel| channel.len());
        assert!(channels.iter().all(|channel| channel.len() == samples), "channels are of one length");
        let mut block = [0.0; BLOCK_SAMPLES];
        for begin in (0..samples).step_by(BLOCK_SAMPLES) {
            let end = (begin + BLOCK_SAMPLES).min(samples);
            let mut named = None;
            for (ear, channel) in self.ears.iter_mut().zip(channels) {
                let block = &mut block[..end - begin];
                block.copy_from_slice(&channel[begin..end]);
                named = ear.run(block).or(named);
            }
            if let Some(carrier) = named {
                self.ears.iter_mut().for_each(|ear| ear.name(carrier));
            }
        }
    }

    /// What each channel held.
    pub fn finish(self) -> Vec<Channel> {
        self.ears.into_iter().map(Ear::finish).collect()
    }
}
