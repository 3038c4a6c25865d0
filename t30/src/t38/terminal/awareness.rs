//! Whether no telephone line is between the two machines: each says so in DIS or DCS, ITU-T T.30 table 2 bit 123. A relay
//! takes it out, and then signals last as long as they would on a line.

use crate::frame::{BitField, Fcf, Frame, Message};

/// Internet aware, ITU-T T.30 table 2.
const INTERNET_AWARE: u8 = 123;

/// What the two have said of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Awareness {
    /// We say it.
    ours: bool,
    /// The far end's capabilities say it.
    theirs: bool,
    /// It is in a command that both know.
    agreed: bool,
}

impl Awareness {
    /// Says it, or leaves frames as they are.
    pub(super) fn new(ours: bool) -> Self {
        Self { ours, ..Self::default() }
    }

    /// Whether signals need not last.
    pub(super) fn is_agreed(self) -> bool {
        self.agreed
    }

    /// A frame of the far end.
    pub(super) fn heard(&mut self, message: &Message<'_>) {
        let said = self.ours && BitField::read(message.field).has(INTERNET_AWARE);
        match message.fcf {
            Fcf::Dis | Fcf::Dtc => self.theirs = said,
            Fcf::Dcs => self.agreed = said,
            _ => {}
        }
    }

    /// A frame of ours, as it is to be sent.
    pub(super) fn told(&mut self, octets: Vec<u8>) -> Vec<u8> {
        let Frame::Known(message) = Frame::parse(&octets) else { return octets };
        let says = match message.fcf {
            Fcf::Dis | Fcf::Dtc => self.ours,
            Fcf::Dcs => self.ours && self.theirs,
            _ => return octets,
        };
        if message.fcf == Fcf::Dcs {
            self.agreed = says;
        }
        if !says {
            return octets;
        }
        let (mut bits, mut out) = (BitField::read(message.field), Vec::with_capacity(octets.len() + 16));
        bits.set(INTERNET_AWARE);
        Message { field: bits.octets(), ..message }.write(&mut out);
        out
    }
}
