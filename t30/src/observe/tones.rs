//! What opens a call: dialling, ringing, caller identification, the two tones of fax, V.8, and who else may answer.

use std::collections::VecDeque;

use answertone_dsp::{
    bits::BitRun,
    callerid::{CallerIdReceiver, Message, Standard, absence},
    fsk::{FskDemodulator, V21_CHANNEL_1, V21_CHANNEL_2},
    modem::Demodulator,
    tone::{
        answerer::{Answerer, AnswererDetector},
        call::{CedDetector, CngDetector},
        dtmf_detector::DtmfDetector,
        progress::ProgressDetector,
    },
};

use super::{
    heard::{AnswerTone, CallerIdentity, Heard, What},
    info::InfoEars,
    v8::{V8Ear, V8Message},
};
use crate::time::LineTime;

/// Standards of caller identification that are listened for, with their names, by their modems.
const STANDARDS: [&[(Standard, &str)]; 2] =
    [&[(Standard::Bellcore, "Bell 202")], &[(Standard::Bt, "V.23"), (Standard::Japan, "NTT")]];

/// How long after the last sign of a fax call the opening is listened to again.
const AFTER: u64 = 10 * 8000;

/// How long after a data modem was recognised.
const AFTER_DATA: u64 = 60 * 8000;

/// Blocks of silence that end a digit.
const SILENT_BLOCKS: usize = 10;

/// Samples kept for a reader of caller identification that is woken by the carrier, and for how long it stays awake.
const BEFORE_CARRIER: usize = 2400;
const AWAKE: u64 = 4000;

/// How long after a message of V.8 phase 2 of V.34 is listened for.
const PHASE_2: u64 = 20 * 8000;

/// Listens for tones.
pub(super) struct ToneEars {
    now: u64,
    ced: CedDetector,
    ced_from: Option<LineTime>,
    cng: CngDetector,
    cng_from: Option<LineTime>,
    opening: Opening,
    /// Of caller and answerer, and until when they listen.
    info: InfoEars,
    info_until: u64,
    /// Until when the other ears rest, because a fax call is under way.
    rests_until: u64,
}

/// Ears that only the opening of a call needs. Each counts samples from when they began.
struct Opening {
    origin: u64,
    digits: DtmfDetector,
    progress: ProgressDetector,
    answerer: AnswererDetector,
    caller_id: [CallerIdEar; 2],
    v8: [V8Ear; 2],
    /// The message of V.8 told last, and the caller identification.
    told: Option<V8Message>,
    identified: Option<CallerIdentity>,
}

impl ToneEars {
    pub(super) fn new() -> Self {
        Self {
            now: 0,
            ced: CedDetector::new(),
            ced_from: None,
            cng: CngDetector::new(),
            cng_from: None,
            opening: Opening::new(0),
            info: InfoEars::new(),
            info_until: 0,
            rests_until: 0,
        }
    }

    /// A fax call is under way: it has no dialling in it.
    pub(super) fn rest(&mut self) {
        self.rests_until = self.now + AFTER;
    }

    /// Takes the next samples, at most a block.
    pub(super) fn run(&mut self, samples: &[f32], heard: &mut impl FnMut(Heard)) {
        let was_resting = self.now < self.rests_until;
        self.now += samples.len() as u64;
        self.answer_tone(samples, heard);
        self.calling_tone(samples, heard);
        self.phase_2(samples, heard);
        if self.now < self.rests_until {
            return;
        }
        if was_resting {
            self.opening = Opening::new(self.now - samples.len() as u64);
        }
        let (now, info_until) = (self.now, &mut self.info_until);
        self.opening.run(samples, now, &mut |what: Heard| {
            if matches!(what.what, What::V8(_)) {
                *info_until = now + PHASE_2;
            }
            heard(what);
        });
        if self.opening.is_data() {
            self.rests_until = self.now + AFTER_DATA;
        }
    }

    /// The recording has ended.
    pub(super) fn finish(&mut self, heard: &mut impl FnMut(Heard)) {
        let now = LineTime(self.now);
        if self.now >= self.rests_until {
            // A digit that the end of the recording cuts off is over.
            (0..SILENT_BLOCKS).for_each(|_| self.opening.run(&[0.0; 80], self.now, heard));
        }
        if let Some(from) = self.ced_from.take() {
            heard(Heard { from, to: now, what: self.answer() });
        }
        if let Some(from) = self.cng_from.take() {
            heard(Heard { from, to: now, what: What::Cng });
        }
    }

    fn answer_tone(&mut self, samples: &[f32], heard: &mut impl FnMut(Heard)) {
        match self.ced.run(samples) {
            Some(edge) if edge.on => self.ced_from = Some(LineTime(edge.at.0)),
            Some(edge) => {
                let from = self.ced_from.take().unwrap_or(LineTime(edge.at.0));
                heard(Heard { from, to: LineTime(edge.at.0), what: self.answer() });
            }
            None => {}
        }
    }

    fn phase_2(&mut self, samples: &[f32], heard: &mut impl FnMut(Heard)) {
        if self.now >= self.info_until {
            return;
        }
        let now = self.now;
        self.info.run(samples, |info, length| {
            let from = LineTime(now.saturating_sub(length));
            heard(Heard { from, to: LineTime(now), what: What::Info(info) });
        });
    }

