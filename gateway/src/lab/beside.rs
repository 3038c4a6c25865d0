//! Another maker's receiver on the very samples that ours is judged by.

use std::io::Cursor;

use answertone_dsp::modem::Train;
use serde_json::Value;

use super::{
    Plan,
    mode::Mode,
    peer::Peer,
    trial::{Message, Verdict, judge, receive_message},
};

/// Most trials of the other maker's receiver in one place: each is a process.
const PEER_TRIALS: usize = 5;

/// Whose receiver hears.
#[derive(Clone, Copy, Debug)]
pub enum Ear<'peer> {
    /// Ours.
    Ours,
    /// Another maker's.
    Theirs(&'peer Peer),
}

impl<'peer> Ear<'peer> {
    /// Ours, and the other maker's where it is at hand.
    pub fn all(plan: &'peer Plan) -> impl Iterator<Item = Self> {
        std::iter::once(Self::Ours).chain(plan.peer.as_ref().map(Self::Theirs))
    }

    /// The name of a table of what it hears.
    pub fn table(&self, ours: &'static str, theirs: &'static str) -> &'static str {
        if self.is_ours() { ours } else { theirs }
    }

    /// What stands before a title.
    pub fn title(&self, title: &str) -> String {
        match self {
            Self::Ours => title.to_owned(),
            Self::Theirs(_) => {
                format!("The other maker's receiver, the same samples without noise before them. {title}")
            }
        }
    }

    /// Whether it is ours.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Ours)
    }

    /// How many of these trials it does.
    pub fn trials(&self, trials: usize) -> usize {
        if self.is_ours() { trials } else { trials.min(PEER_TRIALS) }
    }

    /// What it makes of a message. Processes that fail have received nothing.
    pub fn verdict(&self, mode: &Mode, message: &Message, samples: &[f32]) -> Verdict {
        match self {
            Self::Ours => judge(mode, message, &receive_message(mode, message, samples)),
            Self::Theirs(peer) => peer.verdict(mode, message, samples).unwrap_or_default(),
        }
    }
}

impl Peer {
    /// What its receiver makes of a message of the first pattern. Noise before a signal is left out: with it most of its
    /// trainings fail.
    fn verdict(&self, mode: &Mode, message: &Message, samples: &[f32]) -> Result<Verdict, String> {
        let sent = message.bits.bits().len();
        let (rate, count) = (mode.rate.to_string(), sent.to_string());
        let arguments = ["rx", "--modem", mode.modem, "--rate", &rate, "--bits", &count, "--seed", "1", "-"];
        let short = (message.train == Train::Short).then_some("--short-train");
        let wav = wav(message, samples).map_err(|error| error.to_string())?;
        let said = self.say("peer-modem", arguments.into_iter().chain(short), wav)?;
        let json: Value = serde_json::from_slice(&said).map_err(|error| format!("--peer: peer-modem: {error}"))?;
        let number = |name: &str| json[name].as_u64().unwrap_or(0) as usize;
        if json["trained"] != true || json["locked"] != true {
            return Ok(Verdict::default());
        }
        let bits = number("bits").min(sent);
        let (errors, slips) = (number("bit_errors"), number("slips"));
        Ok(Verdict { received: true, bits, errors, missing: sent - bits, slips })
    }
}

/// A WAV file of the samples, silent where the message is before its signals.
fn wav(message: &Message, samples: &[f32]) -> Result<Vec<u8>, hound::Error> {
    let format =
        hound::WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut file = Cursor::new(Vec::new());
    let mut wav = hound::WavWriter::new(&mut file, format)?;
    for (place, sample) in samples.iter().enumerate() {
        let is_before = place < message.start && message.samples[place] == 0.0;
        wav.write_sample(if is_before { 0 } else { *sample as i16 })?;
    }
    wav.finalize()?;
    Ok(file.into_inner())
}
