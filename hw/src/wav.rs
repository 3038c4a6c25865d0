//! A line made of files: one is heard, the other records what is sent. As fast as the processor goes.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
};

use answertone_dsp::pcm::Block;
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::{Exchange, LineError, OpenError, Pace, PcmLine};

const SPEC: WavSpec = WavSpec { channels: 1, sample_rate: 8000, bits_per_sample: 16, sample_format: SampleFormat::Int };

/// A line that hears one WAV file and writes another. The end of the heard file is a hang-up.
pub struct WavLine {
    heard: WavReader<BufReader<File>>,
    sent: Option<WavWriter<BufWriter<File>>>,
}

impl WavLine {
    /// Opens `input` (8000 samples per second, 16 bit, one channel) and makes `output` like it.
    pub fn open(input: &Path, output: Option<&Path>) -> Result<Self, OpenError> {
        let heard = WavReader::open(input).map_err(|error| at(input, error))?;
        if heard.spec() != SPEC {
            return Err(OpenError::Wav { path: input.display().to_string(), reason: unfit(heard.spec()) });
        }
        let sent = output.map(|path| WavWriter::create(path, SPEC).map_err(|error| at(path, error))).transpose()?;
        Ok(Self { heard, sent })
    }
}

fn at(path: &Path, error: hound::Error) -> OpenError {
    OpenError::Wav { path: path.display().to_string(), reason: error.to_string() }
}

fn unfit(spec: WavSpec) -> String {
    format!(
        "has {} channels of {} bit at {} samples per second; a line needs 1 channel of 16 bit integers at 8000: \
         convert it, for example with sox IN.wav -r 8000 -b 16 OUT.wav remix 1",
        spec.channels, spec.bits_per_sample, spec.sample_rate
    )
}

impl PcmLine for WavLine {
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError> {
        if let Some(sent) = &mut self.sent {
            tx.iter().try_for_each(|sample| sent.write_sample(*sample)).map_err(failed)?;
        }
        rx.fill(0);
        let mut read = 0;
        for (place, sample) in rx.iter_mut().zip(self.heard.samples::<i16>()) {
            *place = sample.map_err(failed)?;
            read += 1;
        }
        if read == 0 { Err(LineError::HungUp) } else { Ok(Exchange::default()) }
    }

    fn pace(&self) -> Pace {
        Pace::Unpaced
    }

    fn hang_up(&mut self) {
        if let Some(sent) = self.sent.take() {
            // Dropping the writer would ignore the error as well; a hang-up cannot fail.
            let _ = sent.finalize();
        }
    }
}

fn failed(error: hound::Error) -> LineError {
    match error {
        hound::Error::IoError(error) => LineError::Failed(error),
        other => LineError::Failed(std::io::Error::other(other)),
    }
}