    fn answer(&self) -> What {
        What::Answer(AnswerTone { reversals: self.ced.reversals(), modulated: self.ced.is_modulated() })
    }

    fn calling_tone(&mut self, samples: &[f32], heard: &mut impl FnMut(Heard)) {
        match self.cng.run(samples) {
            Some(edge) if edge.on => self.cng_from = Some(LineTime(edge.at.0)),
            Some(edge) => {
                let from = self.cng_from.take().unwrap_or(LineTime(edge.at.0));
                heard(Heard { from, to: LineTime(edge.at.0), what: What::Cng });
            }
            None => {}
        }
    }
}

/// Reads caller identification where shift keying of one modem is heard; a reader alone takes as long as ten modems.
struct CallerIdEar {
    gate: FskDemodulator,
    run: BitRun,
    receivers: Vec<(CallerIdReceiver, &'static str)>,
    kept: VecDeque<f32>,
    now: u64,
    awake_from: u64,
    awake_until: u64,
}

impl CallerIdEar {
    fn new(standards: &[(Standard, &'static str)]) -> Self {
        Self {
            gate: FskDemodulator::new(standards[0].0.modem()),
            run: BitRun::with_room(128),
            receivers: standards.iter().map(|(standard, name)| (CallerIdReceiver::new(*standard), *name)).collect(),
            kept: VecDeque::with_capacity(BEFORE_CARRIER + 80),
            now: 0,
            awake_from: 0,
            awake_until: 0,
        }
    }

    fn run(&mut self, samples: &[f32], mut found: impl FnMut(u64, CallerIdentity)) {
        self.now += samples.len() as u64;
        self.run.clear();
        self.gate.run(samples, &mut self.run);
        let was_awake = self.now <= self.awake_until;
        if self.gate.carrier_is_up() {
            self.awake_until = self.now + AWAKE;
        }
        if !was_awake {
            self.awake_from = self.now;
        }
        if !was_awake && self.now >= self.awake_until {
            self.kept.extend(samples);
            self.kept.drain(..self.kept.len().saturating_sub(BEFORE_CARRIER));
            return;
        }
        let from = self.awake_from;
        // Awake, none are kept.
        let samples: Vec<f32> = self.kept.drain(..).chain(samples.iter().copied()).collect();
        for (receiver, standard) in &mut self.receivers {
            if !was_awake {
                receiver.restart();
            }
            receiver.run(&samples, |message| found(from, identity(&message, standard)));
        }
    }
}

impl Opening {
    fn new(origin: u64) -> Self {
        Self {
            origin,
            digits: DtmfDetector::new(),
            progress: ProgressDetector::anywhere(),
            answerer: AnswererDetector::new(),
            caller_id: STANDARDS.map(CallerIdEar::new),
            v8: [V8Ear::new(&V21_CHANNEL_1, false), V8Ear::new(&V21_CHANNEL_2, true)],
            told: None,
            identified: None,
        }
    }

    /// Whether a data modem was recognised, which dials no more.
    fn is_data(&self) -> bool {
        self.answerer.answerer() == Some(Answerer::DataModem)
    }

    fn run(&mut self, samples: &[f32], now: u64, heard: &mut impl FnMut(Heard)) {
        let (origin, here) = (self.origin, LineTime(now));
        let moment = |what| Heard { from: here, to: here, what };
        self.digits.run(samples, |digit| {
            if let Some(end) = digit.end {
                let (from, to) = (LineTime(origin + digit.begin.0), LineTime(origin + end.0));
                heard(Heard { from, to, what: What::Digit(digit.digit) });
            }
        });
        if let Some(kind) = self.progress.run(samples) {
            heard(moment(What::Progress(kind)));
        }
        if let Some(answered) = self.answerer.run(samples).filter(|answered| answered.who != Answerer::Fax) {
            heard(moment(What::Answerer(answered.who)));
        }
        for ear in &mut self.caller_id {
            // The two modems are so much alike that either reads the other's message.
            let mut found = None;
            ear.run(samples, |from, identity| found = Some((from, identity)));
            let found = found.filter(|(_, identity)| !self.identified.as_ref().is_some_and(|told| told.same(identity)));
            if let Some((from, identity)) = found {
                self.identified = Some(identity.clone());
                heard(Heard { from: LineTime(origin + from), to: here, what: What::CallerId(identity) });
            }
        }
        for ear in &mut self.v8 {
            let message = ear.run(samples).filter(|message| self.told.as_ref() != Some(message));
            if let Some(message) = message {
                self.told = Some(message.clone());
                heard(moment(What::V8(message)));
            }
        }
    }
}

fn identity(message: &Message, standard: &'static str) -> CallerIdentity {
    let caller = message.caller();
    let or_why = |text: Option<String>, why: Option<char>| text.or_else(|| Some(absence(why?).to_owned()));
    CallerIdentity {
        standard,
        intact: message.intact,
        date: caller.date,
        number: or_why(caller.number, caller.number_absence),
        name: or_why(caller.name, caller.name_absence),
    }
}
