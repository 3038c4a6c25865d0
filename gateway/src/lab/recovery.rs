//! How long a receiver is hurt by something that happens in the middle of a message.

use super::{
    mode::Mode,
    table::{Cell, tenths},
    trial::Message,
};

/// Bits at the end of a message that must be right for the receiver to have recovered.
const TAIL: usize = 2000;

/// How far bits may have shifted against the message.
const REACH: isize = 1200;

/// Errors in a hundred tail bits that noise alone may make.
const TOLERATED_PERCENT: usize = 2;

/// Milliseconds from bit `event` of the message, where it happened, to the last bit that is wrong; `None` when the
/// message's end was not received. Bits may have been inserted or lost meanwhile.
pub fn hurt_ms(message: &Message, received: &[bool], event: f64, bit_rate: u32) -> Option<f64> {
    let sent = message.bits.bits();
    let tail = sent.len() - TAIL.min(sent.len() / 4);
    let wrong = |from: usize, offset: isize| wrong_bits(&sent[from..], received, from as isize + offset);
    let offset = (-REACH..=REACH).min_by_key(|offset| wrong(tail, *offset))?;
    if wrong(tail, offset) * 100 > (sent.len() - tail) * TOLERATED_PERCENT {
        return None;
    }
    let before = (event.max(0.0) as usize).min(tail);
    let right = |place: usize| received.get((place as isize + offset) as usize) == Some(&sent[place]);
    let last_wrong = (before..tail).rev().find(|place| !right(*place));
    Some(last_wrong.map_or(0.0, |place| (place as f64 + 1.0 - event).max(0.0) / f64::from(bit_rate) * 1000.0))
}

/// Bits that differ or are missing.
fn wrong_bits(sent: &[bool], received: &[bool], first: isize) -> usize {
    let place = |index: usize| usize::try_from(first + index as isize).ok();
    sent.iter()
        .enumerate()
        .filter(|(index, bit)| place(*index).and_then(|place| received.get(place)) != Some(bit))
        .count()
}

/// Columns of a table of [`Recoveries::row`]s; what happened is named by the second.
pub fn columns(what: &str) -> [&str; 10] {
    ["mode", what, "trials", "recovered", "median_ms", "p99_ms", "worst_ms", "wanted_ms", "peer", "good"]
}

/// How often and how soon receivers recovered.
#[derive(Clone, Debug, Default)]
pub struct Recoveries {
    /// Trials whose beginning was received.
    pub begun: usize,
    /// Times of those that recovered, in milliseconds.
    pub times: Vec<f64>,
}

impl Recoveries {
    /// The row of a table, for a mode and what happened to it; within so many milliseconds recovery is wanted. `peer` is
    /// what another maker's receiver made of it.
    pub fn row(&self, mode: &Mode, name: &str, wanted_ms: f64, peer: Cell) -> Vec<Cell> {
        let worst = self.worst();
        vec![
            mode.name().into(),
            name.into(),
            self.begun.into(),
            Cell::Of(self.times.len(), self.begun),
            tenths(self.within(0.5)),
            tenths(self.within(0.99)),
            tenths(worst),
            tenths(Some(wanted_ms)),
            peer,
            worst.is_some_and(|worst| worst <= wanted_ms).into(),
        ]
    }

    /// Of trials; `None` is one that did not recover.
    pub fn of(trials: Vec<Option<f64>>) -> Self {
        let begun = trials.len();
        let mut times: Vec<f64> = trials.into_iter().flatten().collect();
        times.sort_by(f64::total_cmp);
        Self { begun, times }
    }

    /// Time within which this share of all trials recovered.
    pub fn within(&self, share: f64) -> Option<f64> {
        let place = (share * self.begun as f64).ceil() as usize;
        self.times.get(place.saturating_sub(1)).copied()
    }

    /// The longest time, if all recovered.
    pub fn worst(&self) -> Option<f64> {
        self.within(1.0)
    }
}

#[cfg(test)]
mod tests {
    use answertone_dsp::modem::{Train, prbs::PrbsMessage};

    use super::*;

    fn message(bits: usize) -> Message {
        Message { train: Train::Long, samples: vec![], bits: PrbsMessage::new(3, bits), start: 0, data: 0, end: 0 }
    }

    #[test]
    fn a_recovery_ends_with_the_last_wrong_bit() {
        let message = message(20_000);
        let mut received: Vec<bool> = [false; 9].into_iter().chain(message.bits.bits().iter().copied()).collect();
        assert_eq!(hurt_ms(&message, &received, 5000.0, 1000), Some(0.0));
        received[9 + 5100] ^= true;
        received.drain(9 + 5001..9 + 5011);
        let hurt = hurt_ms(&message, &received, 5000.0, 1000).unwrap();
        assert_eq!(hurt, 101.0);
        received.truncate(12_000);
        assert_eq!(hurt_ms(&message, &received, 5000.0, 1000), None);
    }

    #[test]
    fn shares_are_of_all_trials() {
        let recoveries = Recoveries::of(vec![Some(3.0), None, Some(1.0), Some(2.0)]);
        assert_eq!((recoveries.within(0.5), recoveries.within(0.75), recoveries.worst()), (Some(2.0), Some(3.0), None));
    }
}
