//! Octets to header, markers and coded data, in pieces of any size.

use super::header::{HEADER_OCTETS, JbigHeader, marker};

/// A part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// The header.
    Header(JbigHeader),
    /// Coded data of a stripe, without stuffing.
    Coded(&'a [u8]),
    /// The stripe ends. `resets`: the next one begins as a page does.
    StripeEnd {
        /// SDRST, else SDNORM.
        resets: bool,
    },
    /// The page has that many rows.
    NewLength(u32),
    /// From that row of the next stripe on the adaptive pel is there.
    MoveAdaptivePel {
        /// Row in the stripe.
        row: u32,
        /// How far to the left; 0: where it begins.
        offset: u8,
    },
    /// The sender gives up, or what comes is not T.85.
    Broken,
}

/// What the next octet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// One of the header. So many are there.
    Header(usize),
    /// One of a stripe, or 0xFF. `begun`: octets of the stripe came before.
    Data { begun: bool },
    /// The one behind 0xFF.
    Marker { begun: bool },
    /// One that belongs to a marker. So many are there.
    Field { marker: u8, got: usize },
    /// One of so many that nobody reads.
    Comment { left: u32 },
    /// Of no interest.
    Over,
}

/// Takes octets apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segments {
    state: State,
    field: [u8; HEADER_OCTETS],
}

/// Where in the header the number of planes is, which is 1.
const PLANES_AT: usize = 2;

/// Tells octets whose bits lie the other way round: senders and writers of files do not agree on which bit of an octet
/// goes first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turning {
    seen: usize,
    turns: bool,
}

impl Turning {
    /// Octets as T.82 has them, in `piece`, which is at least as long.
    pub(super) fn upright<'a>(&mut self, octets: &'a [u8], piece: &'a mut [u8]) -> &'a [u8] {
        if let Some(planes) = PLANES_AT.checked_sub(self.seen).and_then(|at| octets.get(at)) {
            // The octets before are zeros, whichever way they lie.
            self.turns = *planes == 1u8.reverse_bits();
        }
        self.seen = (self.seen + octets.len()).min(PLANES_AT + 1);
        if !self.turns {
            return octets;
        }
        let piece = &mut piece[..octets.len()];
        piece.iter_mut().zip(octets).for_each(|(turned, octet)| *turned = octet.reverse_bits());
        piece
    }
}

impl Segments {
    pub(super) fn new() -> Self {
        Self { state: State::Header(0), field: [0; HEADER_OCTETS] }
    }

    /// The next part of `octets`, which is shortened by it; none when they are used up.
    pub(super) fn next<'a>(&mut self, octets: &mut &'a [u8]) -> Option<Segment<'a>> {
        loop {
            let (&octet, rest) = octets.split_first()?;
            if let State::Data { .. } = self.state
                && octet != 0xFF
            {
                return Some(self.coded(octets));
            }
            *octets = rest;
            let found = match self.state {
                State::Header(got) => self.header(got, octet),
                State::Data { begun } => {
                    self.state = State::Marker { begun };
                    None
                }
                State::Marker { begun } => self.marker(octet, begun),
                State::Field { marker, got } => self.marker_field(marker, got, octet),
                State::Comment { left } => {
                    self.comment(left, octets);
                    None
                }
                State::Over => None,
            };
            if found.is_some() {
                return found;
            }
        }
    }

    /// Coded octets up to the next 0xFF.
    fn coded<'a>(&mut self, octets: &mut &'a [u8]) -> Segment<'a> {
        let count = octets.iter().position(|octet| *octet == 0xFF).unwrap_or(octets.len());
        let (coded, rest) = octets.split_at(count);
        *octets = rest;
        self.state = State::Data { begun: true };
        Segment::Coded(coded)
    }

    fn header(&mut self, got: usize, octet: u8) -> Option<Segment<'static>> {
        self.field[got] = octet;
        if got + 1 < HEADER_OCTETS {
            self.state = State::Header(got + 1);
            return None;
        }
        self.state = State::Data { begun: false };
        Some(JbigHeader::read(&self.field).map_or_else(|| self.broken(), Segment::Header))
    }

    fn marker(&mut self, marker: u8, begun: bool) -> Option<Segment<'static>> {
        self.state = State::Data { begun: false };
        match marker {
            marker::STUFF => {
                self.state = State::Data { begun: true };
                Some(Segment::Coded(&[0xFF]))
            }
            marker::SDNORM => Some(Segment::StripeEnd { resets: false }),
            marker::SDRST => Some(Segment::StripeEnd { resets: true }),
            // These stand between stripes only.
            marker::NEWLEN | marker::ATMOVE | marker::COMMENT if !begun => {
                self.state = State::Field { marker, got: 0 };
                None
            }
            // ABORT, 0x04, is among these.
            _ => Some(self.broken()),
        }
    }

    fn marker_field(&mut self, marker: u8, got: usize, octet: u8) -> Option<Segment<'static>> {
        self.field[got] = octet;
        let [a, b, c, d, offset, rise, ..] = self.field;
        let number = u32::from_be_bytes([a, b, c, d]);
        self.state = State::Data { begun: false };
        match (marker, got + 1) {
            (marker::NEWLEN, 4) => Some(Segment::NewLength(number)),
            (marker::ATMOVE, 6) if rise == 0 => Some(Segment::MoveAdaptivePel { row: number, offset }),
            (marker::ATMOVE, 6) => Some(self.broken()),
            (marker::COMMENT, 4) => {
                if number > 0 {
                    self.state = State::Comment { left: number };
                }
                None
            }
            (_, got) => {
                self.state = State::Field { marker, got };
                None
            }
        }
    }

    /// Passes over the rest of a comment, of which one octet is taken.
    fn comment(&mut self, left: u32, octets: &mut &[u8]) {
        let left = left - 1;
        let passed = octets.len().min(left as usize);
        *octets = &octets[passed..];
        let left = left - passed as u32;
        self.state = if left == 0 { State::Data { begun: false } } else { State::Comment { left } };
    }

    fn broken(&mut self) -> Segment<'static> {
        self.state = State::Over;
        Segment::Broken
    }
}
