//! Marks and spaces to octets, start and stop bits away: every octet has its own clock, from the edge of its start bit.
//!
//! ```text
//!  mark ─────┐     ┌─────┐           ┌───── mark
//!            │start│  1  │  0     0  │ … stop
//!            └─────┘     └───────────┘
//!            ▲ edge  ▲ 1.5 bits later the first bit, and so on
//! ```

use crate::{
    callerid::discriminator::{BALANCES, Stretch},
    lanes::Lanes,
};

/// Bits of mark that come before the first octet at least.
const LEAST_MARK: f32 = 16.0;

/// Bits of mark between two octets that end a message: GR-30 allows 10.
const MOST_IDLE: f32 = 60.0;

/// How far from the nominal bit rate a sender may be, as the seizure shows it, and pairs of bits that show it.
const MOST_SKEW: f32 = 0.1;
const PAIRS: u32 = 16;

/// Samples of a part without a signal above which nothing is measured there: a seizure has hardly any.
const MOST_SILENT: u32 = 4;

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

/// Reads octets from the difference between mark and space, in one balance of the two.
#[derive(Clone, Debug)]
pub(super) struct OctetReader {
    /// Which of [`BALANCES`].
    balance: usize,
    nominal: f32,
    /// Samples of a bit, as measured in the seizure.
    bit_samples: f32,
    place: Place,
    /// There was more mark at the sample before.
    marked: bool,
    /// Samples since the last fall from mark to space, the mean of those from fall to fall, and how many falls.
    since_fall: f32,
    pair: f32,
    pairs: u32,
}

