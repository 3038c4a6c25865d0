//! Facsimile over IP: whatever comes as a packet, a datagram or a stream is read or refused, within bounds.

use std::sync::Arc;

use answertone_dsp::pcm::SILENCE;
use answertone_t30::{
    audio::{AudioConfig, AudioFrontEnd},
    frame::Modems,
    session::{Config, Session},
    t38::{
        Arrival, Call, LONGEST_PACKET, TerminalConfig, Wire,
        ifp::{DataType, Field, FieldType, Ifp, Syntax},
        relay::{Relay, RelayConfig, Transcoding},
        rtp::{Fec, PayloadTypes},
        tpkt,
        udptl::{self, ErrorCorrection, Sender},
    },
    time::{LineSpan, LineTime},
};

/// From one datagram to the next.
const BETWEEN: LineSpan = LineSpan::ms(20);

/// An input as datagrams: an octet says how long the next is.
fn datagrams(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = input;
    std::iter::from_fn(move || {
        let (&length, after) = rest.split_first()?;
        let (datagram, after) = after.split_at(after.len().min(usize::from(length)));
        rest = after;
        Some(datagram)
    })
}

/// What is read means the same when it was written and read again.
#[test]
fn ifp() {
    target!(|input: &[u8]| {
        for syntax in [Syntax::Y1998, Syntax::Y2002] {
            let Ok(packet) = Ifp::read(input, syntax) else { continue };
            let written = packet.to_octets(syntax);
            assert_eq!(Ifp::read(&written, syntax).as_ref(), Ok(&packet), "{written:02x?}");
        }
    });
}

#[test]
fn udptl() {
    target!(|input: &[u8]| {
        let mut receiver = udptl::Receiver::new(LineSpan::ms(150));
        let mut now = LineTime::ZERO;
        for datagram in datagrams(input) {
            receiver.receive(datagram, now);
            drained(|now| matches_packet(receiver.poll(now)), now);
            now += BETWEEN;
        }
        drained(|now| matches_packet(receiver.poll(now)), now + LineSpan::ms(1000));
    });
}

/// Packets after damaged datagrams come as they were sent, or not at all.
#[test]
fn udptl_damaged() {
    target!(|input: &[u8]| {
        let mut sender = Sender::new(ErrorCorrection::Redundancy { packets: 3 }, 1400);
        let mut receiver = udptl::Receiver::new(LineSpan::ms(150));
        let mut now = LineTime::ZERO;
        for (place, harm) in datagrams(input).enumerate() {
            let mut datagram = sender.send(&[place as u8; 20]);
            if let Some((&at, harm)) = harm.split_first() {
                let at = usize::from(at) % datagram.len();
                datagram.iter_mut().skip(at).zip(harm).for_each(|(octet, harm)| *octet ^= harm);
            }
            receiver.receive(&datagram, now);
            drained(|now| matches_packet(receiver.poll(now)), now);
            now += BETWEEN;
        }
    });
}

fn matches_packet(arrival: Option<Arrival<'_>>) -> Option<usize> {
    arrival.map(|arrival| if let Arrival::Packet(packet) = arrival { packet.len() } else { 0 })
}

/// Everything there is, and that is not without end.
fn drained(mut poll: impl FnMut(LineTime) -> Option<usize>, now: LineTime) {
    let mut arrivals = 0;
    while let Some(octets) = poll(now) {
        assert!(octets <= LONGEST_PACKET);
        arrivals += 1;
        assert!(arrivals < 10_000, "it does not end");
    }
}

#[test]
fn tpkt() {
    target!(|input: &[u8]| {
        let mut stream = tpkt::Stream::new(Syntax::Y2002);
        for octets in datagrams(input) {
            if stream.receive(octets).is_err() {
                return;
            }
            while let Ok(Some(packet)) = stream.poll() {
                assert!(packet.len() <= tpkt::LONGEST);
            }
        }
    });
}

/// A machine behind each wire goes through a call of nonsense and ends.
#[test]
fn call() {
    target!(|input: &[u8]| {
        let Some((&kind, input)) = input.split_first() else { return };
        let wire = match kind % 3 {
            0 => Wire::udptl(ErrorCorrection::default(), 1400),
            1 => {
                let fec = Some(Fec { kind: 98, span: 3, parities: 3 });
                Wire::rtp(PayloadTypes { t38: 96, red: Some((97, 2)), fec }, 1, 1)
            }
            _ => Wire::tpkt(Syntax::Y1998),
        };
        let config = Arc::new(Config { modems: Modems::ALL, ..Config::default() });
        let session = Session::answering(config, LineTime::ZERO);
        let mut call = Call::new(session, TerminalConfig::default(), wire);
        let mut now = LineTime::ZERO;
        for datagram in datagrams(input) {
            call.handle_datagram(datagram, now);
            while call.poll_datagram().is_some() || call.poll_event().is_some() {}
            now += BETWEEN;
        }
        for _ in 0..5000 {
            let Some(due) = call.due().filter(|_| !call.is_over()) else { break };
            now = due.max(now + LineSpan(1));
            call.handle_timeout(now);
            while call.poll_datagram().is_some() || call.poll_event().is_some() {}
        }
    });
}

/// A relay takes any packets in any order.
#[test]
fn relay() {
    target!(|input: &[u8]| {
        let mut relay = Relay::new(RelayConfig::default());
        let mut front = AudioFrontEnd::new(AudioConfig::default()).telling_parts();
        datagrams(input).take(200).for_each(|packet| relayed(&mut relay, &mut front, packet));
    });
}

/// A packet, and the block of the line behind it.
fn relayed(relay: &mut Relay, front: &mut AudioFrontEnd, packet: &[u8]) {
    let (now, mut block) = (front.now(), SILENCE);
    // What is no packet is refused; nothing else is to come of it.
    let _ = relay.handle_packet(packet, now);
    relay.advance(front, now);
    front.transmit(&mut block);
    front.receive(&SILENCE);
    while relay.poll_packet().is_some() {}
}

/// A page of anything in the network's own coding.
#[test]
fn relayed_page() {
    /// DCS of 14400 bit/s with MR, and CFR, as they are in packets.
    const DCS: [u8; 6] = [0xff, 0xc8, 0xc1, 0x00, 0x67, 0x0e];
    const CFR: [u8; 3] = [0xff, 0xc8, 0x21];
    target!(|input: &[u8]| {
        let Some((&kind, input)) = input.split_first() else { return };
        let transcoding = [Transcoding::Mmr, Transcoding::Jbig][usize::from(kind % 2)];
        let mut relay = Relay::new(RelayConfig { transcoding: Some(transcoding), ..RelayConfig::default() });
        let mut front = AudioFrontEnd::new(AudioConfig::default()).telling_parts();
        let mut take = |packet: Ifp<'_>| relayed(&mut relay, &mut front, &packet.to_octets(Syntax::Y1998));
        for octets in [&DCS[..], &CFR] {
            let fields = vec![Field { kind: FieldType::Hdlc, octets }, Field::mark(FieldType::FcsOkSigEnd)];
            take(Ifp::Data(DataType::V21, fields));
        }
        for octets in datagrams(input).filter(|octets| !octets.is_empty()).take(200) {
            take(Ifp::Data(DataType::V17R14400, vec![Field { kind: FieldType::NonEcm, octets }]));
        }
        take(Ifp::Data(DataType::V17R14400, vec![Field::mark(FieldType::NonEcmSigEnd)]));
    });
}
