//! Receiving: conditioning, demodulators, deframing.

use answertone_dsp::{
    bits::{BitRun, Mark, MarkedBit},
    level::PowerMeter,
    modem::Receiver,
    pcm::BLOCK_SAMPLES,
    units::{Dbm0, SampleIndex},
};

use super::{
    FastSignal,
    arbiter::Arbiter,
    dc::DcBlock,
    events::{EventQueue, Heard},
    filler::{Filler, FillerWatch, Kind},
    mend::Mender,
    modems::{Demodulators, ToneWatchers},
    rest::Rest,
};
use crate::{
    hdlc::{Deframer, Found},
    seam::{Carrier, Evm, Framing, Listen},
    time::{LineSpan, LineTime},
};

/// Bits that one block can give at most: 14400 bit/s and what a demodulator held back.
const RUN_BITS: usize = 512;

/// Flags in a row that make V.21 believed in: by chance they come once in hours of noise.
const FLAGS_IN_A_ROW: u32 = 3;

/// The receiver's half of the front end.
pub(super) struct Receiving {
    filler: FillerWatch,
    dc: DcBlock,
    meter: PowerMeter,
    demodulators: Demodulators,
    tones: ToneWatchers,
    arbiter: Arbiter,
    rest: Rest,
    /// The fast carrier that trained last.
    trained: Option<Carrier>,
    run: BitRun,
    v21: V21Bits,
    fast: FastBits,
    listen: Listen,
}

/// Octets of a frame that are told before it is over.
#[derive(Default)]
struct Parts {
    wanted: bool,
    told: usize,
}

/// The control channel's bits on their way to frames.
struct V21Bits {
    /// Line time of the demodulator's sample zero.
    origin: LineTime,
    deframer: Deframer,
    parts: Parts,
    mender: Mender,
    flags: u32,
    /// The next bit belongs in part to samples that were lost.
    after_loss: bool,
}

/// The fast carrier's bits on their way to frames or octets.
struct FastBits {
    /// Line time of the demodulator's sample zero.
    origin: LineTime,
    deframer: Deframer,
    parts: Parts,
    octet: u8,
    places: u8,
}

impl Receiving {
    pub(super) fn new() -> Self {
        Self {
            filler: FillerWatch::new(),
            dc: DcBlock::default(),
            meter: PowerMeter::new(20.0),
            demodulators: Demodulators::new(),
            tones: ToneWatchers::new(),
            arbiter: Arbiter::new(),
            rest: Rest::new(),
            trained: None,
            run: BitRun::with_room(RUN_BITS),
            v21: V21Bits::new(),
            fast: FastBits::new(),
            listen: Listen::Nothing,
        }
    }

    /// Has octets of frames told while they come.
    pub(super) fn tell_parts(&mut self) {
        (self.v21.parts.wanted, self.fast.parts.wanted) = (true, true);
    }

    /// Changes what is listened for, from the sample at `now` on.
    pub(super) fn listen(&mut self, listen: Listen, now: LineTime) {
        if listen == self.listen {
            return;
        }
        if self.listen == Listen::Nothing {
            self.demodulators.restart(Carrier::V21);
            self.arbiter.restart();
            self.v21.restart(now);
        }
        match listen {
            Listen::Nothing => {}
            Listen::Tones => self.tones.restart(now),
            Listen::To { carrier: Carrier::V21, .. } => {}
            Listen::To { carrier, .. } => {
                self.demodulators.restart(carrier);
                self.fast.restart(now);
            }
        }
        self.arbiter.forget_fast();
        self.rest.restart();
        self.listen = listen;
    }

    pub(super) fn losses_bridged(&self) -> u32 {
        self.arbiter.returns() + self.demodulators.slips_mended()
    }

    pub(super) fn time_lost(&self) -> LineSpan {
        self.demodulators.time_lost()
    }

    /// Level of the line.
    pub(super) fn level(&self) -> Dbm0 {
        self.meter.level()
    }

    /// The modem of the fast signal received last.
    pub(super) fn fast_receiver(&self) -> Option<&Receiver> {
        self.demodulators.receiver(self.trained?)
    }

    /// What is known of the fast signal received last.
    pub(super) fn fast_signal(&self) -> Option<FastSignal> {
        self.demodulators.signal(self.trained?)
    }

    /// Takes the block that began at `start`.
    pub(super) fn run(&mut self, start: LineTime, samples: &[f32; BLOCK_SAMPLES], events: &mut EventQueue) {
        let filler = self.filler.judge(samples);
        let mut block = *samples;
        self.dc.run(&mut block);
        self.meter.run(&block);
        match self.listen {
            Listen::Nothing => return,
            Listen::Tones => self.tones.run(&block, events),
            Listen::To { .. } => {}
        }
        self.run_v21(start, &block, &filler, events);
        if let Some((carrier, framing)) = self.fast_ordered() {
            self.run.clear();
            self.demodulators.of(carrier).run(&block, &mut self.run);
            self.fast_bits(start, carrier, framing, events);
        }
        self.tell_filler(start, &filler, events);
    }

