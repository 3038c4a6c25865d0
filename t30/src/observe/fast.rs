//! The fast modems: which of them is sending, and what.
//!
//! ```text
//! Hunting --one trains--> Contest --350 ms: the best of them--> Following --carrier gone--> Fading --200 ms--> Hunting
//!                            └------ nobody is believed -------▶ Hunting          ◀-- comes back --┘
//! ```
//! The rates of V.17 train alike, and so do two of V.29. One of each hunts; the others run over the samples of its
//! training afterwards, and the error at its end tells the rate: the wrong points fit no better than chance.

use std::collections::VecDeque;

use answertone_dsp::{
    bits::{BitRun, Mark},
    modem::{Demodulator, Receiver, Train},
};

use super::{gather::Gather, heard::Heard};
use crate::{
    audio::modems::{FAST, plan},
    seam::{Carrier, V17Rate, V29Rate},
    time::LineTime,
};

/// Samples kept to go back to: the longest training and the contest.
const KEPT: usize = 28_000;
/// From the end of a training back to before its beginning.
const TRAINING: u64 = 14_000;
/// How long after the first training others may train, and bits tell.
const CONTEST: u64 = 2_800;
/// How long a signal may be away before it is over.
const FADING: u64 = 1_600;
/// Samples of a signal that are kept.
const SOUND: usize = 1200;
/// Bits of one block of samples.
const RUN_BITS: usize = 512;
/// Decibels by which a training must be better than chance, unless something else speaks for it.
const BETTER: f32 = 2.5;
/// What a DCS that names the modem is worth in decibels, and what zeros or flags are that nobody has by chance.
const NAMED: f32 = 6.0;
const CERTAIN: f32 = 30.0;

/// Listens with all fast modems.
pub(super) struct FastEars {
    kept: VecDeque<f32>,
    now: u64,
    slots: Vec<Slot>,
    state: State,
    run: BitRun,
    /// What the last DCS named.
    named: Option<Carrier>,
    /// The modem that was followed last: it knows the line, and short trainings are for it.
    last: Option<usize>,
}

/// One modem.
struct Slot {
    receiver: Receiver,
    /// Line time of its first sample.
    origin: u64,
    runs: bool,
    /// When a carrier appeared that has not trained yet.
    appeared: Option<LineTime>,
    gather: Option<Gather>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Hunting,
    Contest { until: u64 },
    Following(usize),
    Fading { slot: usize, until: u64 },
}

impl FastEars {
    pub(super) fn new() -> Self {
        let slot = |carrier: &Carrier| {
            let receiver = Receiver::new(plan(*carrier)?);
            Some(Slot { receiver, origin: 0, runs: scouts(*carrier), appeared: None, gather: None })
        };
        Self {
            kept: VecDeque::with_capacity(KEPT + 80),
            now: 0,
            slots: FAST.iter().filter_map(slot).collect(),
            state: State::Hunting,
            run: BitRun::with_room(RUN_BITS),
            named: None,
            last: None,
        }
    }

    /// A DCS was heard, on this side or the other.
    pub(super) fn name(&mut self, carrier: Carrier) {
        self.named = Some(carrier);
    }

    /// Whether a signal is being followed.
    pub(super) fn follows(&self) -> bool {
        matches!(self.state, State::Following(_) | State::Fading { .. })
    }

    /// Takes the next samples; a signal, if one is over.
    pub(super) fn run(&mut self, samples: &[f32]) -> Option<Heard> {
        let begun = self.now;
        self.now += samples.len() as u64;
        self.kept.extend(samples);
        self.kept.drain(..self.kept.len().saturating_sub(KEPT));
        for place in 0..self.slots.len() {
            if self.slots[place].runs {
                self.slots[place].run(samples, &mut self.run);
            }
        }
        self.keep_sound();
        self.next(begun)
    }

