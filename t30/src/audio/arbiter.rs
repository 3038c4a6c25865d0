//! Who is speaking: V.21 or the fast carrier.
//!
//! Both are watched at once, and each demodulator may take the other's signal for its own. V.21 is believed when flags
//! are heard in a row; a fast carrier is believed when training succeeds, or when it has been there for longer than
//! V.21 would have needed to show its flags. What was not believed is never told.
//!
//! ```text
//!            carrier               three flags                carrier away
//!   Away ──────────────▶ Suspected ───────────────▶ Told ──────────────────▶ Away     V.21
//!            carrier               trained, 120 ms            carrier away
//!   Away ──────────────▶ Suspected ───────────────▶ Told ──────────────────▶ Fading   fast
//!                                                     ◀── comes back ───────   │
//!                                                                  Away ◀──────┘ 65 ms
//! ```
//!
//! A loss of 20 ms on the way takes the fast carrier away, and its receiver finds it again: for as long as it tries,
//! nothing is told, and a signal that comes back goes on as if nothing had been.

use super::events::{EventQueue, Heard};
use crate::{
    seam::{Carrier, Evm},
    time::{LineSpan, LineTime},
};

/// How long V.21 has to show its flags before an untrained fast carrier is told: three flags take 80 ms.
const FLAGS_DUE: LineSpan = LineSpan::ms(120);

/// A training better than this was to a fast carrier, whatever V.21 believed to hear.
const BEYOND_DOUBT: Evm = Evm(-90);

/// How long a receiver tries to find a fast signal again that went away. It is less than the 75 ms after which the line
/// turns around, so an end that was one is told in time.
const RETURN: LineSpan = LineSpan::ms(65);

/// How far a carrier is believed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Away,
    Suspected {
        since: LineTime,
    },
    Told,
    /// Told, and away since then; it may come back. Of a fast carrier only.
    Fading {
        ended: LineTime,
    },
}

/// Turns what two demodulators believe into one story.
pub(super) struct Arbiter {
    v21: Presence,
    fast: Presence,
    trained: bool,
    returns: u32,
}

impl Arbiter {
    pub(super) fn new() -> Self {
        Self { v21: Presence::Away, fast: Presence::Away, trained: false, returns: 0 }
    }

    /// The line is listened to anew: nobody is speaking.
    pub(super) fn restart(&mut self) {
        *self = Self { returns: self.returns, ..Self::new() };
    }

    /// Times a fast carrier faded and came back.
    pub(super) fn returns(&self) -> u32 {
        self.returns
    }

    /// Whether V.21 bits are to be deframed.
    pub(super) fn heeds_v21(&self) -> bool {
        !self.trained
    }

    /// Whether somebody is speaking, or was a moment ago, whom there is no doubt about.
    pub(super) fn follows_a_signal(&self) -> bool {
        self.trusts_v21() || self.trained || matches!(self.fast, Presence::Fading { .. })
    }

    /// Whether V.21 frames are to be told.
    pub(super) fn trusts_v21(&self) -> bool {
        self.v21 == Presence::Told
    }

    /// Whether the fast carrier's bits are data.
    pub(super) fn heeds_fast(&self) -> bool {
        self.trained
    }

    /// V.21 demodulation found a carrier.
    pub(super) fn v21_up(&mut self, at: LineTime) {
        self.v21 = Presence::Suspected { since: at };
    }

    /// Flags in a row, or an intact frame, came by V.21.
    pub(super) fn v21_flags(&mut self, fast: Option<Carrier>, events: &mut EventQueue) {
        let Presence::Suspected { since } = self.v21 else { return };
        if let Some(fast) = fast {
            self.end_fast(since, fast, events);
        }
        events.push(since, Heard::CarrierUp(Carrier::V21));
        self.v21 = Presence::Told;
    }

    /// V.21 demodulation lost its carrier.
    pub(super) fn v21_down(&mut self, at: LineTime, events: &mut EventQueue) {
        if self.v21 == Presence::Told {
            events.push(at, Heard::CarrierDown(Carrier::V21));
        }
        self.v21 = Presence::Away;
    }

