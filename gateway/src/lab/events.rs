//! Trials in which something happens in the middle of a message.

use answertone_dsp::channel::Impairments;

use super::{
    Plan,
    beside::Ear,
    mode::Mode,
    recovery::{Recoveries, hurt_ms},
    table::Cell,
    trial::{LEVEL, Message, demodulator, receive},
    workers::Workers,
};

/// How far above the wanted point the signal is, in decibels: errors by noise alone are rare there.
pub const MARGIN_DB: f64 = 3.0;

/// Seconds of data; it happens between a third and a half of them.
const SECONDS: usize = 3;

/// Most trials of one event: each is at another place.
const TRIALS: usize = 100;

/// Something that happens at a sample of the line.
pub struct Event<'line> {
    /// What, for people.
    pub name: &'static str,
    /// The line on which it happens at a sample.
    pub line: &'line (dyn Fn(u64) -> Impairments<'static> + Sync),
    /// Samples that it lasts.
    pub length: usize,
    /// Whether the transport says so.
    pub told: bool,
}

impl Event<'_> {
    /// Trials at different places.
    pub fn measure(&self, mode: &Mode, plan: &Plan, workers: &Workers) -> Recoveries {
        let bits = mode.rate as usize * SECONDS;
        let message = Message::new(mode, 1, bits, LEVEL);
        let trials = plan.trials.min(TRIALS);
        workers.begin(&format!("{} {}", mode.name(), self.name), trials);
        Recoveries::of(workers.all(0..trials, |number| self.trial(mode, &message, number)))
    }

    /// In how many trials the other maker's receiver lost no more of the message than what happens and so many
    /// milliseconds; nothing where it is not at hand. It cannot be told of a loss.
    pub fn of_peer(&self, mode: &Mode, plan: &Plan, wanted_ms: f64, workers: &Workers) -> Cell {
        let Some(ear) = plan.peer.as_ref().map(Ear::Theirs) else { return Cell::None };
        let message = Message::new(mode, 1, mode.rate as usize * SECONDS, LEVEL);
        let trials = ear.trials(plan.trials);
        workers.begin(&format!("{} {}, the other maker's", mode.name(), self.name), trials);
        let allowed = (wanted_ms + self.length as f64 / 8.0) / 1000.0 * f64::from(mode.rate);
        let recovered = workers.all(0..trials, |number| {
            let (samples, _) = self.samples(mode, &message, number);
            let verdict = ear.verdict(mode, &message, &samples);
            verdict.received && (verdict.errors + verdict.missing) as f64 <= allowed
        });
        Cell::Text(format!("{}/{trials}", recovered.iter().filter(|recovered| **recovered).count()))
    }

    /// The samples of a trial, and the one at which it happens.
    fn samples(&self, mode: &Mode, message: &Message, number: usize) -> (Vec<f32>, usize) {
        let length = message.end - message.data;
        // A prime number of samples apart: every place within a symbol and within a block comes.
        let at = message.data + length / 3 + (number * 37) % (length / 6);
        (message.over(&(self.line)(at as u64), mode.wanted + MARGIN_DB, 9000 + number as u64), at)
    }

    fn trial(&self, mode: &Mode, message: &Message, number: usize) -> Option<f64> {
        let (samples, at) = self.samples(mode, message, number);
        let lost = self.told.then_some(at..at + self.length);
        let reception = receive(&mut *demodulator(mode), &samples, lost);
        let ended = (at + self.length - message.data) as f64;
        hurt_ms(message, &reception.bits, ended * f64::from(mode.rate) / 8000.0, mode.rate)
    }
}
