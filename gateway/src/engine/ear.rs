//! Who and what is heard at the beginning of a call, before a fax machine says anything: for the report of one that
//! failed, and to give up early one that cannot succeed.

use answertone_dsp::{
    pcm::{BLOCK_SAMPLES, Block, widen},
    tone::{
        answerer::{Answerer, AnswererDetector},
        progress::{ProgressDetector, ProgressKind},
    },
};
use answertone_t30::session::Instead;
use serde::{Serialize, Serializer};

/// What is listened for beside fax machines, and what of it ends a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hearing {
    /// Whose call progress tones, ISO 3166 alpha-2 in small letters; any, if it is not in the table.
    pub country: String,
    /// What ends a call that we made, once it is heard.
    #[serde(serialize_with = "names")]
    pub give_up_on: Vec<Instead>,
}

fn names<S: Serializer>(all: &[Instead], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(all.iter().map(|instead| instead.name()))
}

impl Hearing {
    /// What the network says finally. A voice is no such thing: somebody, or a switch that answers for a fax machine, may
    /// still connect one.
    pub const FINAL: [Instead; 4] =
        [Instead::Busy, Instead::Congestion, Instead::NumberUnobtainable, Instead::SpecialInformation];

    /// What is in a list of names; the name that is not known. `none` is an empty list.
    pub fn give_up_list<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Instead>, &'a str> {
        let names = names.into_iter().map(str::trim).filter(|name| !matches!(*name, "none" | ""));
        names.map(|name| Instead::from_name(name).ok_or(name)).collect()
    }
}

impl Default for Hearing {
    fn default() -> Self {
        Self { country: "any".to_owned(), give_up_on: Self::FINAL.to_vec() }
    }
}

/// Blocks that are listened to: a minute.
const LISTENED: u32 = 6000;

/// Least mean square of a sound: -43 dBm0.
const SOUND: f32 = 13_000.0;

/// Listens to a call.
pub(crate) struct CallEar {
    progress: ProgressDetector,
    answerer: AnswererDetector,
    blocks: u32,
    told: Option<ProgressKind>,
    sounded: bool,
    /// What ends the call, a bit for each.
    give_up_on: u16,
}

impl CallEar {
    pub(crate) fn new(hearing: &Hearing) -> Self {
        Self {
            progress: ProgressDetector::of(&hearing.country),
            answerer: AnswererDetector::new(),
            blocks: 0,
            told: None,
            sounded: false,
            give_up_on: hearing.give_up_on.iter().fold(0, |bits, instead| bits | bit(*instead)),
        }
    }

    /// Takes a received block; what the call is to be given up for.
    pub(crate) fn hear(&mut self, rx: &Block) -> Option<Instead> {
        if self.blocks >= LISTENED || self.answerer.answerer() == Some(Answerer::Fax) {
            return None;
        }
        self.blocks += 1;
        let mut samples = [0.0; BLOCK_SAMPLES];
        widen(rx, &mut samples);
        self.sounded |= samples.iter().map(|sample| sample * sample).sum::<f32>() > SOUND * BLOCK_SAMPLES as f32;
        let answered = self.answerer.run(&samples).and_then(|answered| instead_of_fax(answered.who));
        let told = self.progress.run(&samples);
        self.told = told.or(self.told);
        let heard = answered.or(told.and_then(said_by_network));
        heard.filter(|instead| self.give_up_on & bit(*instead) != 0)
    }

    /// What was heard: who answered, else what the network said, else silence.
    pub(super) fn heard(&self) -> Option<&'static str> {
        let network = self.told.map(|kind| match kind {
            ProgressKind::Ringback => "ringing",
            ProgressKind::Waiting => "call_waiting",
            kind => said_by_network(kind).map_or("", Instead::name),
        });
        let nothing = (self.blocks > 0 && !self.sounded).then_some("silence");
        self.answerer.answerer().map(Answerer::name).or(network).or(nothing)
    }
}

fn bit(instead: Instead) -> u16 {
    1 << instead as u16
}

fn instead_of_fax(who: Answerer) -> Option<Instead> {
    Some(match who {
        Answerer::Fax => return None,
        Answerer::DataModem => Instead::DataModem,
        Answerer::TextTelephone => Instead::TextTelephone,
        Answerer::AlarmReceiver => Instead::AlarmReceiver,
        Answerer::Voice => Instead::Voice,
        Answerer::AnsweringMachine => Instead::AnsweringMachine,
    })
}

/// What ends a call, of what the network says: ringing goes on, and a call that waits is somebody else's.
fn said_by_network(kind: ProgressKind) -> Option<Instead> {
    Some(match kind {
        ProgressKind::Ringback | ProgressKind::Waiting => return None,
        ProgressKind::Dial => Instead::DialTone,
        ProgressKind::Busy => Instead::Busy,
        ProgressKind::Congestion => Instead::Congestion,
        ProgressKind::Special => Instead::SpecialInformation,
        ProgressKind::Unobtainable => Instead::NumberUnobtainable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_a_list_and_a_wrong_one_is_named() {
        assert_eq!(Hearing::give_up_list("busy, voice".split(',')), Ok(vec![Instead::Busy, Instead::Voice]));
        assert_eq!(Hearing::give_up_list(["none"]), Ok(vec![]));
        assert_eq!(Hearing::give_up_list(["busy", "bussy"]), Err("bussy"));
        let names = Hearing::FINAL.map(Instead::name);
        assert_eq!(Hearing::give_up_list(names), Ok(Hearing::default().give_up_on));
    }
}
