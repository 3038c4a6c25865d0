//! What is on its way next: read from the frames that pass, since T.30 says beforehand what a fast signal will be.

use super::Side;
use crate::{
    frame::{BitField, Fcf, Field, Frame, MIN_SCAN_TIMES, Message, carrier_of_rate_bits},
    seam::{Carrier, Framing, Listen, Train},
    session::Terms,
    t38::terminal::RateManagement,
    time::LineSpan,
};

/// A run of zeros this long makes a training check good, as in a machine.
const GOOD_RUN: LineSpan = LineSpan::ms(1000);

/// What was agreed on.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    sender: Side,
    terms: Terms,
    /// What a row takes at least, in milliseconds.
    row_ms: u32,
}

/// The next fast signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// None is known of.
    Nothing,
    /// A training check.
    Check,
    /// A page, or a block of one; whether the modem trains anew.
    Page(Train),
}

pub(super) struct Course {
    rate_management: RateManagement,
    agreed: Option<Agreed>,
    next: Next,
    /// DIS or another sign of a machine was seen.
    begun: bool,
    over: bool,
    /// The run of zeros of the line's training check, and the longest, in bits.
    run: (u64, u64),
    /// The line's training check was bad.
    refused: bool,
    /// The side that a page came from which could not be read where it was transcoded.
    spoiled: Option<Side>,
}

fn with_train(carrier: Carrier, train: Train) -> Carrier {
    match carrier {
        Carrier::V17(rate, _) => Carrier::V17(rate, train),
        other => other,
    }
}

fn framing(terms: &Terms) -> Framing {
    if terms.ecm.is_some() { Framing::Hdlc } else { Framing::Raw }
}

/// A command's time for a row: for its resolution, since only rows with equal times are used in it.
fn row_ms(command: &BitField) -> u32 {
    MIN_SCAN_TIMES[usize::from(command.value(Field::MinScan))].fine_ms
}

impl Course {
    pub(super) fn new(rate_management: RateManagement) -> Self {
        let (agreed, next, run, spoiled) = (None, Next::Nothing, (0, 0), None);
        Self { rate_management, agreed, next, begun: false, over: false, run, refused: false, spoiled }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// An intact frame passes.
    pub(super) fn passes(&mut self, from: Side, octets: &[u8]) {
        let Frame::Known(message) = Frame::parse(octets) else { return };
        let bits = BitField::read(message.field);
        self.begun = true;
        match (message.fcf, Terms::of_field(message.field)) {
            (Fcf::Dcs, Some(terms)) => {
                self.agreed = Some(Agreed { sender: from, terms, row_ms: row_ms(&bits) });
                (self.next, self.run, self.refused) = (Next::Check, (0, 0), false);
            }
            (Fcf::Ctc, _) => {
                if let (Some(agreed), Some(carrier)) = (&mut self.agreed, carrier_of_rate_bits(bits.value(Field::Rate)))
                {
                    agreed.terms.carrier = with_train(carrier, Train::Long);
                    self.next = Next::Page(Train::Long);
                }
            }
            // The long training comes again only with another check, or another rate.
            (Fcf::Cfr | Fcf::Mcf | Fcf::Ppr, _) if self.next != Next::Page(Train::Long) => {
                self.next = if self.agreed.is_some() { Next::Page(Train::Short) } else { Next::Nothing };
            }
            (Fcf::Ftt | Fcf::Rtn | Fcf::Rtp | Fcf::Dis | Fcf::Dtc, _) => {
                (self.next, self.refused, self.spoiled) = (Next::Nothing, false, None);
            }
            (Fcf::Dcn, _) => self.over = true,
            _ => {}
        }
    }

    /// What to listen for on the line while we do not speak there.
    pub(super) fn listen(&self) -> Listen {
        match self.agreed.filter(|agreed| agreed.sender == Side::Line).and_then(|_| self.fast()) {
            Some((carrier, framing)) => Listen::To { carrier, framing },
            None if self.begun => Listen::To { carrier: Carrier::V21, framing: Framing::Hdlc },
            None => Listen::Tones,
        }
    }

    /// The next fast signal.
    pub(super) fn fast(&self) -> Option<(Carrier, Framing)> {
        let terms = self.agreed?.terms;
        match self.next {
            Next::Nothing => None,
            Next::Check => Some((terms.carrier, Framing::Raw)),
            Next::Page(train) => Some((with_train(terms.carrier, train), framing(&terms))),
        }
    }

    /// What the next fast signal is, where that is a page of rows one after the other, and bits that a row takes at least.
    pub(super) fn page(&self) -> Option<(Terms, usize)> {
        let Agreed { terms, row_ms, .. } = self.agreed.filter(|_| matches!(self.next, Next::Page(_)))?;
        let row_bits = (row_ms * terms.carrier.bit_rate()).div_ceil(1000) as usize;
        terms.ecm.is_none().then_some((terms, row_bits))
    }

    /// Whether this carrier brings frames.
    pub(super) fn framing(&self, carrier: Carrier) -> Framing {
        match (carrier, self.next, self.agreed) {
            (Carrier::V21, ..) => Framing::Hdlc,
            (_, Next::Check, _) | (_, _, None) => Framing::Raw,
            (_, _, Some(agreed)) => framing(&agreed.terms),
        }
    }

    /// Whether a training check is on its way that does not pass: each side makes its own.
    pub(super) fn check_stays(&self) -> bool {
        self.next == Next::Check && self.rate_management == RateManagement::LocalTcf
    }

    /// A fast signal is over: a page trained to is followed by others with the short training.
    pub(super) fn fast_over(&mut self) {
        match self.next {
            Next::Check => {
                self.refused = self.check_stays() && !self.is_good();
            }
            Next::Page(_) => self.next = Next::Page(Train::Short),
            Next::Nothing => {}
        }
    }

    /// Octets of the line's own training check.
    pub(super) fn check(&mut self, octets: &[u8]) {
        for &octet in octets {
            for place in 0..8 {
                let (run, longest) = &mut self.run;
                *run = if octet >> place & 1 == 0 { *run + 1 } else { 0 };
                *longest = (*longest).max(*run);
            }
        }
    }

    fn is_good(&self) -> bool {
        let rate = self.agreed.map(|agreed| u64::from(agreed.terms.carrier.bit_rate()));
        rate.is_some_and(|rate| self.run.1 * 1000 >= GOOD_RUN.as_ms() * rate)
    }

    /// A page from there could not be read where it was transcoded: what arrives is another.
    pub(super) fn spoils(&mut self, from: Side) {
        self.spoiled = Some(from);
    }

    /// The frame as it has to be where it goes: nobody is told that what was bad on its way was good.
    pub(super) fn corrected(&self, from: Side, octets: &[u8]) -> Vec<u8> {
        let Frame::Known(message) = Frame::parse(octets) else { return octets.to_vec() };
        let fcf = match message.fcf {
            Fcf::Cfr if self.refused && from == Side::Network => Fcf::Ftt,
            Fcf::Mcf | Fcf::Rtp if self.spoiled.is_some_and(|side| side != from) => Fcf::Rtn,
            _ => return octets.to_vec(),
        };
        let mut out = Vec::with_capacity(octets.len());
        Message { fcf, ..message }.write(&mut out);
        out
    }
}