    /// The fast demodulator found a carrier.
    pub(super) fn fast_up(&mut self, at: LineTime) {
        if self.fast == Presence::Away {
            self.fast = Presence::Suspected { since: at };
        }
    }

    /// The fast demodulator trained.
    pub(super) fn fast_trained(&mut self, at: LineTime, carrier: Carrier, quality: Evm, events: &mut EventQueue) {
        if self.v21 == Presence::Told {
            if quality > BEYOND_DOUBT {
                return;
            }
            self.v21_down(at, events);
        }
        self.trained = true;
        if let Presence::Fading { .. } = self.fast {
            self.fast = Presence::Told;
            self.returns += 1;
            return;
        }
        self.tell_fast(at, carrier, events);
        events.push(at, Heard::Trained(carrier, quality));
    }

    /// The fast demodulator could not train.
    pub(super) fn fast_failed(&mut self, at: LineTime, carrier: Carrier, events: &mut EventQueue) {
        if self.v21 != Presence::Told {
            self.tell_fast(at, carrier, events);
            events.push(at, Heard::TrainingFailed);
        }
    }

    /// The fast demodulator lost its carrier.
    pub(super) fn fast_down(&mut self, at: LineTime, carrier: Carrier, events: &mut EventQueue) {
        match self.fast {
            Presence::Told if self.trained => {
                self.fast = Presence::Fading { ended: at };
                self.trained = false;
            }
            _ => self.end_fast(at, carrier, events),
        }
    }

    /// What goes on of a fast signal that is not followed any more shows as its energy.
    pub(super) fn rest_up(&mut self, since: LineTime, carrier: Carrier, events: &mut EventQueue) {
        if self.fast == Presence::Away {
            self.fast = Presence::Suspected { since };
            self.tell_fast(since, carrier, events);
        }
    }

    /// That energy is gone.
    pub(super) fn rest_down(&mut self, at: LineTime, carrier: Carrier, events: &mut EventQueue) {
        if self.fast == Presence::Told && !self.trained {
            self.end_fast(at, carrier, events);
        }
    }

    /// Time has come to `now`: a fast carrier that V.21 did not claim is told, and one that did not come back is over.
    pub(super) fn tick(&mut self, now: LineTime, carrier: Carrier, events: &mut EventQueue) {
        match self.fast {
            Presence::Suspected { since } if self.v21 != Presence::Told && now.since(since) >= FLAGS_DUE => {
                self.tell_fast(now, carrier, events);
            }
            Presence::Fading { ended } if now.since(ended) >= RETURN => self.end_fast(now, carrier, events),
            _ => {}
        }
    }

    /// The fast carrier is away for good: that is told if it was told before. One that faded ended when it did.
    fn end_fast(&mut self, at: LineTime, carrier: Carrier, events: &mut EventQueue) {
        match self.fast {
            Presence::Told => events.push(at, Heard::CarrierDown(carrier)),
            Presence::Fading { ended } => events.push(ended, Heard::CarrierDown(carrier)),
            Presence::Away | Presence::Suspected { .. } => {}
        }
        self.forget_fast();
    }

    /// Another fast carrier is listened for, or none.
    pub(super) fn forget_fast(&mut self) {
        self.fast = Presence::Away;
        self.trained = false;
    }

    fn tell_fast(&mut self, now: LineTime, carrier: Carrier, events: &mut EventQueue) {
        match self.fast {
            Presence::Told | Presence::Fading { .. } => return,
            Presence::Suspected { since } => events.push(since, Heard::CarrierUp(carrier)),
            Presence::Away => events.push(now, Heard::CarrierUp(carrier)),
        }
        self.fast = Presence::Told;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::{LineEvent, V29Rate};

    const FAST: Carrier = Carrier::V29(V29Rate::R9600);

    fn told(events: &mut EventQueue) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(event) = events.pop() {
            names.push(match event.what {
                LineEvent::CarrierUp(carrier) => format!("{} up {}", carrier.modem(), event.at.0),
                LineEvent::CarrierDown(carrier) => format!("{} down {}", carrier.modem(), event.at.0),
                LineEvent::Trained { .. } => format!("trained {}", event.at.0),
                LineEvent::TrainingFailed => format!("failed {}", event.at.0),
                other => format!("{other:?}"),
            });
        }
        names
    }

