//! What a fast modem brings, from its training to its end.

use answertone_dsp::{
    bits::Evm,
    modem::Receiver,
    units::{Db, Hz},
};

use super::heard::{Burst, Heard, HeardFrame, What};
use crate::{
    audio::modems::FAST,
    hdlc::{Deframer, Found},
    seam::{Carrier, Train, V17Rate},
    time::{LineSpan, LineTime},
};

/// Octets of one signal that are kept: 20 minutes at 14400 bit/s.
const MOST_OCTETS: usize = 2 << 20;
/// Frames of one signal that are kept. A block has 256.
const MOST_FRAMES: usize = 4096;
/// Points kept for display.
const MOST_POINTS: usize = 3000;
/// Samples between two looks at the error and the points: 100 ms.
const LOOK: u64 = 800;
/// How long after its training samples are kept: 300 ms.
const SOUND_AFTER: u64 = 2400;
/// Looks kept; beyond them every second is dropped.
const MOST_LOOKS: usize = 1024;
/// A training that is shorter is the short one, if the modem has one.
const SHORT: LineSpan = LineSpan::ms(300);
/// A run of zeros, and flags in a row, that nobody has by chance.
const CERTAIN_ZEROS: u64 = 150;
const CERTAIN_FLAGS: u32 = 6;

/// A signal under way.
pub(super) struct Gather {
    burst: Burst,
    from: LineTime,
    ended: Option<LineTime>,
    deframer: Deframer,
    flags: u32,
    /// Flags in a row were heard, or an intact frame.
    has_flags: bool,
    since_flag: u64,
    zeros: u64,
    octet: u8,
    places: u32,
    slips_before: u32,
    lost_before: u64,
    samples: u64,
    next_look: u64,
    look_every: u64,
    rate: u64,
}

impl Gather {
    pub(super) fn new(receiver: &Receiver, appeared: Option<LineTime>, trained: LineTime, evm: Evm) -> Self {
        let plan = receiver.plan();
        let began = appeared.unwrap_or(trained);
        let short = !plan.short_training.is_empty() && trained.since(began) < SHORT;
        let train = if short { Train::Short } else { Train::Long };
        let burst = Burst {
            carrier: carrier(plan.name, train),
            relayed: false,
            trained,
            evm: Db(evm.0),
            last_evm: Db(evm.0),
            level: receiver.signal_level(),
            carrier_offset: Hz(0.0),
            clock_offset_ppm: 0.0,
            slips: Vec::new(),
            returns: Vec::new(),
            lost: LineSpan::ZERO,
            bits: 0,
            longest_zeros: 0,
            early_zeros: 0,
            frames: Vec::new(),
            octets: Vec::new(),
            points: Vec::new(),
            ideal: plan.coding.points().map(|point| (point.re, point.im)).collect(),
            errors: Vec::new(),
            taps: Vec::new(),
            sound: Vec::new(),
            sound_taps: Vec::new(),
        };
        Self {
            burst,
            from: began,
            ended: None,
            deframer: Deframer::new(),
            flags: 0,
            has_flags: false,
            since_flag: 0,
            zeros: 0,
            octet: 0,
            places: 0,
            slips_before: receiver.mended().slips,
            lost_before: receiver.mended().lost_samples,
            samples: 0,
            next_look: 0,
            look_every: LOOK,
            rate: u64::from(plan.bit_rate.0),
        }
    }

    pub(super) fn trained(&self) -> LineTime {
        self.burst.trained
    }

    /// When it went away last.
    pub(super) fn ended(&self) -> LineTime {
        self.ended.unwrap_or(self.burst.trained)
    }

