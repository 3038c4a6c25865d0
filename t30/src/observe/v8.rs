//! ITU-T V.8: how modems of V.34 and beyond begin, in words.

use std::fmt;

use answertone_dsp::{
    fsk::FskSpec,
    v8::{Ear, Heard},
};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum V8Kind {
    /// Call indicator.
    Ci,
    /// Call menu.
    Cm,
    /// Joint menu, the answer.
    Jm,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V8Message {
    /// Which.
    pub kind: V8Kind,
    /// Its octets behind its name.
    pub octets: Vec<u8>,
}

/// What a call is for, by the three upper places of an octet with the tag 1.
const FUNCTIONS: [&str; 8] =
    ["TBS", "H.324", "text telephone", "videotex", "fax to the answerer", "fax from the answerer", "data", "other"];
const MODULATION_TAG: u8 = 0x05;
/// Octets that go on with a category.
const EXTENSION: u8 = 0x10;
/// Modulations by their octet and place.
const MODULATIONS: [(usize, u8, &str); 9] = [
    (0, 5, "V.90/V.92"),
    (0, 6, "V.34"),
    (0, 7, "V.34 half-duplex"),
    (1, 0, "V.32bis"),
    (1, 1, "V.22bis"),
    (1, 2, "V.17"),
    (1, 6, "V.29"),
    (1, 7, "V.27ter"),
    (2, 7, "V.21"),
];

/// Reads V.8 on one channel of V.21.
pub(super) struct V8Ear {
    ear: Ear,
    answers: bool,
}

impl V8Ear {
    /// `answers`: JM is expected, not CM.
    pub(super) fn new(spec: &FskSpec, answers: bool) -> Self {
        Self { ear: Ear::new(spec), answers }
    }

    /// Takes the next samples; a message that came twice in a row, once.
    pub(super) fn run(&mut self, samples: &[f32]) -> Option<V8Message> {
        match (self.ear.run(samples)?, self.answers) {
            (Heard::Indicator(function), false) => Some(V8Message { kind: V8Kind::Ci, octets: vec![function] }),
            (Heard::Menu(menu), false) => Some(V8Message { kind: V8Kind::Cm, octets: menu.octets().to_vec() }),
            (Heard::Menu(menu), true) => Some(V8Message { kind: V8Kind::Jm, octets: menu.octets().to_vec() }),
            (Heard::Indicator(_), true) | (Heard::Joined, _) => None,
        }
    }
}

impl V8Message {
    /// What the call is for.
    pub fn function(&self) -> &'static str {
        self.octets.first().map_or("nothing", |octet| FUNCTIONS[usize::from(octet >> 5)])
    }

    /// Whether the call is for fax.
    pub fn is_fax(&self) -> bool {
        matches!(self.octets.first(), Some(0x81 | 0xa1))
    }

    /// The modulations it offers.
    pub fn modulations(&self) -> impl Iterator<Item = &'static str> + '_ {
        let first = self.octets.iter().position(|octet| octet & 0x1f == MODULATION_TAG);
        let octets = first.map_or(&[][..], |first| &self.octets[first..]);
        let extended = |place: usize| octets[1..=place].iter().all(|octet| octet & 0x38 == EXTENSION);
        let offered = move |row: &&(usize, u8, &'static str)| {
            octets.get(row.0).is_some_and(|octet| extended(row.0) && octet >> row.1 & 1 == 1)
        };
        MODULATIONS.iter().filter(offered).map(|row| row.2)
    }
}

impl fmt::Display for V8Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ci => "CI",
            Self::Cm => "CM",
            Self::Jm => "JM",
        })
    }
}

impl fmt::Display for V8Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.kind, self.function())?;
        self.modulations().try_for_each(|name| write!(f, ", {name}"))
    }
}

#[cfg(test)]
mod tests {
    use answertone_dsp::{
        bits::BitQueue,
        fsk::{FskModulator, V21_CHANNEL_1},
        modem::Modulator,
        units::Dbm0,
    };

    use super::*;

    /// The octet that names a menu.
    const MENU: u8 = 0xe0;

    fn sent(messages: usize, octets: &[u8]) -> Vec<f32> {
        let mut queue = BitQueue::with_room(4096);
        for _ in 0..messages {
            (0..10).for_each(|_| queue.push(true));
            for octet in octets {
                queue.push(false);
                queue.push_octet(*octet);
                queue.push(true);
            }
        }
        (0..12).for_each(|_| queue.push(true));
        queue.finish();
        let mut samples = vec![0.0; 16_000];
        let count = FskModulator::new(&V21_CHANNEL_1, Dbm0(-14.0)).run(&mut queue, &mut samples);
        samples.truncate(count);
        samples
    }

    #[test]
    fn a_menu_that_came_twice_is_told_in_words() {
        let mut ear = V8Ear::new(&V21_CHANNEL_1, false);
        let samples = sent(4, &[MENU, 0x81, 0x85, 0xd4, 0x90]);
        let heard: Vec<V8Message> = samples.chunks(80).filter_map(|block| ear.run(block)).collect();
        let words = "CM  fax to the answerer, V.34 half-duplex, V.17, V.29, V.27ter, V.21";
        assert!(!heard.is_empty() && heard.iter().all(|message| message.to_string() == words), "{heard:?}");
        assert!(heard[0].is_fax());
    }

    #[test]
    fn one_menu_alone_and_what_is_none_say_nothing() {
        for samples in [sent(1, &[MENU, 0x81, 0x05]), sent(4, &[0x33, 0x81]), sent(4, &[MENU, 0x33])] {
            let mut ear = V8Ear::new(&V21_CHANNEL_1, false);
            assert!(samples.chunks(80).all(|block| ear.run(block).is_none()));
        }
    }
}
