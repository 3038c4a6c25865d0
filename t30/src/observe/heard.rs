//! What was heard on one channel, with its times.

use answertone_dsp::{
    tone::{answerer::Answerer, progress::ProgressKind},
    units::{Db, Dbm0, Hz},
};

use super::{info::V34Info, v8::V8Message};
use crate::{
    frame::{Fcf, Frame},
    seam::Carrier,
    time::{LineSpan, LineTime},
};

/// Something that was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its beginning.
    pub from: LineTime,
    /// Its end; its beginning where that is not known.
    pub to: LineTime,
    /// What.
    pub what: What,
}

/// What was heard.
#[derive(Clone, Debug)]
pub enum What {
    /// A caller's fax tone.
    Cng,
    /// An answer tone.
    Answer(AnswerTone),
    /// A digit of a dialling telephone.
    Digit(char),
    /// A tone of the exchange.
    Progress(ProgressKind),
    /// Who calls, as the exchange says before the call is answered.
    CallerId(CallerIdentity),
    /// A message of V.8.
    V8(V8Message),
    /// What modems of V.34 say in phase 2.
    Info(V34Info),
    /// Who answered, when that is no fax machine.
    Answerer(Answerer),
    /// A message of V.21: its flags and frames.
    Control(Control),
    /// A signal of a fast modem.
    Burst(Box<Burst>),
    /// Something that was heard and not understood.
    Unknown(Unknown),
}

/// What a signal that was not understood resembles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// V.21, by its pitch.
    LikeControl,
    /// One tone.
    Tone,
    /// Anything.
    Sound,
}

/// An answer tone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerTone {
    /// Reversals of its phase: V.25 has one each 450 ms.
    pub reversals: u32,
    /// Whether 15 Hz modulate it: ANSam of V.8.
    pub modulated: bool,
}

/// Caller identification as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The standard of the message.
    pub standard: &'static str,
    /// Whether its check sum was right.
    pub intact: bool,
    /// Month, day, hour and minute, two digits each.
    pub date: Option<String>,
    /// The number, or why there is none.
    pub number: Option<String>,
    /// The name, or why there is none.
    pub name: Option<String>,
}

/// A message of the control channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Flags before the first frame.
    pub flags: u32,
    /// Its frames.
    pub frames: Vec<HeardFrame>,
}

/// A frame of HDLC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardFrame {
    /// The end of its first flag.
    pub from: LineTime,
    /// The end of its last.
    pub to: LineTime,
    /// Address to the octet before the frame check sequence.
    pub octets: Vec<u8>,
    /// Whether the frame check sequence was right.
    pub intact: bool,
}

/// A signal of a fast modem.
#[derive(Clone, Debug)]
pub struct Burst {
    /// Modem and rate; V.17 with the training that was heard.
    pub carrier: Carrier,
    /// Whether packets told it: then nothing is known of the line.
    pub relayed: bool,
    /// When its training ended.
    pub trained: LineTime,
    /// Error power at the end of training, relative to the mean power of symbols.
    pub evm: Db,
    /// Error power at its end.
    pub last_evm: Db,
    /// Level of the line in training.
    pub level: Dbm0,
    /// Carrier frequency less the nominal one.
    pub carrier_offset: Hz,
    /// Symbol clock relative to nominal in parts per million; positive: the sender is slow.
    pub clock_offset_ppm: f32,
    /// Slips of the line that were mended, when each was noticed.
    pub slips: Vec<LineTime>,
    /// Times it went away and came back.
    pub returns: Vec<LineTime>,
    /// Time for which symbols were lost without the signal.
    pub lost: LineSpan,
    /// Bits.
    pub bits: u64,
    /// The longest run of zeros.
    pub longest_zeros: u64,
    /// Zeros among the bits of the first 1.5 s.
    pub early_zeros: u64,
    /// Frames of HDLC in it.
    pub frames: Vec<HeardFrame>,
    /// Its bits as octets, first bit least significant; none when it has frames.
    pub octets: Vec<u8>,
    /// Points before decision, a few of each piece of the signal, in the scale of the modem's points.
    pub points: Vec<(f32, f32)>,
    /// The modem's points.
    pub ideal: Vec<(f32, f32)>,
    /// Error power over time.
    pub errors: Vec<(LineTime, Db)>,
    /// The equaliser at its end, half a symbol apart.
    pub taps: Vec<(f32, f32)>,
    /// Some of its samples, from a while after the training on, with the equaliser that it had then.
    pub sound: Vec<f32>,
    /// See `sound`.
    pub sound_taps: Vec<(f32, f32)>,
}

impl CallerIdentity {
    /// Whether it says the same, by whatever modem.
    pub(super) fn same(&self, other: &Self) -> bool {
        (&self.number, &self.name, &self.date) == (&other.number, &other.name, &other.date)
    }
}

impl HeardFrame {
    /// The frame in words.
    pub fn words(&self) -> String {
        let words = Frame::parse(&self.octets).to_string();
        if self.intact { words.trim_end().to_owned() } else { format!("damaged, {} octets", self.octets.len()) }
    }

    /// Its facsimile control field, if it is intact and known.
    pub fn fcf(&self) -> Option<Fcf> {
        match Frame::parse(&self.octets) {
            Frame::Known(message) if self.intact => Some(message.fcf),
            _ => None,
        }
    }

    /// Its facsimile information field.
    pub fn field(&self) -> &[u8] {
        self.octets.get(3..).unwrap_or_default()
    }
}

impl Control {
    /// Its intact frames.
    pub fn intact(&self) -> impl Iterator<Item = &HeardFrame> {
        self.frames.iter().filter(|frame| frame.intact)
    }

    /// Whether an intact frame has this control field.
    pub fn has(&self, fcf: Fcf) -> bool {
        self.frames.iter().any(|frame| frame.fcf() == Some(fcf))
    }
}

impl Burst {
    /// Whether frames of error correction are in it.
    pub fn has_frames(&self) -> bool {
        !self.frames.is_empty()
    }

    /// Whether it is a training check, good or bad: zeros for most of 1.5 s. ITU-T T.30 5.3.6.1.3.
    pub fn is_check(&self) -> bool {
        let rate = u64::from(self.carrier.bit_rate());
        if self.relayed && self.bits == 0 && self.frames.is_empty() {
            // It was checked where the modem is, and only its training was told.
            return true;
        }
        let short = self.bits < rate * 27 / 10;
        short && (self.longest_zeros >= rate / 3 || self.early_zeros * 10 >= self.bits.min(rate * 3 / 2) * 9)
    }
}
