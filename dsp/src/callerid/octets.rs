//! Marks and spaces to octets, start and stop bits away: every octet has its own clock, from the edge of its start bit.
//!
//! ```text
//!  mark ─────┐     ┌─────┐           ┌───── mark
//!            │start│  1  │  0     0  │ … stop
//!            └─────┘     └───────────┘
//!            ▲ edge  ▲ 1.5 bits later the first bit, and so on
//! ```

/// Bits of mark that come before the first octet at least.
const LEAST_MARK: f32 = 16.0;

/// Bits of mark between two octets that end a message: GR-30 allows 10.
const MOST_IDLE: f32 = 60.0;

/// How far from the nominal bit rate a sender may be, as the seizure shows it, and pairs of bits that show it.
const MOST_SKEW: f32 = 0.1;
const PAIRS: u32 = 16;

/// What the line brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brought {
    /// A long mark was followed by a start bit: whatever was before is over.
    Begin,
    /// An octet, and whether its stop bit was one.
    Octet(u8, bool),
    /// No octet came for too long.
    End,
}

/// Where the reader is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Counts samples of mark before the first octet.
    Mark(f32),
    /// Counts samples of mark between octets.
    Idle(f32),
    /// In an octet: samples since the edge of its start bit, bits so far.
    Octet { since: f32, bits: u32, octet: u8 },
}

/// Reads octets from the difference between mark and space.
#[derive(Clone, Debug)]
pub(super) struct OctetReader {
    nominal: f32,
    /// Samples of a bit, as measured in the seizure.
    bit_samples: f32,
    place: Place,
    /// The difference at the sample before.
    before: f32,
    /// Samples since the last fall from mark to space, the mean of those from fall to fall, and how many falls.
    since_fall: f32,
    pair: f32,
    pairs: u32,
}

impl OctetReader {
    pub(super) fn new(bit_samples: f32) -> Self {
        Self {
            nominal: bit_samples,
            bit_samples,
            place: Place::Mark(0.0),
            before: 0.0,
            since_fall: 0.0,
            pair: 2.0 * bit_samples,
            pairs: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.nominal);
    }

    /// Measures the seizure, whose falls are two bits apart.
    fn measure(&mut self, fell: bool, since: f32) {
        self.since_fall += 1.0;
        if !fell {
            return;
        }
        let apart = self.since_fall - since;
        self.since_fall = since;
        if (apart / (2.0 * self.nominal) - 1.0).abs() < 1.5 * MOST_SKEW {
            self.pairs += 1;
            self.pair += (apart - self.pair) / self.pairs.min(PAIRS) as f32;
        }
    }

    /// What a bit lasts, by the seizure if there was one.
    fn measured(&self) -> f32 {
        let skewed = (self.pair / 2.0).clamp(self.nominal * (1.0 - MOST_SKEW), self.nominal * (1.0 + MOST_SKEW));
        if self.pairs < 2 * PAIRS { self.nominal } else { skewed }
    }

    /// Takes the difference at a sample, positive for mark; `steady` while it is no noise.
    pub(super) fn push(&mut self, difference: f32, steady: bool) -> Option<Brought> {
        let before = core::mem::replace(&mut self.before, difference);
        let fell = before > 0.0 && difference <= 0.0;
        // How long ago the difference was zero.
        let since = if fell { difference / (difference - before) } else { 0.0 };
        match self.place {
            Place::Mark(count) => {
                self.measure(fell, since);
                let long = count >= LEAST_MARK * self.bit_samples;
                self.place = match (fell, difference > 0.0 && steady) {
                    (true, _) if long => {
                        self.bit_samples = self.measured();
                        self.pairs = 0;
                        Place::Octet { since, bits: 0, octet: 0 }
                    }
                    (_, true) => Place::Mark(count + 1.0),
                    _ => Place::Mark(0.0),
                };
                (fell && long).then_some(Brought::Begin)
            }
            Place::Idle(count) => {
                if fell || difference <= 0.0 {
                    self.place = Place::Octet { since, bits: 0, octet: 0 };
                } else if count > MOST_IDLE * self.bit_samples {
                    self.place = Place::Mark(count);
                    return Some(Brought::End);
                } else {
                    self.place = Place::Idle(count + 1.0);
                }
                None
            }
            Place::Octet { since, bits, octet } => self.octet(since + 1.0, bits, octet, difference, before),
        }
    }

    /// Another sample of an octet, `since` samples after the edge.
    fn octet(&mut self, since: f32, bits: u32, octet: u8, difference: f32, before: f32) -> Option<Brought> {
        self.place = Place::Octet { since, bits, octet };
        let late = since - (bits as f32 + 0.5) * self.bit_samples;
        if late < 0.0 {
            return None;
        }
        let one = difference + (before - difference) * late.min(1.0) > 0.0;
        match bits {
            0 if one => {
                // No start bit, but a click.
                self.place = Place::Idle(since);
                None
            }
            0..=8 => {
                let octet = if bits > 0 { octet | u8::from(one) << (bits - 1) } else { octet };
                self.place = Place::Octet { since, bits: bits + 1, octet };
                None
            }
            _ => {
                self.place = if one {
                    Place::Idle(0.0)
                } else {
                    // The stop bit is wrong: the next octet is where it ought to be.
                    Place::Octet { since: since - 10.0 * self.bit_samples, bits: 0, octet: 0 }
                };
                Some(Brought::Octet(octet, one))
            }
        }
    }
}
