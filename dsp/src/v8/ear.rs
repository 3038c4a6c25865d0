//! Hears messages of V.8: start-stop octets by V.21, ten ones and a name before each.

use crate::{
    bits::BitRun,
    fsk::{FskDemodulator, FskSpec},
    modem::Demodulator,
    v8::menu::{LONGEST, Menu},
};

/// The octets behind ten ones that name a message.
pub(super) const CI: u8 = 0x00;
pub(super) const MENU: u8 = 0xe0;

/// Ones before a name.
pub(super) const ONES: u32 = 10;

/// Room for the bits of a run of samples.
const RUN_BITS: usize = 128;

/// CJ without its last stop bit: three octets of zeros between start and stop bits, and the places it is seen in.
const CJ: u32 = 1 << 19 | 1 << 9;
const CJ_PLACES: u32 = (1 << 29) - 1;

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// CI, twice: what the call is for.
    Indicator(u8),
    /// CM or JM, twice the same.
    Menu(Menu),
    /// CJ.
    Joined,
}

/// Reads V.8 on one channel of V.21.
#[derive(Clone, Debug)]
pub struct Ear {
    demodulator: FskDemodulator,
    run: BitRun,
    ones: u32,
    /// The last bits, the newest in the lowest place.
    bits: u32,
    reading: Option<Reading>,
    last: Option<Heard>,
}

/// A message under way.
#[derive(Clone, Debug)]
struct Reading {
    /// Its name and what follows.
    octets: [u8; LONGEST + 1],
    count: usize,
    octet: u8,
    /// Places of the octet under way; 0 before its start bit.
    places: u32,
}

impl Reading {
    const EMPTY: Self = Self { octets: [0; LONGEST + 1], count: 0, octet: 0, places: 0 };
}

impl Ear {
    /// An ear for this channel.
    pub fn new(spec: &FskSpec) -> Self {
        let run = BitRun::with_room(RUN_BITS);
        Self { demodulator: FskDemodulator::new(spec), run, ones: 0, bits: u32::MAX, reading: None, last: None }
    }

    /// Takes the next samples, a quarter of a second at most; what was heard last in them.
    pub fn run(&mut self, samples: &[f32]) -> Option<Heard> {
        let mut run = core::mem::replace(&mut self.run, BitRun::with_room(0));
        run.clear();
        self.demodulator.run(samples, &mut run);
        let heard = run.bits().iter().filter_map(|bit| self.bit(*bit)).last();
        self.run = run;
        heard
    }

    fn bit(&mut self, bit: bool) -> Option<Heard> {
        self.bits = self.bits << 1 | u32::from(bit);
        if self.bits & CJ_PLACES == CJ {
            self.reading = None;
            return Some(Heard::Joined);
        }
        self.ones = if bit { self.ones + 1 } else { 0 };
        let Some(reading) = &mut self.reading else {
            self.reading = (self.ones >= ONES).then_some(Reading::EMPTY);
            return None;
        };
        match reading.places {
            // Idle between octets is no more than the next ten ones.
            0 if bit && self.ones < ONES => {}
            0 if bit => return self.end(),
            0 => (reading.octet, reading.places) = (0, 1),
            places @ 1..=8 => {
                reading.octet |= u8::from(bit) << (places - 1);
                reading.places += 1;
            }
            _ if bit && reading.count <= LONGEST => {
                reading.octets[reading.count] = reading.octet;
                reading.count += 1;
                reading.places = 0;
                self.ones = 1;
            }
            _ => self.reading = None,
        }
        None
    }

    /// Ten ones end a message and begin the next. One that came twice in a row is believed.
    fn end(&mut self) -> Option<Heard> {
        let reading = self.reading.replace(Reading::EMPTY)?;
        let (name, octets) = reading.octets[..reading.count].split_first()?;
        let heard = match *name {
            CI => Heard::Indicator(*Menu::of(octets)?.octets().first()?),
            MENU => Heard::Menu(Menu::of(octets)?),
            _ => return None,
        };
        (self.last.replace(heard) == Some(heard)).then_some(heard)
    }
}
