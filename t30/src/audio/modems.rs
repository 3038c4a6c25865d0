//! Every modem and tone the front end can need, made once.

use answertone_dsp::{
    fsk::{FskDemodulator, FskModulator, V21_CHANNEL_2},
    modem::{Demodulator, Modulator, Plan, Protection, Receiver, Train as DspTrain, Transmitter, v17, v27ter, v29},
    tone::call::{CedDetector, CedGenerator, CngDetector, CngGenerator, ToneEdge},
    units::{Dbm0, Hz},
};

use super::{
    AudioConfig, FastSignal,
    events::{EventQueue, Heard},
};
use crate::{
    seam::{Carrier, Tone, Train, V17Rate, V27terRate, V29Rate},
    time::{LineSpan, LineTime},
};

/// Fast carriers, training aside: the place of a modem in the tables below.
pub(crate) const FAST: [Carrier; 9] = [
    Carrier::V27ter(V27terRate::R2400),
    Carrier::V27ter(V27terRate::R4800),
    Carrier::V29(V29Rate::R4800),
    Carrier::V29(V29Rate::R7200),
    Carrier::V29(V29Rate::R9600),
    Carrier::V17(V17Rate::R7200, Train::Long),
    Carrier::V17(V17Rate::R9600, Train::Long),
    Carrier::V17(V17Rate::R12000, Train::Long),
    Carrier::V17(V17Rate::R14400, Train::Long),
];

fn place(carrier: Carrier) -> Option<usize> {
    let long = match carrier {
        Carrier::V17(rate, _) => Carrier::V17(rate, Train::Long),
        other => other,
    };
    FAST.iter().position(|fast| *fast == long)
}

/// The plan of a fast carrier.
pub(crate) fn plan(carrier: Carrier) -> Option<&'static Plan> {
    Some(match carrier {
        Carrier::V21 => return None,
        Carrier::V27ter(V27terRate::R2400) => v27ter::plan(v27ter::Rate::R2400),
        Carrier::V27ter(V27terRate::R4800) => v27ter::plan(v27ter::Rate::R4800),
        Carrier::V29(V29Rate::R4800) => v29::plan(v29::Rate::R4800),
        Carrier::V29(V29Rate::R7200) => v29::plan(v29::Rate::R7200),
        Carrier::V29(V29Rate::R9600) => v29::plan(v29::Rate::R9600),
        Carrier::V17(V17Rate::R7200, _) => v17::plan(v17::Rate::R7200),
        Carrier::V17(V17Rate::R9600, _) => v17::plan(v17::Rate::R9600),
        Carrier::V17(V17Rate::R12000, _) => v17::plan(v17::Rate::R12000),
        Carrier::V17(V17Rate::R14400, _) => v17::plan(v17::Rate::R14400),
    })
}

/// Whether the carrier can be both sent and received.
pub(super) fn offers(carrier: Carrier) -> bool {
    carrier == Carrier::V21 || place(carrier).is_some()
}

/// The modems that send.
pub(super) struct Modulators {
    v21: FskModulator,
    fast: Box<[Transmitter]>,
    talker_echo_protection: bool,
}

impl Modulators {
    pub(super) fn new(config: AudioConfig) -> Self {
        let transmitter = |carrier| Some(Transmitter::new(plan(carrier)?, config.level, Protection::None));
        Self {
            v21: FskModulator::new(&V21_CHANNEL_2, config.level),
            fast: FAST.into_iter().filter_map(transmitter).collect(),
            talker_echo_protection: config.talker_echo_protection,
        }
    }

    /// Makes the carrier's modem ready for a signal's first sample.
    pub(super) fn restart(&mut self, carrier: Carrier) {
        let protection = protection(carrier, self.talker_echo_protection);
        match (place(carrier), carrier) {
            (None, _) => self.v21.restart(),
            (Some(place), Carrier::V17(_, Train::Short)) => self.fast[place].begin(protection, DspTrain::Short),
            (Some(place), _) => self.fast[place].begin(protection, DspTrain::Long),
        }
    }

    /// The carrier's modem.
    pub(super) fn of(&mut self, carrier: Carrier) -> &mut dyn Modulator {
        match place(carrier) {
            None => &mut self.v21,
            Some(place) => &mut self.fast[place],
        }
    }
}