    /// V.21 is led over silence that stands for lost samples. The fast modems find over it by themselves.
    fn run_v21(&mut self, start: LineTime, block: &[f32; BLOCK_SAMPLES], filler: &Filler, events: &mut EventQueue) {
        let mut from = 0;
        for stretch in filler.silent.chunk_by(|one, next| one == next) {
            let to = from + stretch.len();
            let lost = stretch[0] && self.arbiter.trusts_v21();
            match filler.repeated.filter(|place| (from..to).contains(place)) {
                Some(place) => {
                    self.hear_v21(start, &block[from..=place], lost, events);
                    self.v21.doubt();
                    self.hear_v21(start, &block[place + 1..to], lost, events);
                }
                None => self.hear_v21(start, &block[from..to], lost, events),
            }
            from = to;
        }
    }

    fn hear_v21(&mut self, start: LineTime, samples: &[f32], lost: bool, events: &mut EventQueue) {
        self.run.clear();
        match lost {
            true => self.demodulators.of(Carrier::V21).coast(samples.len(), &mut self.run),
            false => self.demodulators.of(Carrier::V21).run(samples, &mut self.run),
        }
        self.v21_bits(start, lost, events);
    }

    /// Tells time that was lost. V.21 may seem to be repeated when it is not.
    fn tell_filler(&mut self, start: LineTime, filler: &Filler, events: &mut EventQueue) {
        let Some((kind, samples)) = filler.ended else { return };
        if self.arbiter.heeds_fast() || kind == Kind::Silence && self.arbiter.follows_a_signal() {
            events.push(end_of(start), Heard::Gap(LineSpan(samples as u64)));
        }
    }

    /// Lets the block that began at `start` pass unheard.
    pub(super) fn coast(&mut self, start: LineTime, events: &mut EventQueue) {
        if self.listen == Listen::Nothing {
            return;
        }
        self.run.clear();
        self.demodulators.of(Carrier::V21).coast(BLOCK_SAMPLES, &mut self.run);
        self.v21_bits(start, true, events);
        if let Some((carrier, framing)) = self.fast_ordered() {
            self.run.clear();
            self.demodulators.of(carrier).coast(BLOCK_SAMPLES, &mut self.run);
            self.fast_bits(start, carrier, framing, events);
        }
    }

    fn v21_bits(&mut self, start: LineTime, lost: bool, events: &mut EventQueue) {
        let fast = self.fast_ordered().map(|(carrier, _)| carrier);
        let mut marks = 0;
        for bit in 0..=self.run.bits().len() {
            while let Some(mark) = self.run.marks().get(marks).filter(|mark| mark.bit <= bit) {
                self.v21.mark(*mark, &mut self.arbiter, events);
                marks += 1;
            }
            if let Some(value) = self.run.bits().get(bit)
                && self.arbiter.heeds_v21()
            {
                let value = (!lost).then_some(*value);
                self.v21.push(value, end_of(start), fast, &mut self.arbiter, events);
            }
        }
        self.v21.after_loss |= lost;
    }

    fn fast_ordered(&self) -> Option<(Carrier, Framing)> {
        match self.listen {
            Listen::To { carrier, framing } if carrier != Carrier::V21 => Some((carrier, framing)),
            _ => None,
        }
    }

    fn fast_bits(&mut self, start: LineTime, carrier: Carrier, framing: Framing, events: &mut EventQueue) {
        let (bits, at) = (self.run.bits(), end_of(start));
        let mut from = 0;
        for mark in self.run.marks().iter().take_while(|mark| mark.bit <= bits.len()) {
            let to = mark.bit.max(from);
            if self.arbiter.heeds_fast() {
                bits[from..to].iter().for_each(|bit| self.fast.push(*bit, at, carrier, framing, events));
            }
            self.fast.mark(*mark, carrier, &mut self.arbiter, events);
            from = to;
        }
        if self.arbiter.heeds_fast() {
            bits[from..].iter().for_each(|bit| self.fast.push(*bit, at, carrier, framing, events));
            self.trained = Some(carrier);
        }
        self.arbiter.tick(end_of(start), carrier, events);
        self.rest.run(end_of(start), self.meter.mean_square(), carrier, &mut self.arbiter, events);
    }
}

/// Bits are stamped with the end of the block that completed them.
fn end_of(start: LineTime) -> LineTime {
    start + super::BLOCK_SPAN
}

fn moment(origin: LineTime, at: SampleIndex) -> LineTime {
    LineTime(origin.0 + at.0)
}

impl Parts {
    /// Tells what has come of a frame since the last time.
    fn tell(&mut self, deframer: &Deframer, at: LineTime, carrier: Carrier, events: &mut EventQueue) {
        let so_far = deframer.so_far();
        if self.wanted && so_far.len() > self.told {
            events.frame_part(at, carrier, &so_far[self.told..]);
            self.told = so_far.len();
        }
    }

    /// The frame is over, or there is none any more.
    fn end(&mut self) {
        self.told = 0;
    }

