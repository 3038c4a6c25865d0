//! What was heard, in words.

use std::fmt;

use answertone_dsp::tone::progress::ProgressKind;

use super::{
    call::{CallKind, Station},
    heard::{Burst, CallerIdentity, Unknown, What},
};
use crate::{frame::recommendation, seam::Carrier, seam::Train};

impl What {
    /// Its name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cng => "cng",
            Self::Answer(tone) if tone.modulated => "ansam",
            Self::Answer(_) => "ced",
            Self::Digit(_) => "digit",
            Self::Progress(_) => "progress",
            Self::CallerId(_) => "caller_id",
            Self::V8(_) => "v8",
            Self::Info(_) => "v34_info",
            Self::Answerer(_) => "answerer",
            Self::Control(_) => "control",
            Self::Burst(burst) => burst.name(),
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Burst {
    /// What it is for: a training check, a block of error correction, image data.
    pub fn name(&self) -> &'static str {
        match () {
            () if self.has_frames() => "block",
            () if self.is_check() => "training_check",
            () => "image",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cng => f.write_str("CNG"),
            Self::Answer(tone) => {
                f.write_str(if tone.modulated { "ANSam" } else { "CED" })?;
                // One that the ends of the tone make is none of V.25.
                if tone.reversals > 1 { write!(f, ", {} phase reversals", tone.reversals) } else { Ok(()) }
            }
            Self::Digit(digit) => write!(f, "digit {digit}"),
            Self::Progress(kind) => f.write_str(match kind {
                ProgressKind::Dial => "dial tone",
                ProgressKind::Ringback => "ringing",
                ProgressKind::Busy => "busy tone",
                ProgressKind::Congestion => "congestion tone",
                ProgressKind::Special => "special information tones",
                ProgressKind::Waiting => "call waiting tone",
                ProgressKind::Unobtainable => "number unobtainable tone",
            }),
            Self::CallerId(identity) => identity.fmt(f),
            Self::V8(message) => message.fmt(f),
            Self::Info(info) => info.fmt(f),
            Self::Answerer(who) => f.write_str(&who.name().replace('_', " ")),
            Self::Control(control) if control.frames.is_empty() => write!(f, "V.21, {} flags, no frame", control.flags),
            Self::Control(control) => control
                .frames
                .iter()
                .enumerate()
                .try_for_each(|(place, frame)| write!(f, "{}{}", if place == 0 { "" } else { "; " }, frame.words())),
            Self::Burst(burst) => burst.fmt(f),
            Self::Unknown(Unknown::LikeControl) => f.write_str("something like V.21, not understood"),
            Self::Unknown(Unknown::Tone) => f.write_str("a tone"),
            Self::Unknown(Unknown::Sound) => f.write_str("something else"),
        }
    }
}

impl fmt::Display for CallerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "caller identification ({})", self.standard)?;
        let parts = [("number", &self.number), ("name", &self.name), ("date", &self.date)];
        for (name, text) in parts {
            if let Some(text) = text {
                write!(f, ", {name} {text}")?;
            }
        }
        f.write_str(if self.intact { "" } else { ", check sum wrong" })
    }
}

impl fmt::Display for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let training = match self.carrier {
            Carrier::V17(_, Train::Short) => ", short training",
            _ => "",
        };
        write!(f, "{} {}{training}: ", recommendation(self.carrier), self.carrier.bit_rate())?;
        match self.name() {
            "block" => write!(f, "{} frames", self.frames.iter().filter(|frame| frame.intact).count())?,
            "training_check" => write!(f, "training check, {} zeros", self.longest_zeros)?,
            _ => write!(f, "image data, {} octets", self.octets.len())?,
        }
        if self.relayed {
            return Ok(());
        }
        write!(f, "; EVM {:.1} dB, {:.1} dBm0", self.evm.0, self.level.0)?;
        if self.carrier_offset.0.abs() >= 0.05 {
            write!(f, ", carrier {:+.1} Hz", self.carrier_offset.0)?;
        }
        if self.clock_offset_ppm.abs() >= 10.0 {
            write!(f, ", clock {:+.0} ppm", self.clock_offset_ppm)?;
        }
        if self.slips.is_empty() { Ok(()) } else { write!(f, ", {} slips", self.slips.len()) }
    }
}

impl Station {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Answerer => "answerer",
            Self::Unknown => "unknown",
        }
    }
}

impl CallKind {
    /// Its name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fax => "fax",
            Self::SuperG3 => "super_g3",
            Self::Data => "data",
            Self::Other(who) => who.name(),
            Self::TonesOnly => "tones_only",
            Self::Opening => "opening",
            Self::Nothing => "nothing",
        }
    }
}
