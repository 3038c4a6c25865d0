//! Signals on the air, and what the other end hears of them.

use super::*;

/// How late a front end knows that a carrier came or went.
pub(super) const DETECTION: LineSpan = LineSpan::ms(20);

/// Length of an answer tone.
const CED: LineSpan = LineSpan::ms(3000);

#[derive(Clone)]
pub(super) enum Owned {
    Tone(Tone),
    Up(Carrier),
    Trained(Carrier),
    Failed,
    Down(Carrier),
    Frame { carrier: Carrier, octets: Vec<u8>, intact: bool },
    Octets(Vec<u8>),
}

impl Call<'_> {
    /// A signal goes on the air: all of it is made at once and what will be heard of it is put in the queue.
    pub(super) fn begin(&mut self, from: Side, signal: Signal) {
        let now = self.now;
        if signal != Signal::Cng {
            let other = self.end(from.other()).sending;
            self.collisions += usize::from(other.is_some_and(|(_, until)| until > now));
        }
        let index = self.aired.len();
        let fate = (self.faults)(Passing::Signal { index, from, signal });
        let mut aired = Aired { from, signal, begin: now, end: now, frames: Vec::new() };
        let turn = self.end(from).turn;
        match signal {
            Signal::Cng => {
                if fate == Fate::Pass {
                    self.hear(from.other(), now + LineSpan::ms(500), now, Owned::Tone(Tone::Cng));
                }
                return;
            }
            Signal::Ced => {
                aired.end = now + CED;
                if fate == Fate::Pass {
                    self.hear(from.other(), now + LineSpan::ms(500), now, Owned::Tone(Tone::Ced));
                }
            }
            Signal::Data { carrier, framing } => self.transmit(from, carrier, framing, &fate, &mut aired),
        }
        let end = aired.end;
        self.end(from).sending = Some((signal, end));
        self.aired.push(aired);
        self.at(end, Happening::End { from, turn });
        self.at(end, Happening::Sent { by: from, turn });
    }

    fn transmit(&mut self, from: Side, carrier: Carrier, framing: Framing, fate: &Fate, aired: &mut Aired) {
        let to = from.other();
        let listen = self.end(to).listen;
        let fits = carrier == Carrier::V21 || listen == Listen::To { carrier, framing };
        let tries =
            matches!(listen, Listen::To { carrier: Carrier::V27ter(_) | Carrier::V29(_) | Carrier::V17(..), .. });
        let audible = *fate != Fate::Lose && (carrier == Carrier::V21 && listen != Listen::Nothing || tries);
        let trained = aired.begin + preamble(carrier, framing);
        let heard_as = match (carrier, listen) {
            (Carrier::V21, _) => Carrier::V21,
            (_, Listen::To { carrier, .. }) => carrier,
            _ => carrier,
        };
        let follows = audible && fits && (carrier == Carrier::V21 || *fate != Fate::Damage || framing == Framing::Raw);
        if audible {
            self.hear(to, aired.begin + DETECTION, aired.begin, Owned::Up(heard_as));
            if carrier != Carrier::V21 {
                let event = if follows { Owned::Trained(carrier) } else { Owned::Failed };
                self.hear(to, trained, trained, event);
            }
        }
        let mut end = trained;
        for (octets, cut) in self.pull(from) {
            let bits = if framing == Framing::Hdlc { frame_bits(&octets) } else { octets.len() as u64 * 8 };
            end += LineSpan((bits * 8000).div_ceil(u64::from(carrier.bit_rate())));
            if framing == Framing::Hdlc {
                aired.frames.push(name(&octets));
                if let Some(frame) = self.frame(from, carrier, octets, fate)
                    && follows
                {
                    self.hear(to, end, end, frame);
                }
            } else if follows {
                let octets = if *fate == Fate::Damage { with_errors(octets, carrier) } else { octets };
                self.hear(to, end, end, Owned::Octets(octets));
            }
            assert!(cut != Cut::Frame || framing == Framing::Hdlc, "bare streams have no frames");
        }
        aired.end = end;
        if audible {
            self.hear(to, end + DETECTION, end, Owned::Down(heard_as));
        }
    }

    /// Everything of the signal, a frame or up to 1000 octets at a time.
    fn pull(&mut self, from: Side) -> Vec<(Vec<u8>, Cut)> {
        let mut pieces: Vec<(Vec<u8>, Cut)> = Vec::new();
        loop {
            let mut buf = vec![0; 1000];
            let (count, cut) = self.end(from).session.fill(&mut buf);
            assert!(count > 0 || cut == Cut::Signal, "a session has its signal ready when it is due");
            buf.truncate(count);
            pieces.push((buf, cut));
            if cut == Cut::Signal {
                return pieces;
            }
        }
    }

    fn frame(&mut self, from: Side, carrier: Carrier, octets: Vec<u8>, signal: &Fate) -> Option<Owned> {
        let index = self.frames;
        self.frames += 1;
        let fate = (self.faults)(Passing::Frame { index, from, carrier, octets: &octets });
        let intact = *signal != Fate::Damage && fate != Fate::Damage;
        match fate {
            Fate::Lose => None,
            Fate::Instead(octets) => Some(Owned::Frame { carrier, octets, intact }),
            Fate::Pass | Fate::Damage => Some(Owned::Frame { carrier, octets, intact }),
        }
    }

    pub(super) fn hear(&mut self, by: Side, delivered: LineTime, at: LineTime, event: Owned) {
        let hushes = self.end(by.other()).hushes;
        self.at(delivered, Happening::Hear { by, hushes, event, at });
    }

    /// Tells an event, unless it is the one that something is done to.
    pub(super) fn tell(&mut self, by: Side, event: Owned, at: LineTime) {
        self.events += 1;
        let Some((_, twist)) = self.twist.filter(|(place, _)| place + 1 == self.events) else {
            return self.heard(by, event, at);
        };
        match (twist, event) {
            (Twist::Doubled, event) => {
                self.heard(by, event.clone(), at);
                self.drain();
                self.heard(by, event, at);
            }
            (Twist::Delayed(span), event) => {
                self.twist = None;
                self.hear(by, self.now + span, at, event);
            }
            (Twist::Damaged, Owned::Frame { carrier, octets, .. }) => {
                self.heard(by, Owned::Frame { carrier, octets, intact: false }, at);
            }
            (Twist::Damaged, Owned::Octets(octets)) => {
                let octets = octets.iter().map(|octet| octet ^ 0x5a).collect();
                self.heard(by, Owned::Octets(octets), at);
            }
            (Twist::Damaged, Owned::Trained(_)) => self.heard(by, Owned::Failed, at),
            (Twist::Dropped | Twist::Damaged, _) => {}
        }
    }

    fn heard(&mut self, by: Side, event: Owned, at: LineTime) {
        let end = self.end(by);
        if end.listen == Listen::Nothing && !matches!(event, Owned::Down(_)) {
            return;
        }
        let what = match &event {
            Owned::Tone(_) if end.listen != Listen::Tones => return,
            Owned::Tone(tone) => LineEvent::Tone(*tone),
            Owned::Up(carrier) => LineEvent::CarrierUp(*carrier),
            Owned::Trained(carrier) => LineEvent::Trained { carrier: *carrier, quality: Evm(-300) },
            Owned::Failed => LineEvent::TrainingFailed,
            Owned::Down(carrier) => LineEvent::CarrierDown(*carrier),
            Owned::Frame { carrier, octets, intact } => LineEvent::Frame { carrier: *carrier, octets, intact: *intact },
            Owned::Octets(octets) => LineEvent::Octets(octets),
        };
        end.session.handle(Stamped { at, what });
    }
}

