//! Says messages of V.8, again and again.

use crate::{
    bits::BitQueue,
    fsk::{FskModulator, FskSpec},
    modem::Modulator,
    units::Dbm0,
    v8::{
        ear::{CI, MENU, ONES},
        menu::{LONGEST, Menu},
    },
};

/// Bits of the longest message.
const MESSAGE_BITS: usize = 10 * (LONGEST + 2);

/// Bits that wait at least: no run of samples takes more.
const LEAST_BITS: usize = 32;

/// Zeros of CJ, octet by octet.
const CJ_OCTETS: usize = 3;

/// The sending side of one channel of V.21.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    modulator: FskModulator,
    bits: BitQueue,
    said: Said,
    /// CJ is to follow.
    joins: bool,
}

/// What is said.
#[derive(Clone, Copy, Debug)]
enum Said {
    Nothing,
    /// A message so many times more.
    Indicator(u8, u32),
    /// A menu until CJ is asked for.
    Menu(Menu),
}

impl Voice {
    pub(super) fn new(spec: &FskSpec, level: Dbm0) -> Self {
        let mut bits = BitQueue::with_room(MESSAGE_BITS + LEAST_BITS);
        bits.finish();
        Self { modulator: FskModulator::new(spec, level), bits, said: Said::Nothing, joins: false }
    }

    /// Says CI so many times.
    pub(super) fn indicate(&mut self, function: u8, times: u32) {
        self.begin(Said::Indicator(function, times));
    }

    /// Says a menu until something else is asked for.
    pub(super) fn offer(&mut self, menu: Menu) {
        self.begin(Said::Menu(menu));
    }

    /// Says CJ when the menu under way is over, and nothing more.
    pub(super) fn join(&mut self) {
        self.joins = true;
    }

    fn begin(&mut self, said: Said) {
        self.modulator.restart();
        self.bits.clear();
        (self.said, self.joins) = (said, false);
    }

    /// Writes the next samples, a tenth of a second at most; false when nothing is left to say: the rest is silence.
    pub(super) fn run(&mut self, out: &mut [f32]) -> bool {
        while self.bits.len() < LEAST_BITS && self.push_next() {}
        let written = self.modulator.run(&mut self.bits, out);
        out[written..].fill(0.0);
        written == out.len()
    }

    /// Puts the next message into the queue, and the end behind the last one.
    fn push_next(&mut self) -> bool {
        match &mut self.said {
            Said::Nothing => return false,
            Said::Indicator(_, 0) => self.finish(),
            Said::Menu(_) if self.joins => {
                (0..CJ_OCTETS).for_each(|_| self.push_octet(0));
                self.finish();
            }
            Said::Indicator(function, times) => {
                *times -= 1;
                let function = *function;
                self.push(&[CI, function]);
            }
            Said::Menu(menu) => {
                let menu = *menu;
                self.push(&[MENU]);
                menu.octets().iter().for_each(|octet| self.push_octet(*octet));
            }
        }
        true
    }

    fn finish(&mut self) {
        self.bits.finish();
        self.said = Said::Nothing;
    }

    fn push(&mut self, octets: &[u8]) {
        (0..ONES).for_each(|_| self.bits.push(true));
        octets.iter().for_each(|octet| self.push_octet(*octet));
    }

    fn push_octet(&mut self, octet: u8) {
        self.bits.push(false);
        self.bits.push_octet(octet);
        self.bits.push(true);
    }
}
