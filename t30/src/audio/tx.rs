//! Sending: a signal that starts at its sample, with the preamble and the flags T.30 wants around it.
//!
//! ```text
//!  V.21:  1 s of flags ─ frame ─ frame ─ 2 flags
//!  fast:  training ─ 200 ms of flags ─ frame ─ ... ─ frame ─ 3 flags      (HDLC)
//!         training ─ octets ...                                           (bare)
//! ```

use answertone_dsp::bits::BitQueue;

use super::{
    AudioConfig,
    modems::{Modulators, Tones},
};
use crate::{
    hdlc::{Framer, MAX_BITS_PER_OCTET},
    seam::{Carrier, Cut, Framing, Signal},
    time::LineTime,
};

/// Octets taken at a time: an ECM frame has 260.
const SUPPLY_OCTETS: usize = 264;

/// More octets are wanted when fewer bits than this wait: some blocks of the fastest modem.
const LOW_WATER_BITS: usize = 1600;

/// Bits of the longest preamble: 200 ms of flags at 14400 bit/s.
const PREAMBLE_BITS: usize = 2880;

/// Bits kept waiting in a signal that nobody feeds last this long: more than a block and a symbol. They are in the way of what
/// comes next.
const IDLE_MS: usize = 15;

/// Bits of a flag.
const FLAG_BITS: usize = 8;

/// Bits of the fastest modem that are kept waiting at most.
const IDLE_BITS: usize = 14400 * IDLE_MS / 1000 + 2 * FLAG_BITS;

/// What goes around a frame's octets: check sequence and flags.
const FRAME_EXTRA_BITS: usize = 64;

/// Room for a supply on top of all that may wait already.
const QUEUE_BITS: usize =
    PREAMBLE_BITS + LOW_WATER_BITS + IDLE_BITS + SUPPLY_OCTETS * MAX_BITS_PER_OCTET + FRAME_EXTRA_BITS;

/// Flags before the first V.21 frame: 1 s ± 15 %, ITU-T T.30 5.3.1. These are 907 ms: each burst is in the way of a page.
const V21_PREAMBLE_FLAGS: usize = 34;

/// Flags before the first frame on a fast carrier last this long: 200 ms + 100 ms, ITU-T T.4 Annex A.
const FAST_PREAMBLE_MS: usize = 200;

/// Flags after the last V.21 frame, the one that ends the frame not counted.
const V21_CLOSING_FLAGS: usize = 2;

/// Flags after the last frame on a fast carrier, which goes off within 50 ms: ITU-T T.4 Annex A.
const FAST_CLOSING_FLAGS: usize = 3;

/// The sender's half of the front end.
pub(super) struct Sending {
    modulators: Modulators,
    tones: Tones,
    framer: Framer,
    bits: BitQueue,
    stage: Stage,
    /// The last octets of the signal were supplied.
    complete: bool,
    /// A frame was begun and not ended.
    in_frame: bool,
}

/// What becomes of the ordered signal.
#[derive(Clone, Copy)]
enum Stage {
    Silent,
    Due(Signal, LineTime),
    Running(Signal),
}

impl Sending {
    pub(super) fn new(config: AudioConfig) -> Self {
        Self {
            modulators: Modulators::new(config),
            tones: Tones::new(config.level),
            framer: Framer::new(),
            bits: BitQueue::with_room(QUEUE_BITS),
            stage: Stage::Silent,
            complete: false,
            in_frame: false,
        }
    }

    /// Orders a signal. One still running is cut off.
    pub(super) fn begin(&mut self, signal: Signal, at: LineTime) {
        self.hush();
        match signal {
            Signal::Ced => self.tones.restart_ced(),
            Signal::Cng => self.tones.restart_cng(),
            Signal::Data { carrier, framing } => self.begin_data(carrier, framing),
        }
        self.stage = Stage::Due(signal, at);
    }

    fn begin_data(&mut self, carrier: Carrier, framing: Framing) {
        self.modulators.restart(carrier);
        if framing == Framing::Hdlc {
            let flags = match carrier {
                Carrier::V21 => V21_PREAMBLE_FLAGS,
                fast => fast.bit_rate() as usize * FAST_PREAMBLE_MS / 1000 / 8,
            };
            self.flags(flags);
        }
    }

