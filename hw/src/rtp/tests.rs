//! The receiving side in virtual time.

use std::time::Duration;

use answertone_dsp::pcm::SILENCE;
use rtp_types::{RtpPacket, RtpPacketBuilder};

use super::{Codec, Receiver, Sender};

/// Numbers by chance, from a seed.
struct Chance(u64);

impl Chance {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A minute and more of counted samples in L16, through a network; what was heard, block by block.
fn through(
    seconds: f64,
    ppm: f64,
    jitter_ms: f64,
    mut network: impl FnMut(usize, Vec<u8>) -> Vec<Vec<u8>>,
) -> (Vec<[i16; 80]>, Vec<usize>, Receiver) {
    let mut sender = Sender::new(Codec::L16, 10, 101, 0x1234_5678_9abc_def0);
    let mut chance = Chance(7);
    let mut arrivals = vec![];
    for number in 0..(seconds * 50.0) as usize {
        let block = |half: usize| std::array::from_fn(|at| sample(number * 160 + half * 80 + at));
        assert!(sender.block(&block(0)).is_none());
        let packet = sender.block(&block(1)).unwrap().to_vec();
        let left = number as f64 * 0.02 * (1.0 - ppm * 1e-6);
        for packet in network(number, packet) {
            arrivals.push((1000.0 + left + chance.share() * jitter_ms * 1e-3, packet));
        }
    }
    arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut receiver = Receiver::new(Codec::L16, 10, 101, 480);
    let (mut heard, mut lost) = (vec![], vec![]);
    let mut arrivals = arrivals.into_iter().peekable();
    for block in 0..(seconds * 100.0) as usize {
        // Blocks go by the sender's clock, as the pacer makes them.
        let now = 1000.0 + block as f64 * 0.01 * (1.0 - ppm * 1e-6);
        while let Some((arrived, packet)) = arrivals.next_if(|(arrived, _)| *arrived <= now) {
            assert!(receiver.packet(Duration::from_secs_f64(arrived), &packet));
        }
        let mut rx = SILENCE;
        lost.push(receiver.block(&mut rx));
        heard.push(rx);
    }
    (heard, lost, receiver)
}

fn sample(number: usize) -> i16 {
    (number % 30_011) as i16 + 1
}

/// Every sample heard is the one sent so many samples before, or is told as lost.
fn assert_in_place(heard: &[[i16; 80]], lost: &[usize], most_lost: usize) {
    let first = heard.iter().position(|block| block.iter().any(|sample| *sample != 0)).expect("something is heard");
    let origin = first * 80 + heard[first].iter().position(|sample| *sample != 0).unwrap();
    let begun = heard[first][origin % 80] as usize - 1;
    for (number, block) in heard.iter().enumerate().skip(first) {
        let silent = block.iter().filter(|sample| **sample == 0).count();
        assert!(number == first || silent == lost[number], "block {number}: {silent} silent, {} told", lost[number]);
        for (at, heard) in block.iter().enumerate().filter(|(_, heard)| **heard != 0) {
            assert_eq!(*heard, sample(begun + number * 80 + at - origin), "block {number}");
        }
    }
    assert!(lost.iter().sum::<usize>() <= most_lost * 160, "{} samples lost", lost.iter().sum::<usize>());
}

#[test]
fn jitter_and_reordering_within_the_depth_lose_nothing() {
    let (heard, lost, receiver) = through(60.0, 0.0, 40.0, |_, packet| vec![packet]);
    assert_in_place(&heard, &lost, 0);
    let seen = receiver.seen();
    assert!(seen.reordered > 100 && seen.late == 0, "{seen:?}");
    assert!((8.0..20.0).contains(&seen.jitter_ms.unwrap()), "{seen:?}");
}

#[test]
fn lost_and_doubled_packets_move_nothing() {
    let mut chance = Chance(3);
    let mut gone = 0;
    let (heard, lost, receiver) = through(60.0, 0.0, 40.0, |number, packet| {
        let share = chance.share();
        gone += usize::from(number > 0 && share < 0.01);
        match share {
            _ if number == 0 => vec![packet],
            share if share < 0.01 => vec![],
            share if share < 0.05 => vec![packet.clone(), packet],
            _ => vec![packet],
        }
    });
    assert_in_place(&heard, &lost, gone);
    assert!(gone > 10 && receiver.seen().duplicates > 50, "{:?}", receiver.seen());
    assert_eq!(receiver.seen().missing_ms as usize, gone * 20);
}

#[test]
fn a_sender_that_begins_anew_goes_on_where_it_was() {
    let anew = |packet: &[u8]| {
        let packet = RtpPacket::parse(packet).unwrap();
        RtpPacketBuilder::<_, &[u8]>::new()
            .payload_type(packet.payload_type())
            .sequence_number(packet.sequence_number().wrapping_add(20_000))
            .timestamp(packet.timestamp().wrapping_add(3_000_000_000))
            .ssrc(packet.ssrc() ^ 0xffff)
            .payload(packet.payload())
            .write_vec()
            .unwrap()
    };
    let (heard, lost, receiver) =
        through(30.0, 0.0, 15.0, |number, packet| vec![if number < 700 { packet } else { anew(&packet) }]);
    assert_in_place(&heard, &lost, 0);
    assert_eq!(receiver.seen().restarts, 1);
}

#[test]
fn the_senders_clock_is_measured() {
    for ppm in [-200.0, -35.0, 0.0, 60.0, 200.0] {
        let (_, _, receiver) = through(120.0, ppm, 40.0, |_, packet| vec![packet]);
        let measured = f64::from(receiver.seen().clock_ppm.unwrap());
        println!("{ppm} ppm is measured as {measured:.1}");
        assert!((measured - ppm).abs() < 15.0, "{ppm} ppm is measured as {measured}");
        let (_, _, receiver) = through(60.0, ppm, 2.0, |_, packet| vec![packet]);
        let measured = f64::from(receiver.seen().clock_ppm.unwrap());
        assert!((measured - ppm).abs() < 5.0, "{ppm} ppm is measured as {measured} at little jitter");
    }
}

#[test]
fn a_sender_that_stood_still_is_heard_again_without_new_time_stamps() {
    let mut sender = Sender::new(Codec::L16, 10, 101, 1);
    let mut receiver = Receiver::new(Codec::L16, 10, 101, 480);
    let mut heard = 0;
    for round in 0..400 {
        // A second and a half without packets, and without time stamps that tell of it.
        if round % 2 == 0 && !(100..250).contains(&round) {
            sender.block(&[5; 80]);
            let packet = sender.block(&[5; 80]).expect("two blocks are a packet");
            receiver.packet(Duration::from_millis(round * 10), packet);
        }
        let mut rx = SILENCE;
        receiver.block(&mut rx);
        heard += usize::from(round >= 300 && rx[0] != 0);
    }
    assert_eq!(heard, 100, "blocks of the last second");
    assert_eq!(receiver.seen().restarts, 1);
}

#[test]
fn an_event_is_a_digit_and_a_silence_but_no_loss() {
    let event = |duration: u16, end: bool| {
        let [high, low] = duration.to_be_bytes();
        RtpPacketBuilder::<_, &[u8]>::new()
            .payload_type(101)
            .sequence_number(2)
            .timestamp(1160)
            .ssrc(5)
            .payload([7, u8::from(end) << 7 | 10, high, low].as_slice())
            .write_vec()
            .unwrap()
    };
    let audio = RtpPacketBuilder::<_, &[u8]>::new()
        .payload_type(0)
        .sequence_number(1)
        .timestamp(1000)
        .ssrc(5)
        .payload([0x55; 160].as_slice())
        .write_vec()
        .unwrap();
    let mut receiver = Receiver::new(Codec::Pcmu, 0, 101, 320);
    for packet in [audio, event(160, false), event(800, true), event(800, true), event(800, true)] {
        assert!(receiver.packet(Duration::from_secs(1), &packet));
    }
    assert_eq!((receiver.digit(), receiver.digit()), (Some('7'), None));
    let lost: Vec<usize> = (0..17).map(|_| receiver.block(&mut SILENCE.clone())).collect();
    assert_eq!(lost, [[0; 16].as_slice(), &[80]].concat());
}

#[test]
fn what_is_not_rtp_is_told_apart() {
    let mut receiver = Receiver::new(Codec::Pcmu, 0, 101, 320);
    for datagram in [b"".as_slice(), b"GET / HTTP/1.1", &[0x80; 3], &[0; 40]] {
        assert!(!receiver.packet(Duration::ZERO, datagram), "{datagram:?}");
    }
}

#[test]
fn keys_that_are_pressed_are_digits_at_the_far_end() {
    let mut sender = Sender::new(Codec::Pcmu, 0, 97, 1);
    let mut receiver = Receiver::new(Codec::Pcmu, 0, 97, 320);
    assert!("15#".chars().all(|key| sender.press(key)) && !sender.press('x'));
    let (mut digits, mut kinds) = (String::new(), vec![]);
    for round in 0..50 {
        assert!(sender.block(&SILENCE).is_none());
        let packet = sender.block(&SILENCE).expect("two blocks are a packet").to_vec();
        let read = RtpPacket::parse(&packet).unwrap();
        kinds.push((read.payload_type(), read.marker_bit(), read.payload().len()));
        // Of each key, one packet is lost.
        if round % 11 != 4 {
            receiver.packet(Duration::from_millis(round * 20), &packet);
        }
        let mut rx = SILENCE;
        receiver.block(&mut rx);
        receiver.block(&mut rx);
        digits.extend(std::iter::from_fn(|| receiver.digit()));
    }
    assert_eq!(digits, "15#");
    // Five packets as it lasts, the last of them three times, then sound.
    let [key, sound] = [7, 4];
    assert_eq!(kinds[0], (97, true, 4));
    assert!(kinds[1..key].iter().all(|kind| *kind == (97, false, 4)));
    assert!(kinds[key..key + sound].iter().all(|kind| *kind == (0, false, 160)));
    assert_eq!(kinds.iter().filter(|(_, marker, _)| *marker).count(), 3);
}