    /// Some samples of each signal are kept to be drawn.
    fn keep_sound(&mut self) {
        let State::Following(slot) = self.state else { return };
        let kept = &self.kept;
        for gather in self.slots[slot].gather.iter_mut().filter(|gather| gather.wants_sound()) {
            gather.keep_sound(kept.range(kept.len().saturating_sub(SOUND)..).copied().collect());
        }
    }

    /// The recording has ended.
    pub(super) fn finish(&mut self) -> Option<Heard> {
        if matches!(self.state, State::Contest { .. }) {
            self.decide();
        }
        match self.state {
            State::Following(slot) | State::Fading { slot, .. } => self.end(slot),
            _ => None,
        }
    }

    fn next(&mut self, begun: u64) -> Option<Heard> {
        match self.state {
            State::Hunting => {
                if self.slots.iter().any(|slot| slot.runs && slot.gather.is_some()) {
                    self.call_siblings(begun);
                    self.state = State::Contest { until: self.now + CONTEST };
                }
                None
            }
            State::Contest { until } => {
                let is_over = self.now >= until || self.slots.iter().filter(|slot| slot.runs).all(Slot::is_away);
                if is_over {
                    self.decide();
                }
                None
            }
            State::Following(slot) => {
                if self.slots[slot].is_away() {
                    self.state = State::Fading { slot, until: self.now + FADING };
                    self.wake_scouts(slot);
                }
                None
            }
            State::Fading { slot, until } => self.fade(slot, until),
        }
    }

    fn fade(&mut self, slot: usize, until: u64) -> Option<Heard> {
        if !self.slots[slot].is_away() {
            self.rest_all_but(slot);
            self.state = State::Following(slot);
            return None;
        }
        let other = self.slots.iter().enumerate().any(|(place, other)| place != slot && other.gather.is_some());
        (other || self.now >= until).then(|| self.end(slot)).flatten()
    }

    /// The signal is over, and the next is waited for.
    fn end(&mut self, slot: usize) -> Option<Heard> {
        self.last = Some(slot);
        self.state = State::Hunting;
        let slot = &mut self.slots[slot];
        slot.receiver.expect(Train::Short);
        slot.runs = true;
        slot.take()
    }

    /// Modems that train as one that has trained run over its training, too.
    fn call_siblings(&mut self, begun: u64) {
        let heard = |slot: &Slot| slot.gather.as_ref().map(|gather| gather.trained().0);
        let Some(trained) = self.slots.iter().filter_map(heard).min() else { return };
        let families: Vec<&str> = self.slots.iter().filter(|slot| slot.gather.is_some()).map(Slot::family).collect();
        let from = trained.min(begun).saturating_sub(TRAINING).max(self.now.saturating_sub(self.kept.len() as u64));
        for place in 0..self.slots.len() {
            if !self.slots[place].runs && families.contains(&self.slots[place].family()) {
                self.start(place, from);
            }
        }
    }

    /// Starts a modem in the past.
    fn start(&mut self, place: usize, from: u64) {
        let skipped = (from + self.kept.len() as u64).saturating_sub(self.now) as usize;
        let slot = &mut self.slots[place];
        slot.receiver.expect(if self.last == Some(place) { Train::Short } else { Train::Long });
        slot.receiver.restart();
        (slot.origin, slot.runs, slot.appeared, slot.gather) = (from, true, None, None);
        let (first, second) = self.kept.as_slices();
        let first_rest = first.get(skipped..).unwrap_or_default();
        let second_rest = second.get(skipped.saturating_sub(first.len())..).unwrap_or_default();
        for piece in first_rest.chunks(80).chain(second_rest.chunks(80)) {
            slot.run(piece, &mut self.run);
        }
    }

