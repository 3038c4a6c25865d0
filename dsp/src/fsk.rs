//! Frequency shift keying: V.21, V.23, Bell 103 and Bell 202.
//!
//! ```text
//!             ┌ correlate with mark ─ envelope ┐
//!  samples ─▶─┤   over exactly one bit         ├─ difference ─▶ bit clock ─▶ bits
//!             └ correlate with space ─ envelope┘        │
//!                                                       └─▶ carrier watch ─▶ CarrierUp, CarrierDown
//! ```
//!
//! Correlating over one bit and comparing envelopes is the best a receiver can do that does not follow the phase.

mod bank;
mod carrier;
mod clock;
mod correlator;
mod demodulator;
mod levels;
mod modulator;
mod recent;
mod skew;

pub use bank::FskBank;
pub use demodulator::FskDemodulator;
pub use modulator::FskModulator;

use crate::units::{Baud, Hz};

/// One direction of an FSK modem.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FskSpec {
    /// Frequency of a binary 1.
    pub mark: Hz,
    /// Frequency of a binary 0.
    pub space: Hz,
    /// Bits per second.
    pub rate: Baud,
    /// Where the numbers come from.
    pub source: &'static str,
}

/// V.21, the calling modem's channel.
pub const V21_CHANNEL_1: FskSpec =
    FskSpec { mark: Hz(980.0), space: Hz(1180.0), rate: Baud(300.0), source: "ITU-T V.21, channel No. 1" };

/// V.21, the answering modem's channel; both directions of the control channel of T.30.
pub const V21_CHANNEL_2: FskSpec =
    FskSpec { mark: Hz(1650.0), space: Hz(1850.0), rate: Baud(300.0), source: "ITU-T V.21, channel No. 2" };

/// Bell 103, the originating modem.
pub const BELL_103_ORIGINATE: FskSpec =
    FskSpec { mark: Hz(1270.0), space: Hz(1070.0), rate: Baud(300.0), source: "Bell 103, originate" };

/// Bell 103, the answering modem.
pub const BELL_103_ANSWER: FskSpec =
    FskSpec { mark: Hz(2225.0), space: Hz(2025.0), rate: Baud(300.0), source: "Bell 103, answer" };

/// Bell 202, also North American caller identification.
pub const BELL_202: FskSpec =
    FskSpec { mark: Hz(1200.0), space: Hz(2200.0), rate: Baud(1200.0), source: "Bell 202; Telcordia GR-30-CORE" };

/// V.23 mode 2, the forward channel.
pub const V23_FORWARD: FskSpec =
    FskSpec { mark: Hz(1300.0), space: Hz(2100.0), rate: Baud(1200.0), source: "ITU-T V.23, mode 2" };

/// V.23, the backward channel.
pub const V23_BACKWARD: FskSpec =
    FskSpec { mark: Hz(390.0), space: Hz(450.0), rate: Baud(75.0), source: "ITU-T V.23, backward channel" };

/// Every row of this file.
pub const ALL: [FskSpec; 7] =
    [V21_CHANNEL_1, V21_CHANNEL_2, BELL_103_ORIGINATE, BELL_103_ANSWER, BELL_202, V23_FORWARD, V23_BACKWARD];
