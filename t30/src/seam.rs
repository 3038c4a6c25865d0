//! The seam between the T.30 machine and whatever carries its signals: modems, T.38 packets, a test.
//!
//! ```text
//!            Order (Listen, Send, Hush, HangUp), octets by supply
//!  Session ────────────────────────────────────────────────────────▶ FrontEnd
//!          ◀────────────────────────────────────────────────────────
//!            LineEvent, stamped with the line time at which it happened
//! ```
//!
//! Neither side calls the other: a driver moves values between them.

use crate::time::{LineSpan, LineTime};

/// V.27ter data signalling rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum V27terRate {
    /// 2400 bit/s.
    R2400,
    /// 4800 bit/s.
    R4800,
}

/// V.29 data signalling rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum V29Rate {
    /// 4800 bit/s: in V.29, not used by T.30.
    R4800,
    /// 7200 bit/s.
    R7200,
    /// 9600 bit/s.
    R9600,
}

/// V.17 data signalling rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum V17Rate {
    /// 7200 bit/s.
    R7200,
    /// 9600 bit/s.
    R9600,
    /// 12000 bit/s.
    R12000,
    /// 14400 bit/s.
    R14400,
}

/// Which training sequence goes before V.17 data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Train {
    /// The full sequence, 1393 ms.
    Long,
    /// The resynchronising sequence, 142.5 ms, after a long one in the same call.
    Short,
}

/// A modem at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// V.21 channel 2, 300 bit/s: the control channel of T.30.
    V21,
    /// V.27ter.
    V27ter(V27terRate),
    /// V.29.
    V29(V29Rate),
    /// V.17.
    V17(V17Rate, Train),
}

/// How octets ride on a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// HDLC frames: flags, zero insertion and frame check sequence are the front end's.
    Hdlc,
    /// A bare stream: TCF and image data without error correction.
    Raw,
}

/// What the front end should listen for. V.21 is always watched beside a fast carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Nothing: we are speaking.
    Nothing,
    /// CNG, CED and V.21.
    Tones,
    /// A signal of this kind, and V.21 frames.
    To {
        /// The modem to train to.
        carrier: Carrier,
        /// How its octets are framed.
        framing: Framing,
    },
}

/// What can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The answer tone, 2100 Hz, ITU-T T.30 4.3.3.2; it ends by itself.
    Ced,
    /// The calling tone, 1100 Hz for 0.5 s every 3.5 s, until something else is sent or it is hushed.
    Cng,
    /// Modulated octets, taken by [`FrontEnd::supply`]. The front end adds preamble or training before them.
    Data {
        /// The modem.
        carrier: Carrier,
        /// How octets are framed.
        framing: Framing,
    },
}

/// What the machine asks of the front end and the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Change what is listened for.
    Listen(Listen),
    /// Begin a signal at that moment, or at once when the moment has passed.
    Send {
        /// The signal.
        signal: Signal,
        /// When its first sample is due.
        at: LineTime,
    },
    /// Stop sending at once; what was supplied is forgotten.
    Hush,
    /// Go on hook.
    HangUp,
}

/// Tones told apart while [`Listen::Tones`] is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// A caller's fax tone, 1100 Hz in its cadence.
    Cng,
    /// An answer tone, 2100 Hz.
    Ced,
}

/// Error vector magnitude at the end of training in tenths of a decibel, relative to the mean symbol power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evm(pub i32);

/// What the front end heard or did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LineEvent<'a> {
    /// A tone was recognised; stamped with its beginning.
    Tone(Tone),
    /// A carrier appeared.
    CarrierUp(Carrier),
    /// A fast carrier's training succeeded.
    Trained {
        /// The carrier.
        carrier: Carrier,
        /// Its quality.
        quality: Evm,
    },
    /// A fast signal was there but could not be trained to.
    TrainingFailed,
    /// The carrier that was up went away.
    CarrierDown(Carrier),
    /// An HDLC frame from address to the octet before the frame check sequence.
    Frame {
        /// The carrier it came by.
        carrier: Carrier,
        /// Address, control, facsimile control field, information field.
        octets: &'a [u8],
        /// Whether the frame check sequence was right.
        intact: bool,
    },
    /// Octets of an HDLC frame that is not over, where the front end was made to tell them. The [`LineEvent::Frame`] that ends
    /// it has them once more, unless it came to nothing: it is not intact then, and has none.
    FramePart {
        /// The carrier they came by.
        carrier: Carrier,
        /// The next of the frame.
        octets: &'a [u8],
    },
    /// Octets of a bare stream, in line order.
    Octets(&'a [u8]),
    /// The last sample of the ordered signal has been produced.
    Sent,
    /// The transport lost this much; time went on.
    Gap(LineSpan),
}

/// A value and the line time at which it happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stamped<T> {
    /// When.
    pub at: LineTime,
    /// What.
    pub what: T,
}

/// What ends with the octets supplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing: more of the same follows.
    More,
    /// An HDLC frame.
    Frame,
    /// An HDLC frame that is void: the line makes known that what it had of it is none.
    Abort,
    /// The frame, if any, and the whole signal.
    Signal,
}

/// A carrier of signals: modems over audio, T.38 over packets, an ideal line in tests.
pub trait FrontEnd {
    /// Carries out an order.
    fn order(&mut self, order: Order);

    /// The next thing that happened. The driver asks until there is nothing.
    fn poll(&mut self) -> Option<Stamped<LineEvent<'_>>>;

    /// How many octets it can take now for the signal being sent; zero when no data signal is ordered.
    fn room(&self) -> usize;

    /// Takes at most [`FrontEnd::room`] octets.
    fn supply(&mut self, octets: &[u8], cut: Cut);
}

impl Carrier {
    /// Data signalling rate in bits per second.
    pub const fn bit_rate(self) -> u32 {
        match self {
            Self::V21 => 300,
            Self::V27ter(V27terRate::R2400) => 2400,
            Self::V27ter(V27terRate::R4800) | Self::V29(V29Rate::R4800) => 4800,
            Self::V29(V29Rate::R7200) | Self::V17(V17Rate::R7200, _) => 7200,
            Self::V29(V29Rate::R9600) | Self::V17(V17Rate::R9600, _) => 9600,
            Self::V17(V17Rate::R12000, _) => 12000,
            Self::V17(V17Rate::R14400, _) => 14400,
        }
    }

    /// The modem's name as users write it: `v21`, `v27ter`, `v29`, `v17`.
    pub const fn modem(self) -> &'static str {
        match self {
            Self::V21 => "v21",
            Self::V27ter(_) => "v27ter",
            Self::V29(_) => "v29",
            Self::V17(..) => "v17",
        }
    }
}
