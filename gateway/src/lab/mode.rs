//! Modems at their rates, and what is known about them: the rows of the score card.

use answertone_dsp::{
    fsk::{self, FskSpec},
    modem::{Plan, v17, v27ter, v29},
};

/// A modem at a rate.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// The modem, as on the command line.
    pub modem: &'static str,
    /// Bits per second.
    pub rate: u32,
    /// What makes and hears its signals.
    pub kind: Kind,
    /// Signal to noise ratio in decibels at which an ideal receiver has bit error rates of 1e-3 and 1e-5.
    pub ideal: [f64; 2],
    /// The same for libspandsp 0.0.6.
    pub peer: [f64; 2],
    /// Where ours should have no more than 1e-5.
    pub wanted: f64,
}

/// How a mode's bits become samples.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Two tones.
    Fsk(&'static FskSpec),
    /// Training and symbols.
    Fast(&'static Plan),
}

impl Mode {
    /// Name and rate for people.
    pub fn name(&self) -> String {
        format!("{} {}", self.modem, self.rate)
    }

    /// Symbols per second.
    pub fn baud(&self) -> f64 {
        match self.kind {
            Kind::Fsk(spec) => f64::from(spec.rate.0),
            Kind::Fast(plan) => f64::from(plan.baud.0),
        }
    }

    /// Its plan, if it is a fast modem.
    pub fn plan(&self) -> Option<&'static Plan> {
        match self.kind {
            Kind::Fsk(_) => None,
            Kind::Fast(plan) => Some(plan),
        }
    }
}

/// Every mode of the score card. Ratios are signal power over noise power in 0 to 4000 Hz.
pub fn modes() -> Vec<Mode> {
    let fsk = |modem, spec: &'static FskSpec, ideal, peer, wanted| Mode {
        modem,
        rate: spec.rate.0 as u32,
        kind: Kind::Fsk(spec),
        ideal,
        peer,
        wanted,
    };
    let fast = |modem, plan: &'static Plan, ideal, peer, wanted| Mode {
        modem,
        rate: plan.bit_rate.0,
        kind: Kind::Fast(plan),
        ideal,
        peer,
        wanted,
    };
    vec![
        fsk("v21", &fsk::V21_CHANNEL_2, [1.1, 3.8], [1.4, 4.4], 4.3),
        fsk("bell202", &fsk::BELL_202, [6.0, 8.6], [8.1, 11.5], 9.3),
        fsk("v23", &fsk::V23_FORWARD, [7.1, 9.8], [9.6, 13.0], 10.6),
        fast("v27ter", v27ter::plan(v27ter::Rate::R2400), [5.9, 8.1], [7.1, 9.3], 8.6),
        fast("v27ter", v27ter::plan(v27ter::Rate::R4800), [12.2, 14.5], [13.4, 15.6], 15.0),
        fast("v29", v29::plan(v29::Rate::R4800), [8.9, 11.2], [10.1, 12.1], 11.7),
        fast("v29", v29::plan(v29::Rate::R7200), [13.1, 15.4], [15.4, 17.3], 15.9),
        fast("v29", v29::plan(v29::Rate::R9600), [16.5, 19.0], [18.2, 22.1], 19.5),
        fast("v17", v17::plan(v17::Rate::R7200), [10.0, 11.6], [12.8, 15.1], 12.1),
        fast("v17", v17::plan(v17::Rate::R9600), [13.2, 14.7], [16.0, 17.6], 15.2),
        fast("v17", v17::plan(v17::Rate::R12000), [16.5, 18.1], [19.2, 21.0], 18.6),
        fast("v17", v17::plan(v17::Rate::R14400), [19.5, 20.9], [22.3, 24.5], 21.4),
    ]
}