    /// The contest is over: the best is followed, the others rest.
    fn decide(&mut self) {
        let named = self.named;
        let score = |slot: &Slot| slot.gather.as_ref().map(|gather| slot.score(gather, named));
        let scores = self.slots.iter().enumerate().filter_map(|(place, slot)| Some((place, score(slot)?)));
        let best = scores.max_by(|(_, one), (_, other)| one.total_cmp(other));
        match best {
            Some((place, score)) if score >= BETTER => {
                self.rest_all_but(place);
                self.state = State::Following(place);
            }
            _ => {
                self.rest_all_but(usize::MAX);
                self.state = State::Hunting;
                self.wake(usize::MAX, self.now);
            }
        }
    }

    fn rest_all_but(&mut self, place: usize) {
        for slot in self.slots.iter_mut().enumerate().filter(|(other, _)| *other != place).map(|(_, slot)| slot) {
            (slot.runs, slot.gather) = (false, None);
        }
    }

    fn wake_scouts(&mut self, but: usize) {
        let ended = self.slots[but].gather.as_ref().map_or(self.now, |gather| gather.ended().0);
        self.wake(but, ended.min(self.now));
    }

    fn wake(&mut self, but: usize, from: u64) {
        for (place, carrier) in FAST.iter().enumerate() {
            let wanted = scouts(*carrier) || self.last == Some(place);
            if wanted && place != but {
                self.start(place, from);
            }
        }
    }
}

/// Those that hunt: one of each training.
fn scouts(carrier: Carrier) -> bool {
    match carrier {
        Carrier::V17(rate, _) => rate == V17Rate::R14400,
        Carrier::V29(rate) => rate != V29Rate::R7200,
        _ => true,
    }
}

impl Slot {
    fn family(&self) -> &'static str {
        self.receiver.plan().name.split(' ').next().unwrap_or_default()
    }

    fn is_away(&self) -> bool {
        self.gather.as_ref().is_none_or(Gather::is_away)
    }

    fn run(&mut self, samples: &[f32], run: &mut BitRun) {
        run.clear();
        self.receiver.run(samples, run);
        let mut taken = 0;
        for marked in run.marks() {
            self.push(&run.bits()[taken..marked.bit]);
            taken = marked.bit;
            let at = LineTime(self.origin + marked.at.0);
            match marked.mark {
                Mark::CarrierUp => self.appeared = Some(at),
                // A signal that comes back is trained in the moment in which its carrier appears.
                Mark::Trained(_) if self.gather.is_some() && self.appeared == Some(at) => self.comes_back(at),
                Mark::Trained(evm) if self.gather.is_none() => {
                    self.gather = Some(Gather::new(&self.receiver, self.appeared.take(), at, evm));
                }
                Mark::CarrierDown => self.gather.iter_mut().for_each(|gather| gather.goes(at)),
                Mark::Trained(_) | Mark::TrainingFailed => {}
            }
        }
        self.push(&run.bits()[taken..]);
        if let Some(gather) = &mut self.gather {
            gather.look(&self.receiver, samples.len() as u64);
        }
    }

    fn push(&mut self, bits: &[bool]) {
        self.gather.iter_mut().for_each(|gather| gather.push(bits));
    }

    fn comes_back(&mut self, at: LineTime) {
        self.gather.iter_mut().for_each(|gather| gather.comes_back(at));
    }

    fn take(&mut self) -> Option<Heard> {
        Some(self.gather.take()?.finish(&self.receiver))
    }

    /// How much better than chance the training was, and what else speaks for it.
    fn score(&self, gather: &Gather, named: Option<Carrier>) -> f32 {
        let plan = self.receiver.plan();
        // A point anywhere in the square of one decision is so far from its middle.
        let chance = 10.0 * (plan.coding.distance_squared() / plan.coding.mean_power() / 6.0).log10();
        let is_named =
            named.is_some_and(|carrier| crate::audio::modems::plan(carrier).is_some_and(|p| p.name == plan.name));
        let named = if is_named { NAMED } else { 0.0 };
        chance - gather.evm() + named + if gather.is_certain() { CERTAIN } else { 0.0 }
    }
}