/// The control field's name.
pub(crate) fn name(octets: &[u8]) -> &'static str {
    match Frame::parse(octets) {
        Frame::Known(message) => message.fcf.name(),
        Frame::Unknown(_) => "?",
    }
}

/// A frame of our own making, from a station with the X bit given.
pub(crate) fn frame(fcf: Fcf, x: bool, field: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xff, 0x13, fcf.code(x)];
    octets.extend_from_slice(field);
    octets
}

/// Flags of V.21, training of the others, 200 ms of flags before fast frames.
fn preamble(carrier: Carrier, framing: Framing) -> LineSpan {
    let training = match carrier {
        Carrier::V21 => return LineSpan::ms(1000),
        Carrier::V27ter(V27terRate::R2400) => 943,
        Carrier::V27ter(V27terRate::R4800) => 708,
        Carrier::V29(_) => 253,
        Carrier::V17(_, Train::Long) => 1393,
        Carrier::V17(_, Train::Short) => 142,
    };
    LineSpan::ms(training + if framing == Framing::Hdlc { 200 } else { 0 })
}

/// Bits of a frame with its closing flag.
fn frame_bits(octets: &[u8]) -> u64 {
    let (mut framer, mut bits) = (Framer::new(), 0);
    framer.octets(octets, |_| bits += 1);
    framer.end_frame(|_| bits += 1);
    bits
}

/// One octet wrong in every half second.
fn with_errors(mut octets: Vec<u8>, carrier: Carrier) -> Vec<u8> {
    let every = (carrier.bit_rate() / 16) as usize;
    octets.iter_mut().skip(every / 2).step_by(every).for_each(|octet| *octet ^= 0x5a);
    octets
}
