//! Judging a training check: 1.5 s of zeros at the rate of the pages to come.

use crate::{seam::Carrier, time::LineSpan};

/// How long a training check lasts, ITU-T T.30 5.3.6.1.3: 1.5 s ± 10 %.
pub(super) const TCF_LENGTH: LineSpan = LineSpan::ms(1500);

/// The longest run of zeros of a good one is at least so long.
const GOOD_RUN: LineSpan = LineSpan::ms(1000);

/// With error correction a slip and lost packets do no harm, and would come at any rate: the longest runs of zeros may
/// make up a good one. A slip makes two of one, and each loss that the transport tells one more.
const RUNS: usize = 8;
const RUNS_WITHOUT_LOSS: u64 = 2;
const GOOD_RUNS: LineSpan = LineSpan::ms(1400);

/// The shortest loss, that of a block, and how many times its length a loss hurts.
const LOSS: LineSpan = LineSpan::ms(10);
const HURT: u64 = 4;

/// What was heard of a training check.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TrainingCheck {
    zeros: u64,
    /// The longest runs of zeros, the longest first.
    longest: [u64; RUNS],
    ones: u64,
}

impl TrainingCheck {
    pub(super) fn push(&mut self, octets: &[u8]) {
        for &octet in octets {
            match octet {
                0 => self.zeros += 8,
                _ => (0..8).for_each(|place| self.bit(octet >> place & 1 == 1)),
            }
        }
    }

    fn bit(&mut self, one: bool) {
        if !one {
            self.zeros += 1;
            return;
        }
        self.ones += 1;
        self.longest = self.with_this_run();
        self.zeros = 0;
    }

    /// The longest runs, the one that goes on among them.
    fn with_this_run(&self) -> [u64; RUNS] {
        let mut longest = self.longest;
        let mut run = self.zeros;
        longest.iter_mut().for_each(|longer| {
            if run > *longer {
                std::mem::swap(&mut run, longer);
            }
        });
        longest
    }

    /// The longest run of zeros in milliseconds at the carrier's rate.
    pub(super) fn longest_run(&self, carrier: Carrier) -> LineSpan {
        span(self.with_this_run()[0], carrier)
    }

    /// Bits that were not zero.
    pub(super) fn errors(&self) -> u64 {
        self.ones
    }

    /// Whether pages can be sent at this rate.
    pub(super) fn is_good(&self, carrier: Carrier) -> bool {
        self.longest_run(carrier) >= GOOD_RUN
    }

    /// Whether pages with error correction can, when the transport lost this much meanwhile.
    pub(super) fn is_good_but_for_losses(&self, carrier: Carrier, lost: LineSpan) -> bool {
        let runs = RUNS_WITHOUT_LOSS + lost.as_ms() / LOSS.as_ms();
        let bits = self.with_this_run().iter().take(runs as usize).sum();
        let wanted = LineSpan(GOOD_RUNS.0.saturating_sub(HURT * lost.0)).max(GOOD_RUN);
        self.is_good(carrier) || span(bits, carrier) >= wanted
    }
}

fn span(bits: u64, carrier: Carrier) -> LineSpan {
    LineSpan::ms(bits * 1000 / u64::from(carrier.bit_rate()))
}

/// Octets of zeros to send for a training check.
pub(super) fn tcf_octets(carrier: Carrier) -> usize {
    (u64::from(carrier.bit_rate()) * TCF_LENGTH.as_ms() / 8000) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::V29Rate;

    #[test]
    fn a_second_without_errors_is_good() {
        let carrier = Carrier::V29(V29Rate::R9600);
        let octets = tcf_octets(carrier);
        assert_eq!(octets, 1800);
        let mut check = TrainingCheck::default();
        check.push(&vec![0; octets / 3]);
        check.push(&[0x10]);
        check.push(&vec![0; octets * 2 / 3 - 1]);
        assert!(!check.is_good(carrier));
        check.push(&[0; 2]);
        assert!(check.is_good(carrier));
        assert_eq!(check.errors(), 1);
    }

    #[test]
    fn what_the_transport_lost_is_no_reason_for_a_lower_rate_when_errors_are_corrected() {
        let carrier = Carrier::V29(V29Rate::R9600);
        let mut check = TrainingCheck::default();
        for part in [400, 300, 300, 300] {
            // Milliseconds of zeros, then 50 of anything.
            check.push(&vec![0; part * 6 / 5]);
            check.push(&[0x5a; 60]);
        }
        assert!(!check.is_good(carrier) && !check.is_good_but_for_losses(carrier, LineSpan::ms(0)));
        assert!(check.is_good_but_for_losses(carrier, LineSpan::ms(60)));
        let mut slipped = TrainingCheck::default();
        for part in [700, 750] {
            slipped.push(&[&[0x5a; 24][..], &vec![0; part * 6 / 5]].concat());
        }
        assert!(!slipped.is_good(carrier) && slipped.is_good_but_for_losses(carrier, LineSpan::ms(0)));
    }
}
