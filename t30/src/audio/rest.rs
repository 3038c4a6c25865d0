//! What goes on of a fast signal that could not be followed to its end.
//!
//! After a loss on the way the receiver waits for the next training, and the signal may go on for a minute. That is told
//! by energy alone, so that whoever waits for its end knows when that is.

use super::{arbiter::Arbiter, events::EventQueue};
use crate::{
    seam::Carrier,
    time::{LineSpan, LineTime},
};

/// Share of the signal's power above which it is there: 8 dB less; noise that lets a modem train is weaker.
const THERE: f32 = 0.16;

/// Share of the signal's power below which it is gone: 11 dB less.
const GONE: f32 = 0.08;

/// How long V.21 has to show that the energy is its own.
const V21_DUE: LineSpan = LineSpan::ms(300);

/// Share of the newest block in the mean power: a third of a second.
const SHARE: f32 = 0.03;

/// Energy behind a fast signal that is not followed any more.
pub(super) struct Rest {
    /// Mean square of the signal while it was followed; zero when there was none.
    signal: f32,
    since: Option<LineTime>,
}

impl Rest {
    pub(super) fn new() -> Self {
        Self { signal: 0.0, since: None }
    }

    /// Another signal is waited for. Should its beginning be lost, it is there all the same, and as strong as the last one.
    pub(super) fn restart(&mut self) {
        self.since = None;
    }

    /// Takes the power of the line at `now`.
    pub(super) fn run(
        &mut self,
        now: LineTime,
        power: f32,
        carrier: Carrier,
        arbiter: &mut Arbiter,
        events: &mut EventQueue,
    ) {
        if arbiter.heeds_fast() {
            self.learn(power);
        } else if self.signal == 0.0 || arbiter.trusts_v21() {
            self.since = None;
        } else if power > THERE * self.signal {
            let since = *self.since.get_or_insert(now);
            if now.since(since) >= V21_DUE {
                arbiter.rest_up(since, carrier, events);
            }
        } else if power < GONE * self.signal && self.since.take().is_some() {
            arbiter.rest_down(now, carrier, events);
        }
    }

    fn learn(&mut self, power: f32) {
        self.since = None;
        self.signal = if self.signal == 0.0 { power } else { self.signal + SHARE * (power - self.signal) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::{Evm, LineEvent, V29Rate};

    const FAST: Carrier = Carrier::V29(V29Rate::R9600);

    /// Runs blocks of a power from a moment on; what was told of carriers.
    fn run(rest: &mut Rest, arbiter: &mut Arbiter, from: u64, blocks: u64, power: f32) -> Vec<(bool, u64)> {
        let mut events = EventQueue::new();
        for block in 0..blocks {
            let now = LineTime(from + 80 * block);
            arbiter.tick(now, FAST, &mut events);
            rest.run(now, power, FAST, arbiter, &mut events);
        }
        let mut told = Vec::new();
        while let Some(event) = events.pop() {
            match event.what {
                LineEvent::CarrierUp(_) => told.push((true, event.at.0)),
                LineEvent::CarrierDown(_) => told.push((false, event.at.0)),
                _ => {}
            }
        }
        told
    }

    #[test]
    fn energy_that_goes_on_is_told_and_so_is_its_end() {
        let (mut rest, mut arbiter) = (Rest::new(), Arbiter::new());
        arbiter.fast_trained(LineTime(0), FAST, Evm(-300), &mut EventQueue::new());
        assert_eq!(run(&mut rest, &mut arbiter, 0, 100, 1.0), []);
        arbiter.fast_down(LineTime(8000), FAST, &mut EventQueue::new());
        assert_eq!(run(&mut rest, &mut arbiter, 8000, 25, 0.0), [(false, 8000)]);
        assert_eq!(run(&mut rest, &mut arbiter, 10_000, 30, 0.9), []);
        assert_eq!(run(&mut rest, &mut arbiter, 12_400, 30, 0.9), [(true, 10_000)]);
        assert_eq!(run(&mut rest, &mut arbiter, 16_000, 10, 0.01), [(false, 16_000)]);
    }

    #[test]
    fn noise_after_a_signal_is_not_its_rest() {
        let (mut rest, mut arbiter) = (Rest::new(), Arbiter::new());
        arbiter.fast_trained(LineTime(0), FAST, Evm(-300), &mut EventQueue::new());
        run(&mut rest, &mut arbiter, 0, 100, 1.0);
        arbiter.fast_down(LineTime(8000), FAST, &mut EventQueue::new());
        assert_eq!(run(&mut rest, &mut arbiter, 8000, 200, 0.1), [(false, 8000)]);
    }
}
