//! A fax modem on a terminal: AT commands of Class 1 and Class 1.0, ITU-T T.31, over the seam, and of Class 2, 2.0 and 2.1,
//! where T.30 is the modem's own: `crate::class2` holds their calls.
//!
//! ```text
//!  host ── octets ──▶ editor ─▶ commands ─▶ Modem ── Order ──────────▶ front end
//!       ◀─ octets ─── terminal ◀─────────────     ◀─ LineEvent ───────
//!                                                 ── LineOrder ──────▶ telephone line
//!                                                 ◀─ ring, progress ──
//! ```
//!
//! A call that is sent, as a host makes it:
//!
//! ```text
//!  ATD        CONNECT, frame, OK     +FRH=3     CONNECT, frame, OK            CSI, DIS
//!  +FTH=3     CONNECT, frame, CONNECT, frame, OK                              TSI, DCS
//!  +FTM=145   CONNECT, zeros, OK     +FRH=3     CONNECT, frame, OK            TCF, CFR
//!  +FTM=146   CONNECT, page, OK      +FTH=3     CONNECT, frame, OK            page, EOP
//!  +FRH=3     CONNECT, frame, OK     +FTH=3     CONNECT, frame, OK     ATH    MCF, DCN
//! ```
//!
//! Like the session, the modem has no clock and no line. A driver brings it octets, events and the time, and takes out
//! what it wants; its state is consistent after [`Modem::poll`] said [`Output::Wait`].

mod caller;
mod command;
mod dial;
mod hearing;
mod identity;
mod menu;
mod modem;
mod modulation;
#[cfg(feature = "audio")]
mod negotiation;
mod pages;
mod result;
mod sending;
mod settings;
mod shield;
mod terminal;
#[cfg(all(test, feature = "audio"))]
mod tests;
mod v8;

pub use caller::{Burst, Caller, Ring};
pub use dial::{DialStep, number};
pub use modem::Modem;
#[cfg(feature = "audio")]
pub use negotiation::Negotiation;
pub(crate) use shield::{Unshield, Unshielded};
pub(crate) use terminal::{XOFF, XON};
pub use v8::{V8Event, V8Order, V8Tone};

use crate::{seam::Order, time::LineTime};

/// What the modem wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The front end is to do this.
    Order(Order),
    /// The telephone line is to do this.
    Line(LineOrder),
    /// The line's V.8 is to do this; [`Modem::v8`] tells what came of it.
    V8(V8Order),
    /// Nothing until then, or until something happens.
    Wait(Option<LineTime>),
}

/// What is asked of the telephone line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineOrder {
    /// Go off hook and dial; [`Modem::progress`] tells what came of it.
    Dial(Vec<DialStep>),
    /// Go off hook to answer; [`Modem::progress`] tells when the line is through.
    Answer,
    /// Be busy to callers.
    BusyOut,
    /// Go on hook.
    HangUp,
}

/// What has come of dialling or answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The line is through: samples go both ways.
    Connected,
    /// There was no dial tone.
    NoDialTone,
    /// The number, or the network, is busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The line cannot be used, or there is no such number.
    Failed,
}