    /// The frame came to nothing: who was told of it is told so.
    fn void(&mut self, at: LineTime, carrier: Carrier, events: &mut EventQueue) {
        if std::mem::take(&mut self.told) > 0 {
            events.frame(at, carrier, &[], false);
        }
    }
}

impl V21Bits {
    fn new() -> Self {
        let (deframer, parts, mender) = (Deframer::new(), Parts::default(), Mender::new());
        Self { origin: LineTime::ZERO, deframer, parts, mender, flags: 0, after_loss: false }
    }

    fn restart(&mut self, now: LineTime) {
        self.origin = now;
        self.begin();
    }

    fn begin(&mut self) {
        self.flags = 0;
        self.deframer.reset();
        self.parts.end();
        self.mender.restart();
        self.after_loss = false;
    }

    /// A packet was repeated, as it seems: the bits in it are doubtful.
    fn doubt(&mut self) {
        self.mender.doubt();
    }

    fn mark(&mut self, mark: MarkedBit, arbiter: &mut Arbiter, events: &mut EventQueue) {
        let at = moment(self.origin, mark.at);
        match mark.mark {
            Mark::CarrierUp => {
                self.begin();
                arbiter.v21_up(at);
            }
            Mark::CarrierDown => {
                if arbiter.trusts_v21()
                    && let Some(octets) = self.mender.mend_at_end()
                {
                    events.frame(at, Carrier::V21, octets, true);
                }
                self.mender.restart();
                arbiter.v21_down(at, events);
            }
            Mark::Trained(_) | Mark::TrainingFailed => {}
        }
    }

    /// Takes the next bit, or none that was lost: in its place a zero cannot be taken for a part of a flag.
    fn push(
        &mut self,
        bit: Option<bool>,
        at: LineTime,
        fast: Option<Carrier>,
        arbiter: &mut Arbiter,
        events: &mut EventQueue,
    ) {
        let lost = bit.is_none() || std::mem::take(&mut self.after_loss);
        let bit = bit.unwrap_or(false);
        self.mender.push(bit, lost);
        match self.deframer.push(bit) {
            None => {
                if arbiter.trusts_v21() {
                    self.parts.tell(&self.deframer, at, Carrier::V21, events);
                }
                return;
            }
            Some(Found::Abort) => {
                self.flags = 0;
                self.parts.void(at, Carrier::V21, events);
            }
            Some(Found::Flag) => {
                self.flags += 1;
                if self.flags >= FLAGS_IN_A_ROW {
                    arbiter.v21_flags(fast, events);
                }
            }
            Some(Found::Frame { octets, intact }) => {
                self.flags = 0;
                self.parts.end();
                let mended = if intact { None } else { self.mender.mend() };
                let (octets, intact) = mended.map_or((octets, intact), |mended| (mended, true));
                if intact {
                    arbiter.v21_flags(fast, events);
                }
                if arbiter.trusts_v21() {
                    events.frame(at, Carrier::V21, octets, intact);
                }
            }
        }
        self.mender.restart();
    }
}

impl FastBits {
    fn new() -> Self {
        let (deframer, parts) = (Deframer::new(), Parts::default());
        Self { origin: LineTime::ZERO, deframer, parts, octet: 0, places: 0 }
    }

    fn restart(&mut self, now: LineTime) {
        self.origin = now;
        self.begin_data();
    }

    fn begin_data(&mut self) {
        self.deframer.reset();
        self.parts.end();
        (self.octet, self.places) = (0, 0);
    }

    fn mark(&mut self, mark: MarkedBit, carrier: Carrier, arbiter: &mut Arbiter, events: &mut EventQueue) {
        let at = moment(self.origin, mark.at);
        match mark.mark {
            Mark::CarrierUp => arbiter.fast_up(at),
            Mark::Trained(evm) => {
                self.begin_data();
                arbiter.fast_trained(at, carrier, Evm((evm.0 * 10.0) as i32), events);
            }
            Mark::TrainingFailed => arbiter.fast_failed(at, carrier, events),
            Mark::CarrierDown => arbiter.fast_down(at, carrier, events),
        }
    }

    fn push(&mut self, bit: bool, at: LineTime, carrier: Carrier, framing: Framing, events: &mut EventQueue) {
        match framing {
            Framing::Hdlc => match self.deframer.push(bit) {
                None => self.parts.tell(&self.deframer, at, carrier, events),
                Some(Found::Flag) => {}
                Some(Found::Abort) => self.parts.void(at, carrier, events),
                Some(Found::Frame { octets, intact }) => {
                    self.parts.end();
                    events.frame(at, carrier, octets, intact);
                }
            },
            Framing::Raw => self.pack(bit, at, events),
        }
    }

    fn pack(&mut self, bit: bool, at: LineTime, events: &mut EventQueue) {
        self.octet |= u8::from(bit) << self.places;
        self.places += 1;
        if self.places == 8 {
            events.octet(at, self.octet);
            (self.octet, self.places) = (0, 0);
        }
    }
}