    /// Stops at once.
    pub(super) fn hush(&mut self) {
        self.stage = Stage::Silent;
        self.bits.clear();
        self.framer = Framer::new();
        self.complete = false;
        self.in_frame = false;
    }

    /// Whether what is being sent comes back loud enough, and like enough to a modem signal, to mute the receiver.
    pub(super) fn echoes(&self) -> bool {
        matches!(self.stage, Stage::Running(Signal::Ced | Signal::Data { .. }))
    }

    /// Octets wanted now.
    pub(super) fn room(&self) -> usize {
        let wanted = self.data().is_some() && !self.complete && self.bits.len() < LOW_WATER_BITS;
        if wanted { SUPPLY_OCTETS } else { 0 }
    }

    fn data(&self) -> Option<(Carrier, Framing)> {
        match self.stage {
            Stage::Due(Signal::Data { carrier, framing }, _) | Stage::Running(Signal::Data { carrier, framing }) => {
                Some((carrier, framing))
            }
            _ => None,
        }
    }

    /// Takes octets of the signal. What exceeds the room is not taken.
    pub(super) fn supply(&mut self, octets: &[u8], cut: Cut) {
        let Some((carrier, framing)) = self.data().filter(|_| !self.complete) else { return };
        let octets = &octets[..octets.len().min(SUPPLY_OCTETS)];
        match framing {
            Framing::Raw => octets.iter().for_each(|octet| self.bits.push_octet(*octet)),
            Framing::Hdlc => self.frame_octets(octets, cut),
        }
        if cut == Cut::Signal {
            self.finish(carrier, framing);
        }
    }

    fn frame_octets(&mut self, octets: &[u8], cut: Cut) {
        self.framer.octets(octets, |bit| self.bits.push(bit));
        self.in_frame |= !octets.is_empty();
        if self.in_frame && cut != Cut::More {
            match cut {
                Cut::Abort => self.framer.abort(|bit| self.bits.push(bit)),
                _ => self.framer.end_frame(|bit| self.bits.push(bit)),
            }
            self.in_frame = false;
        }
    }

    fn finish(&mut self, carrier: Carrier, framing: Framing) {
        if framing == Framing::Hdlc {
            self.flags(if carrier == Carrier::V21 { V21_CLOSING_FLAGS } else { FAST_CLOSING_FLAGS });
        }
        self.bits.finish();
        self.complete = true;
    }

    fn flags(&mut self, count: usize) {
        for _ in 0..count {
            self.framer.flag(|bit| self.bits.push(bit));
        }
    }

    /// Writes the samples from `now` on over silence. Tells the moment behind the last sample when a signal ended.
    pub(super) fn run(&mut self, now: LineTime, out: &mut [f32]) -> Option<LineTime> {
        let (signal, from) = match self.stage {
            Stage::Silent => return None,
            Stage::Running(signal) => (signal, 0),
            Stage::Due(signal, at) => (signal, usize::try_from(at.since(now).0).unwrap_or(usize::MAX)),
        };
        let out = out.get_mut(from..).filter(|out| !out.is_empty())?;
        self.stage = Stage::Running(signal);
        let written = self.samples(signal, out);
        if written == out.len() {
            return None;
        }
        self.hush();
        Some(LineTime(now.0 + (from + written) as u64))
    }

    fn samples(&mut self, signal: Signal, out: &mut [f32]) -> usize {
        match signal {
            Signal::Ced => self.tones.ced(out),
            Signal::Cng => self.tones.cng(out),
            Signal::Data { carrier, framing } => {
                self.keep_going(carrier, framing);
                self.modulators.of(carrier).run(&mut self.bits, out)
            }
        }
    }

    /// Between frames the line carries flags, however long the machine takes.
    fn keep_going(&mut self, carrier: Carrier, framing: Framing) {
        let least = carrier.bit_rate() as usize * IDLE_MS / 1000 + FLAG_BITS;
        while framing == Framing::Hdlc && !self.complete && !self.in_frame && self.bits.len() < least {
            self.flags(1);
        }
    }
}