    #[test]
    fn v21_that_looks_like_a_fast_carrier_is_told_as_v21_only() {
        let (mut arbiter, mut events) = (Arbiter::new(), EventQueue::new());
        arbiter.fast_up(LineTime(10));
        arbiter.v21_up(LineTime(20));
        arbiter.tick(LineTime(720), FAST, &mut events);
        arbiter.v21_flags(Some(FAST), &mut events);
        arbiter.fast_failed(LineTime(4000), FAST, &mut events);
        arbiter.fast_down(LineTime(9000), FAST, &mut events);
        arbiter.v21_down(LineTime(9001), &mut events);
        assert_eq!(told(&mut events), ["v21 up 20", "v21 down 9001"]);
    }

    #[test]
    fn energy_without_flags_is_told_as_the_fast_carrier_only() {
        let (mut arbiter, mut events) = (Arbiter::new(), EventQueue::new());
        arbiter.v21_up(LineTime(8));
        arbiter.fast_up(LineTime(10));
        arbiter.fast_trained(LineTime(2034), FAST, Evm(-300), &mut events);
        arbiter.v21_down(LineTime(8999), &mut events);
        arbiter.fast_down(LineTime(9000), FAST, &mut events);
        arbiter.tick(LineTime(9519), FAST, &mut events);
        assert_eq!(told(&mut events), ["v29 up 10", "trained 2034"]);
        arbiter.tick(LineTime(9520), FAST, &mut events);
        assert_eq!(told(&mut events), ["v29 down 9000"]);
    }

    #[test]
    fn a_fast_carrier_that_comes_back_in_time_was_never_away() {
        let (mut arbiter, mut events) = (Arbiter::new(), EventQueue::new());
        arbiter.fast_up(LineTime(10));
        arbiter.fast_trained(LineTime(2034), FAST, Evm(-300), &mut events);
        arbiter.fast_down(LineTime(9000), FAST, &mut events);
        assert!(arbiter.heeds_v21());
        arbiter.tick(LineTime(9400), FAST, &mut events);
        arbiter.fast_up(LineTime(9450));
        arbiter.fast_trained(LineTime(9450), FAST, Evm(-300), &mut events);
        arbiter.tick(LineTime(9600), FAST, &mut events);
        assert!(arbiter.heeds_fast());
        assert_eq!(told(&mut events), ["v29 up 10", "trained 2034"]);
    }

    #[test]
    fn flags_end_a_fading_carrier_when_it_went() {
        let (mut arbiter, mut events) = (Arbiter::new(), EventQueue::new());
        arbiter.fast_up(LineTime(10));
        arbiter.fast_trained(LineTime(2034), FAST, Evm(-300), &mut events);
        arbiter.fast_down(LineTime(9000), FAST, &mut events);
        arbiter.v21_up(LineTime(9100));
        arbiter.v21_flags(Some(FAST), &mut events);
        assert_eq!(told(&mut events), ["v29 up 10", "trained 2034", "v29 down 9000", "v21 up 9100"]);
    }

    #[test]
    fn a_fast_carrier_that_does_not_train_is_told_once_v21_had_its_time() {
        let (mut arbiter, mut events) = (Arbiter::new(), EventQueue::new());
        arbiter.fast_up(LineTime(0));
        arbiter.tick(LineTime(959), FAST, &mut events);
        assert!(told(&mut events).is_empty());
        arbiter.tick(LineTime(960), FAST, &mut events);
        arbiter.fast_failed(LineTime(3000), FAST, &mut events);
        arbiter.fast_down(LineTime(5000), FAST, &mut events);
        assert_eq!(told(&mut events), ["v29 up 0", "failed 3000", "v29 down 5000"]);
    }
}
