//! A recording of a call: what was sent on the left, what was received on the right.

use std::{fs::File, io::BufWriter, path::Path};

use answertone_dsp::pcm::Block;
use hound::{SampleFormat, WavSpec, WavWriter};

/// Stereo, 8000 samples per second, 16 bit.
const SPEC: WavSpec = WavSpec { channels: 2, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };

/// Writes both directions of a call to a WAV file.
pub struct Recorder {
    file: WavWriter<BufWriter<File>>,
    failure: Option<hound::Error>,
}

impl Recorder {
    /// Makes the file.
    pub fn create(path: &Path) -> Result<Self, hound::Error> {
        Ok(Self { file: WavWriter::create(path, SPEC)?, failure: None })
    }

    /// Adds one block of each direction. A failure is kept for [`Recorder::finish`]: a full disk must not end a call.
    pub fn write(&mut self, sent: &Block, received: &Block) {
        if self.failure.is_none() {
            let mut samples = sent.iter().zip(received).flat_map(|(sent, received)| [*sent, *received]);
            self.failure = samples.try_for_each(|sample| self.file.write_sample(sample)).err();
        }
    }

    /// Completes the file.
    pub fn finish(self) -> Result<(), hound::Error> {
        match self.failure {
            Some(failure) => Err(failure),
            None => self.file.finalize(),
        }
    }
}