/// ITU-T T.4 5.1: V.27ter goes with protection against talker echo; for the others it is a choice.
fn protection(carrier: Carrier, wanted: bool) -> Protection {
    if wanted || matches!(carrier, Carrier::V27ter(_)) { Protection::TalkerEcho } else { Protection::None }
}

/// The modems that receive.
pub(super) struct Demodulators {
    v21: FskDemodulator,
    fast: Box<[Receiver]>,
}

impl Demodulators {
    pub(super) fn new() -> Self {
        let fast = FAST.into_iter().filter_map(|carrier| Some(Receiver::new(plan(carrier)?)));
        Self { v21: FskDemodulator::new(&V21_CHANNEL_2), fast: fast.collect() }
    }

    /// Makes the carrier's modem wait for its training.
    pub(super) fn restart(&mut self, carrier: Carrier) {
        let Some(place) = place(carrier) else { return self.v21.restart() };
        let train = match carrier {
            Carrier::V17(_, Train::Short) => DspTrain::Short,
            _ => DspTrain::Long,
        };
        self.fast[place].expect(train);
        self.fast[place].restart();
    }

    /// The carrier's modem as it is, if it is a fast one.
    pub(super) fn receiver(&self, carrier: Carrier) -> Option<&Receiver> {
        Some(&self.fast[place(carrier)?])
    }

    /// What the carrier's modem knows of the signal it received last.
    pub(super) fn signal(&self, carrier: Carrier) -> Option<FastSignal> {
        let receiver = &self.fast[place(carrier)?];
        Some(FastSignal {
            carrier_offset: Hz(receiver.carrier_frequency().0 - receiver.plan().carrier.0),
            clock_offset_ppm: receiver.clock_deviation_ppm(),
        })
    }

    /// Slips that the fast modems got over.
    pub(super) fn slips_mended(&self) -> u32 {
        self.fast.iter().map(|receiver| receiver.mended().slips).sum()
    }

    /// Line time for which they had lost the symbols without losing the signal.
    pub(super) fn time_lost(&self) -> LineSpan {
        LineSpan(self.fast.iter().map(|receiver| receiver.mended().lost_samples).sum())
    }

    /// The carrier's modem.
    pub(super) fn of(&mut self, carrier: Carrier) -> &mut dyn Demodulator {
        match place(carrier) {
            None => &mut self.v21,
            Some(place) => &mut self.fast[place],
        }
    }
}

/// The tones that are sent.
pub(super) struct Tones {
    ced: CedGenerator,
    cng: CngGenerator,
}

impl Tones {
    pub(super) fn new(level: Dbm0) -> Self {
        Self { ced: CedGenerator::new(level), cng: CngGenerator::new(level) }
    }

    pub(super) fn restart_ced(&mut self) {
        self.ced.restart();
    }

    pub(super) fn restart_cng(&mut self) {
        self.cng.restart();
    }

    /// The next samples of the answer tone; fewer than `out` holds at its end.
    pub(super) fn ced(&mut self, out: &mut [f32]) -> usize {
        self.ced.run(out)
    }

    /// The next samples of the calling tone, which does not end by itself.
    pub(super) fn cng(&mut self, out: &mut [f32]) -> usize {
        self.cng.run(out);
        out.len()
    }
}

/// The tones that are listened for.
pub(super) struct ToneWatchers {
    origin: LineTime,
    ced: CedDetector,
    cng: CngDetector,
}

impl ToneWatchers {
    pub(super) fn new() -> Self {
        Self { origin: LineTime::ZERO, ced: CedDetector::new(), cng: CngDetector::new() }
    }

    pub(super) fn restart(&mut self, now: LineTime) {
        self.origin = now;
        self.ced.restart();
        self.cng.restart();
    }

    pub(super) fn run(&mut self, samples: &[f32], events: &mut EventQueue) {
        for (tone, edge) in [(Tone::Ced, self.ced.run(samples)), (Tone::Cng, self.cng.run(samples))] {
            if let Some(ToneEdge { at, on: true }) = edge {
                events.push(LineTime(self.origin.0 + at.0), Heard::Tone(tone));
            }
        }
    }
}
