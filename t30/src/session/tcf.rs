//! Judging a training check: 1.5 s of zeros at the rate of the pages to come.

use crate::{seam::Carrier, time::LineSpan};

/// How long a training check lasts, ITU-T T.30 5.3.6.1.3: 1.5 s ± 10 %.
pub(super) const TCF_LENGTH: LineSpan = LineSpan::ms(1500);

/// The longest run of zeros of a good one is at least so long.
const GOOD_RUN: LineSpan = LineSpan::ms(1000);

/// What was heard of a training check.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TrainingCheck {
    zeros: u64,
    longest: u64,
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
        self.longest = self.longest.max(std::mem::take(&mut self.zeros));
    }

    /// The longest run of zeros in milliseconds at the carrier's rate.
    pub(super) fn longest_run(&self, carrier: Carrier) -> LineSpan {
        LineSpan::ms(self.longest.max(self.zeros) * 1000 / u64::from(carrier.bit_rate()))
    }

    /// Bits that were not zero.
    pub(super) fn errors(&self) -> u64 {
        self.ones
    }

    pub(super) fn is_good(&self, carrier: Carrier) -> bool {
        self.longest_run(carrier) >= GOOD_RUN
    }
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
}
