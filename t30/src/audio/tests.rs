//! Front ends that talk over a line that drops out or is off in frequency and clock.

use std::ops::Range;

use answertone_dsp::channel::{Channel, Impairments};

use super::*;
use crate::seam::{Framing, Listen, Signal, V29Rate};

const FAST: Carrier = Carrier::V29(V29Rate::R9600);

/// Length of the signal sent in blocks: training and some 4000 octets.
const BLOCKS: usize = 400;

/// A bare V.29 signal, block by block.
fn signal() -> Vec<Block> {
    let mut front = AudioFrontEnd::new(AudioConfig::default());
    front.order(Order::Send { signal: Signal::Data { carrier: FAST, framing: Framing::Raw }, at: LineTime(0) });
    let mut blocks = vec![[0; BLOCK_SAMPLES]; BLOCKS + 60];
    for (index, block) in blocks.iter_mut().enumerate() {
        while front.room() > 0 {
            front.supply(&[0x5a; 64], if index < BLOCKS { Cut::More } else { Cut::Signal });
        }
        front.transmit(block);
        front.now += BLOCK_SPAN;
    }
    blocks
}

/// Blocks of silence instead of these.
fn without(mut blocks: Vec<Block>, gone: Range<usize>) -> Vec<Block> {
    blocks[gone].fill([0; BLOCK_SAMPLES]);
    blocks
}

/// What a front end tells of carriers in the signal.
fn heard(front: &mut AudioFrontEnd, blocks: &[Block]) -> Vec<&'static str> {
    front.order(Order::Listen(Listen::To { carrier: FAST, framing: Framing::Raw }));
    let mut told = Vec::new();
    for block in blocks {
        front.receive(block);
        while let Some(event) = front.poll() {
            match event.what {
                LineEvent::CarrierUp(_) => told.push("up"),
                LineEvent::Trained { .. } => told.push("trained"),
                LineEvent::CarrierDown(_) => told.push("down"),
                _ => {}
            }
        }
    }
    told
}

#[test]
fn a_drop_out_of_20_ms_is_not_the_end() {
    let mut front = AudioFrontEnd::new(AudioConfig::default());
    let told = heard(&mut front, &without(signal(), 200..202));
    assert_eq!(told, ["up", "trained", "down"]);
    assert_eq!(front.losses_bridged(), 1);
}

#[test]
fn what_goes_on_after_a_long_drop_out_is_told() {
    let mut front = AudioFrontEnd::new(AudioConfig::default());
    let told = heard(&mut front, &without(signal(), 200..220));
    assert_eq!(told, ["up", "trained", "down", "up", "down"]);
    assert_eq!(front.losses_bridged(), 0);
}

#[test]
fn offsets_of_carrier_and_clock_are_known_afterwards() {
    let line = Impairments { carrier_offset: Hz(5.0), clock_offset_ppm: 80.0, ..Impairments::default() };
    let mut channel = Channel::new(&line, 1);
    let carried: Vec<Block> = signal().iter().map(|block| through(&mut channel, block)).collect();
    let mut front = AudioFrontEnd::new(AudioConfig::default());
    assert_eq!(front.fast_signal(), None);
    heard(&mut front, &carried);
    let known = front.fast_signal().unwrap();
    assert!((known.carrier_offset.0 - 5.0).abs() < 0.5, "{known:?}");
    assert!((known.clock_offset_ppm.abs() - 80.0).abs() < 30.0, "{known:?}");
}

fn through(channel: &mut Channel, block: &Block) -> Block {
    let (mut sent, mut received, mut out) = ([0.0; BLOCK_SAMPLES], [0.0; BLOCK_SAMPLES], [0; BLOCK_SAMPLES]);
    widen(block, &mut sent);
    channel.run(&sent, &[0.0; BLOCK_SAMPLES], &mut received);
    narrow(&received, &mut out);
    out
}

/// A frame of the control channel as blocks, flags before it.
fn frame_by_v21(octets: &[u8]) -> Vec<Block> {
    let mut front = AudioFrontEnd::new(AudioConfig::default());
    let signal = Signal::Data { carrier: Carrier::V21, framing: Framing::Hdlc };
    front.order(Order::Send { signal, at: LineTime(0) });
    let mut blocks = vec![[0; BLOCK_SAMPLES]; 400];
    for (index, block) in blocks.iter_mut().enumerate() {
        if index == 0 {
            front.supply(octets, Cut::Frame);
            front.supply(&[], Cut::Signal);
        }
        front.transmit(block);
        front.now += BLOCK_SPAN;
    }
    blocks
}

/// The frames that arrive intact.
fn frames_of(blocks: &[Block]) -> Vec<Vec<u8>> {
    let mut front = AudioFrontEnd::new(AudioConfig::default());
    front.order(Order::Listen(Listen::To { carrier: Carrier::V21, framing: Framing::Hdlc }));
    let mut frames = Vec::new();
    for block in blocks {
        front.receive(block);
        while let Some(event) = front.poll() {
            if let LineEvent::Frame { octets, intact: true, .. } = event.what {
                frames.push(octets.to_vec());
            }
        }
    }
    frames
}

#[test]
fn a_packet_lost_without_a_word_costs_no_frame_unless_it_held_the_flag_at_its_end() {
    let resend = [&[0xff, 0x13, 0xbc, 0x00, 0x08, 0x20][..], &[0xff; 30]].concat();
    for frame in [resend, vec![0xff, 0x13, 0xbf, 0x2f, 0x00, 0x26, 0x90]] {
        let blocks = frame_by_v21(&frame);
        assert_eq!(frames_of(&blocks), std::slice::from_ref(&frame));
        let last = blocks.iter().rposition(|block| block.iter().any(|sample| *sample != 0)).unwrap();
        // The first second is flags.
        let (mut silent, mut repeated) = (Vec::new(), Vec::new());
        for packet in 55..last / 2 - 4 {
            let gone = 2 * packet..2 * packet + 2;
            if frames_of(&without(blocks.clone(), gone.clone())) != std::slice::from_ref(&frame) {
                silent.push(packet);
            }
            let mut again = blocks.clone();
            again.copy_within(gone.start - 2..gone.start, gone.start);
            if frames_of(&again) != std::slice::from_ref(&frame) {
                repeated.push(packet);
            }
        }
        assert!(silent.is_empty() && repeated.is_empty(), "{silent:?} {repeated:?} of {last} {:x?}", frame);
    }
}