/// Samples of a stretch, the first and the one after the last, as one reader sees them.
pub(super) struct Part<'a, V> {
    pub(super) stretch: &'a Stretch<'a, V>,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl OctetReader {
    pub(super) fn new(bit_samples: f32, balance: usize) -> Self {
        Self {
            balance,
            nominal: bit_samples,
            bit_samples,
            place: Place::Mark(0.0),
            marked: false,
            since_fall: 0.0,
            pair: 2.0 * bit_samples,
            pairs: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.nominal, self.balance);
    }

    /// Measures the seizure, whose falls are two bits apart.
    fn measure(&mut self, since: f32) {
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

    /// Takes samples until something came of them; `part` then begins after it.
    pub(super) fn next<V: Lanes>(&mut self, part: &mut Part<'_, V>) -> Option<Brought> {
        while part.from < part.to {
            let brought = match self.place {
                Place::Mark(count) => self.mark(count, part),
                Place::Idle(count) => self.idle(count, part),
                Place::Octet { since, bits, octet } => self.octet(since, bits, octet, part),
            };
            if brought.is_some() {
                return brought;
            }
        }
        None
    }

    /// Goes on after sample `last`.
    fn pass<V: Lanes>(&mut self, part: &mut Part<'_, V>, last: usize) {
        self.marked = part.stretch.marks[self.balance] >> last & 1 == 1;
        part.from = last + 1;
    }

    /// How long before sample `at`, which has more space, the difference was zero; zero if there was no mark before.
    fn since_zero<V: Lanes>(&self, part: &Part<'_, V>, at: usize) -> f32 {
        let (now, before) = (self.difference(part, at as isize), self.difference(part, at as isize - 1));
        let marked = if at == part.from { self.marked } else { before > 0.0 };
        if marked && before > now { (now / (now - before)).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The difference so much before sample `at`, in samples.
    fn between<V: Lanes>(&self, part: &Part<'_, V>, at: usize, late: f32) -> f32 {
        let (now, before) = (self.difference(part, at as isize), self.difference(part, at as isize - 1));
        now + (before - now) * late
    }

    fn difference<V: Lanes>(&self, part: &Part<'_, V>, at: isize) -> f32 {
        part.stretch.difference(at, BALANCES[self.balance])
    }

    /// Through mark and noise to the next fall.
    fn mark<V: Lanes>(&mut self, count: f32, part: &mut Part<'_, V>) -> Option<Brought> {
        let (marks, range) = (part.stretch.marks[self.balance], range(part));
        let before = marks << 1 & !(1 << part.from) | u64::from(self.marked) << part.from;
        let falls = before & !marks & range;
        let fall = first(falls, part);
        // Samples of mark up to the fall without a break.
        let silent = !part.stretch.steady & range;
        let breaks = (!marks & range | silent) & ((1 << fall) - 1);
        let count = match breaks.checked_ilog2() {
            Some(last) => (fall - 1 - last as usize) as f32,
            None => count + (fall - part.from) as f32,
        };
        self.place = Place::Mark(count);
        if count < LEAST_MARK * self.bit_samples && silent.count_ones() > MOST_SILENT {
            self.skip(falls, part);
            return None;
        }
        self.since_fall += (fall - part.from) as f32;
        if fall == part.to {
            self.pass(part, fall - 1);
            return None;
        }
        let since = self.since_zero(part, fall);
        self.since_fall += 1.0;
        self.measure(since);
        self.pass(part, fall);
        if count < LEAST_MARK * self.bit_samples {
            self.place = Place::Mark(0.0);
            return None;
        }
        self.bit_samples = self.measured();
        self.pairs = 0;
        self.place = Place::Octet { since, bits: 0, octet: 0 };
        Some(Brought::Begin)
    }

    /// Through noise, which says nothing, to after the last of some falls, or to the end.
    fn skip<V: Lanes>(&mut self, falls: u64, part: &mut Part<'_, V>) {
        match falls.checked_ilog2() {
            Some(last) => {
                (self.place, self.since_fall) = (Place::Mark(0.0), 0.0);
                self.pass(part, last as usize);
            }
            None => {
                self.since_fall += (part.to - part.from) as f32;
                self.pass(part, part.to - 1);
            }
        }
    }

    /// To the next start bit.
    fn idle<V: Lanes>(&mut self, count: f32, part: &mut Part<'_, V>) -> Option<Brought> {
        let start = first(!part.stretch.marks[self.balance], part);
        let left = (MOST_IDLE * self.bit_samples - count).max(0.0) as usize;
        if start > part.from + left {
            self.place = Place::Mark(count + left as f32 + 1.0);
            self.pass(part, part.from + left);
            return Some(Brought::End);
        }
        if start == part.to {
            self.place = Place::Idle(count + (start - part.from) as f32);
            self.pass(part, start - 1);
            return None;
        }
        self.place = Place::Octet { since: self.since_zero(part, start), bits: 0, octet: 0 };
        self.pass(part, start);
        None
    }

    /// To the middle of the next bit of an octet whose start bit began `since` samples ago.
    fn octet<V: Lanes>(&mut self, since: f32, bits: u32, octet: u8, part: &mut Part<'_, V>) -> Option<Brought> {
        let due = (bits as f32 + 0.5) * self.bit_samples;
        let wait = (due - since - 1.0).max(0.0);
        let at = part.from + wait as usize + usize::from(wait > (wait as usize) as f32);
        if at >= part.to {
            self.place = Place::Octet { since: since + (part.to - part.from) as f32, bits, octet };
            self.pass(part, part.to - 1);
            return None;
        }
        let since = since + (at + 1 - part.from) as f32;
        let late = (since - due).clamp(0.0, 1.0);
        let mark = part.stretch.marks[self.balance];
        let (now, before) = (mark >> at & 1 == 1, if at > part.from { mark >> (at - 1) & 1 == 1 } else { self.marked });
        let one = if now == before { now } else { self.between(part, at, late) > 0.0 };
        self.pass(part, at);
        self.bit(since, bits, octet, one)
    }

    fn bit(&mut self, since: f32, bits: u32, octet: u8, one: bool) -> Option<Brought> {
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

/// The samples of a part.
fn range<V>(part: &Part<'_, V>) -> u64 {
    ((1 << part.to) - 1) & u64::MAX << part.from
}

/// The first sample of a part that a mask has; the one after its last if there is none.
fn first<V>(mask: u64, part: &Part<'_, V>) -> usize {
    ((mask & u64::MAX << part.from).trailing_zeros() as usize).min(part.to)
}
