//! Recordings and captures that nobody meant: a valid file damaged as the input says, and octets of any kind.
//!
//! Without `BOLERO_RANDOM_TEST_TIME_MS`, `BOLERO_RANDOM_ITERATIONS` or `BOLERO_RANDOM_SEED` a fixed row of inputs is
//! tried, the same every time.

use std::{env, io::Cursor};

use answertone_gateway::decode::{audio::Recording, capture, listen};

/// A second of nothing much, 8 kHz, 16 bit.
fn wav() -> Vec<u8> {
    let samples: Vec<u8> = (0..8000_i32).flat_map(|at| ((at * at % 601) as i16 * 9).to_le_bytes()).collect();
    let mut file =
        b"RIFF\xa4\x3e\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x80\x3e\0\0".to_vec();
    file.extend(samples);
    file
}

/// Some datagrams of UDP over Ethernet: RTP, then T.38.
fn pcap() -> Vec<u8> {
    let mut file = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0".to_vec();
    for number in 0..60_u8 {
        let payload = match number {
            0..30 => [&[0x80, 0, 0, number, 0, 0, number, 0xa0, 1, 2, 3, 4][..], &[0xd5; 160]].concat(),
            _ => vec![0, number, 1, 0x06, 0, 0],
        };
        let udp = [&[0x27, 0x10, 0x27, 0x12, 0, 8 + payload.len() as u8, 0, 0][..], &payload].concat();
        let ip = [&[0x45, 0, 0, 20 + udp.len() as u8, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2][..], &udp]
            .concat();
        let frame = [&[0; 12][..], &[8, 0], &ip].concat();
        let length = (frame.len() as u32).to_le_bytes();
        file.extend([u32::from(number).to_le_bytes(), [0; 4], length, length].concat());
        file.extend(frame);
    }
    file
}

/// Damage: places and octets by turns, then where the file ends.
fn damaged(mut file: Vec<u8>, input: &[u8]) -> Vec<u8> {
    for piece in input.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([piece[0], piece[1]])) % file.len();
        // Headers are the worst place.
        let place = if piece[1] < 128 { place % 100 } else { place };
        file[place] = piece[2];
    }
    if let [.., last] = input {
        let keep = file.len() * (1 + usize::from(*last)) / 256;
        file.truncate(keep);
    }
    file
}

fn hear(octets: Vec<u8>) {
    if let Ok(recording) = Recording::of(Cursor::new(octets)) {
        let _ = listen(recording, true, |_| ());
    }
}

fn capture(octets: &[u8]) {
    let _ = capture::calls(octets);
}

/// Explores when asked to; else tries as many inputs of a fixed generator.
fn on_inputs(fixed: u32, body: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    let explores = ["BOLERO_RANDOM_TEST_TIME_MS", "BOLERO_RANDOM_ITERATIONS", "BOLERO_RANDOM_SEED"];
    if explores.iter().any(|name| env::var_os(name).is_some()) {
        return bolero::check!().for_each(|input: &[u8]| body(input));
    }
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    for _ in 0..fixed {
        let length = 1 + usize::from(next()) % 40;
        let input: Vec<u8> = (0..length).map(|_| next()).collect();
        body(&input);
    }
}

#[test]
fn damaged_recordings() {
    on_inputs(60, |input| hear(damaged(wav(), input)));
}

#[test]
fn damaged_captures() {
    on_inputs(400, |input| capture(&damaged(pcap(), input)));
}

#[test]
fn octets() {
    on_inputs(200, |input| {
        hear(input.to_vec());
        capture(input);
        capture(&[&[0x0a, 0x0d, 0x0d, 0x0a], input].concat());
    });
}

#[test]
fn the_undamaged_files_are_heard() {
    assert!(Recording::of(Cursor::new(wav())).is_ok_and(|recording| listen(recording, false, |_| ()).is_ok()));
    assert!(capture::calls(pcap().as_slice()).is_ok_and(|calls| calls.len() == 1));
}