    pub(super) fn is_away(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn evm(&self) -> f32 {
        self.burst.evm.0
    }

    /// Whether its bits are what no wrong modem hears.
    pub(super) fn is_certain(&self) -> bool {
        self.burst.longest_zeros.max(self.zeros) >= CERTAIN_ZEROS || self.has_flags
    }

    pub(super) fn goes(&mut self, at: LineTime) {
        self.ended = Some(at);
    }

    pub(super) fn comes_back(&mut self, at: LineTime) {
        self.ended = None;
        self.burst.returns.push(at);
    }

    /// Takes the next bits.
    pub(super) fn push(&mut self, bits: &[bool]) {
        bits.iter().for_each(|bit| self.bit(*bit));
    }

    fn bit(&mut self, bit: bool) {
        let burst = &mut self.burst;
        burst.bits += 1;
        self.zeros = if bit { 0 } else { self.zeros + 1 };
        burst.longest_zeros = burst.longest_zeros.max(self.zeros);
        burst.early_zeros += u64::from(!bit && burst.bits * 2 <= self.rate * 3);
        self.octet |= u8::from(bit) << self.places;
        self.places += 1;
        if self.places == 8 {
            if burst.octets.len() < MOST_OCTETS && burst.frames.len() < 4 {
                burst.octets.push(self.octet);
            }
            (self.octet, self.places) = (0, 0);
        }
        self.frame(bit);
    }

    fn frame(&mut self, bit: bool) {
        self.since_flag += 1;
        let at = LineTime(self.burst.trained.0 + self.burst.bits * 8000 / self.rate);
        match self.deframer.push(bit) {
            None => return,
            Some(Found::Abort) => self.flags = 0,
            Some(Found::Flag) => {
                self.flags += 1;
                self.has_flags |= self.flags >= CERTAIN_FLAGS;
            }
            Some(Found::Frame { octets, intact }) => {
                self.flags = 0;
                self.has_flags |= intact;
                // A broken frame counts only among others.
                if (intact || !self.burst.frames.is_empty()) && self.burst.frames.len() < MOST_FRAMES {
                    let from = LineTime(at.0.saturating_sub(self.since_flag * 8000 / self.rate));
                    self.burst.frames.push(HeardFrame { from, to: at, octets: octets.to_vec(), intact });
                }
            }
        }
        self.since_flag = 0;
    }

    /// Whether it has gone on long enough for its samples to be kept, and none are yet.
    pub(super) fn wants_sound(&self) -> bool {
        self.burst.sound.is_empty() && self.samples >= SOUND_AFTER && self.ended.is_none()
    }

    /// Keeps samples to be drawn.
    pub(super) fn keep_sound(&mut self, samples: Vec<f32>) {
        self.burst.sound = samples;
        self.burst.sound_taps = self.burst.taps.clone();
    }

    /// Looks at what the receiver knows now and then.
    pub(super) fn look(&mut self, receiver: &Receiver, samples: u64) {
        self.samples += samples;
        let at = LineTime(self.burst.trained.0 + self.burst.bits * 8000 / self.rate);
        let slips = receiver.mended().slips;
        if slips > self.slips_before + self.burst.slips.len() as u32 {
            self.burst.slips.push(at);
        }
        if self.samples < self.next_look || self.ended.is_some() {
            return;
        }
        self.next_look = self.samples + self.look_every;
        self.burst.errors.push((at, receiver.error_level()));
        if self.burst.points.len() < MOST_POINTS {
            self.burst.points.extend(receiver.points().skip(40).map(|point| (point.re, point.im)));
        }
        self.burst.taps.clear();
        self.burst.taps.extend(receiver.equalizer_taps().map(|tap| (tap.re, tap.im)));
        self.know(receiver);
        if self.burst.errors.len() >= MOST_LOOKS {
            let mut place = 0;
            self.burst.errors.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.look_every *= 2;
        }
    }

    fn know(&mut self, receiver: &Receiver) {
        let burst = &mut self.burst;
        burst.last_evm = receiver.error_level();
        burst.carrier_offset = Hz(receiver.carrier_frequency().0 - receiver.plan().carrier.0);
        burst.clock_offset_ppm = receiver.clock_deviation_ppm();
        burst.lost = LineSpan(receiver.mended().lost_samples.saturating_sub(self.lost_before));
    }

    /// What came of it.
    pub(super) fn finish(mut self, receiver: &Receiver) -> Heard {
        self.burst.lost = LineSpan(receiver.mended().lost_samples.saturating_sub(self.lost_before));
        if self.burst.frames.iter().filter(|frame| frame.intact).count() >= 2 {
            self.burst.octets = Vec::new();
        } else {
            self.burst.frames.clear();
        }
        let ended = self.ended.unwrap_or(LineTime(self.burst.trained.0 + self.burst.bits * 8000 / self.rate));
        Heard { from: self.from, to: ended, what: What::Burst(Box::new(self.burst)) }
    }
}

/// The carrier of a plan.
fn carrier(name: &str, train: Train) -> Carrier {
    let is = |carrier: &&Carrier| crate::audio::modems::plan(**carrier).is_some_and(|plan| plan.name == name);
    match FAST.iter().find(is).copied() {
        Some(Carrier::V17(rate, _)) => Carrier::V17(rate, train),
        Some(other) => other,
        None => Carrier::V17(V17Rate::R14400, train),
    }
}
