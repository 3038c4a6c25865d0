//! A call that changes in mid call what carries its signals: from audio to packets, and back.
//!
//! ```text
//!  old front end ── what was ordered and supplied, what was told ──▶ Baton ── the same again ──▶ new front end
//! ```
//!
//! The session notices nothing but a carrier that went away and a signal that takes its time.

use crate::{
    seam::{Carrier, Cut, FrontEnd, LineEvent, Listen, Order, Signal, Tone},
    time::LineTime,
};

/// Octets of a signal that are kept to be said again: all of a train of V.21 frames. Of a page, what is lost is asked for.
const MOST_OCTETS: usize = 2048;

/// Frames of a signal that are kept.
const MOST_FRAMES: usize = 64;

/// What a new front end has to know of the call so far. Nothing here allocates but its making.
#[derive(Debug)]
pub struct Baton {
    listen: Option<Listen>,
    signal: Option<Signal>,
    /// What was supplied for the signal, while that is little,
    octets: Vec<u8>,
    /// what ended there,
    cuts: Vec<(usize, Cut)>,
    /// and whether that is all of it.
    whole: bool,
    /// How much of it was supplied again, octets and cuts, before the session goes on.
    again: Option<(usize, usize)>,
    /// The carrier that the session believes in.
    up: Option<Carrier>,
    fax: bool,
}

impl Default for Baton {
    fn default() -> Self {
        Self {
            listen: None,
            signal: None,
            octets: Vec::with_capacity(MOST_OCTETS),
            cuts: Vec::with_capacity(MOST_FRAMES),
            whole: true,
            again: None,
            up: None,
            fax: false,
        }
    }
}

impl Baton {
    /// The session gave an order.
    pub fn ordered(&mut self, order: &Order) {
        match order {
            Order::Listen(listen) => self.listen = Some(*listen),
            Order::Send { signal, .. } => self.begin(Some(*signal)),
            Order::Hush => self.begin(None),
            Order::HangUp => {}
        }
    }

    fn begin(&mut self, signal: Option<Signal>) {
        self.signal = signal;
        self.octets.clear();
        self.cuts.clear();
        (self.whole, self.again) = (true, None);
    }

    /// The session supplied octets.
    pub fn supplied(&mut self, octets: &[u8], cut: Cut) {
        self.whole &= self.octets.len() + octets.len() <= MOST_OCTETS && self.cuts.len() < MOST_FRAMES;
        if !self.whole {
            return;
        }
        self.octets.extend_from_slice(octets);
        if cut != Cut::More {
            self.cuts.push((self.octets.len(), cut));
        }
    }

    /// The session is told this.
    pub fn heard(&mut self, event: &LineEvent<'_>) {
        match event {
            LineEvent::CarrierUp(carrier) => {
                self.up = Some(*carrier);
                self.fax |= *carrier == Carrier::V21;
            }
            LineEvent::CarrierDown(_) => self.up = None,
            LineEvent::Tone(Tone::Cng) => self.fax = true,
            LineEvent::Sent => {
                self.fax |= self.signal == Some(Signal::Ced);
                self.begin(None);
            }
            _ => {}
        }
    }

    /// Whether the other end is a fax machine beyond doubt, or takes us for one: V.21 or CNG was heard, or our CED is over.
    pub fn is_fax(&self) -> bool {
        self.fax
    }

    /// The carrier that went away with the old front end; the session is to be told.
    pub fn carrier_lost(&mut self) -> Option<Carrier> {
        self.up.take()
    }

    /// Orders from the new front end what the old one had yet to do.
    pub fn pass_on(&mut self, front: &mut impl FrontEnd, now: LineTime) {
        if let Some(listen) = self.listen {
            front.order(Order::Listen(listen));
        }
        if let Some(signal) = self.signal {
            front.order(Order::Send { signal, at: now });
            self.again = self.whole.then_some((0, 0));
        }
    }

    /// Supplies what was supplied before; whether there is more of it, for which there is no room yet.
    pub fn refill(&mut self, front: &mut impl FrontEnd) -> bool {
        while let Some((from, frame)) = self.again {
            let (end, cut) = self.cuts.get(frame).copied().unwrap_or((self.octets.len(), Cut::More));
            let all_of_it = from == end && cut == Cut::More;
            if all_of_it {
                self.again = None;
                break;
            }
            let to = end.min(from + front.room());
            if to == from && to < end {
                return true;
            }
            front.supply(&self.octets[from..to], if to == end { cut } else { Cut::More });
            self.again = Some((to, frame + usize::from(to == end)));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seam::{Framing, Stamped};

    /// A front end that takes so many octets at a time.
    #[derive(Default)]
    struct Ear {
        orders: Vec<Order>,
        octets: Vec<u8>,
        cuts: Vec<Cut>,
        room: usize,
    }

    impl FrontEnd for Ear {
        fn order(&mut self, order: Order) {
            self.orders.push(order);
        }
        fn poll(&mut self) -> Option<Stamped<LineEvent<'_>>> {
            None
        }
        fn room(&self) -> usize {
            self.room
        }
        fn supply(&mut self, octets: &[u8], cut: Cut) {
            assert!(octets.len() <= self.room);
            self.octets.extend(octets);
            self.cuts.push(cut);
        }
    }

    const V21: Signal = Signal::Data { carrier: Carrier::V21, framing: Framing::Hdlc };

    #[test]
    fn a_signal_half_said_is_said_again_from_its_beginning() {
        let mut baton = Baton::default();
        baton.ordered(&Order::Listen(Listen::Tones));
        baton.ordered(&Order::Send { signal: V21, at: LineTime::ZERO });
        baton.supplied(&[1, 2, 3], Cut::More);
        baton.supplied(&[4, 5], Cut::Frame);
        baton.heard(&LineEvent::CarrierUp(Carrier::V21));
        assert_eq!(baton.carrier_lost(), Some(Carrier::V21));
        let mut ear = Ear { room: 2, ..Ear::default() };
        baton.pass_on(&mut ear, LineTime(80));
        assert_eq!(ear.orders, [Order::Listen(Listen::Tones), Order::Send { signal: V21, at: LineTime(80) }]);
        while baton.refill(&mut ear) {}
        assert_eq!((ear.octets.as_slice(), ear.cuts.last()), ([1, 2, 3, 4, 5].as_slice(), Some(&Cut::Frame)));
    }

    #[test]
    fn what_is_over_is_not_said_again() {
        let mut baton = Baton::default();
        baton.ordered(&Order::Send { signal: Signal::Ced, at: LineTime::ZERO });
        assert!(!baton.is_fax());
        baton.heard(&LineEvent::Sent);
        assert!(baton.is_fax());
        let mut ear = Ear::default();
        baton.pass_on(&mut ear, LineTime(80));
        assert!(ear.orders.is_empty() && !baton.refill(&mut ear));
    }
}
