//! `answertone tones`: DTMF, caller identification and call progress, to and from recordings, and digits asked for.

mod ask;
mod detect;
mod make;

use std::{path::Path, process::ExitCode};

use answertone_dsp::pcm::SAMPLE_RATE;
use clap::{Args, Subcommand, ValueEnum};

use self::{ask::AskArgs, detect::DetectArgs, make::Made};
use super::error::CliError;
use crate::decode::{DecodeError, audio::Recording};

/// Samples in a millisecond.
const MS: usize = SAMPLE_RATE.0 as usize / 1000;

/// Make or detect DTMF, caller identification and other tones of the telephone.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone tones make dtmf --digits 123A --out x.wav\n  \
                        answertone tones detect dtmf x.wav")]
pub(super) struct TonesArgs {
    #[command(subcommand)]
    direction: Direction,
}

#[derive(Subcommand, Debug)]
enum Direction {
    /// Write a WAV file: 8000 Hz, mono, 16 bit.
    Make {
        #[command(subcommand)]
        what: Made,
    },
    Detect(DetectArgs),
    Ask(AskArgs),
}

/// Runs the command.
pub(super) fn run(args: &TonesArgs) -> Result<ExitCode, CliError> {
    match &args.direction {
        Direction::Make { what } => make::make(what),
        Direction::Detect(args) => detect::run(args),
        Direction::Ask(args) => ask::ask(args),
    }
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum Form {
    /// Bellcore, a message of parameters.
    Class,
    /// Bellcore, a single data message.
    Sdmf,
    /// ETSI.
    Clip,
    /// Australia: Bellcore's.
    Aclip,
    /// British Telecom.
    Bt,
    /// NTT.
    Jclip,
    /// DTMF, A number C.
    ClipDtmf,
    /// DTMF, A number #.
    ClipDtmfHash,
    /// DTMF, D number C.
    ClipDtmfD,
    /// DTMF, number #.
    ClipDtmfBare,
}

/// The channels of a recording, one after the other, 8000 samples in a second.
fn read(path: &Path) -> Result<Vec<Vec<f32>>, CliError> {
    let complain = |error: DecodeError| CliError::usage(format!("{}: {error}", path.display()));
    let mut recording = Recording::open(path).map_err(complain)?;
    let mut channels = vec![Vec::new(); recording.heard_channels()];
    let mut piece = channels.clone();
    while recording.read(&mut piece).map_err(complain)? {
        channels.iter_mut().zip(&piece).for_each(|(channel, piece)| channel.extend(piece));
    }
    Ok(channels)
}
