//! ITU-T V.34 phase 2: the INFO sequences in which two modems say what they can and what they found, in words.

use std::fmt;

/// Bits of phase 2 in a second, by differential phase: a turn by half a circle is a 1. ITU-T V.34 10.1.2.3.
const THIRDS_OF_BIT: u64 = 40;
/// Samples of a bit, whole ones.
const BIT: usize = 13;
/// Moments within a bit at which it is read: nobody knows where one begins.
const PHASES: u64 = 8;
/// Samples after which the carriers of caller and answerer, 1200 and 2400 Hz, are as before.
const ROUND: usize = 20;
/// Fill and frame sync that begin each sequence, the first bit on the left.
const BEGINNING: u128 = 0b1111_0111_0010;
/// Bits of the check.
const CHECK: usize = 16;
/// What a carrier leaves in the band of the other, and a little more.
const LEAK: f32 = 0.2;
/// Samples for which the same sequence is not told again.
const AGAIN: u64 = 1600;

/// Symbol rates by their numbers.
const SYMBOL_RATES: [u32; 6] = [2400, 2743, 2800, 3000, 3200, 3429];

/// Which sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InfoKind {
    /// What the modem can.
    Info0,
    /// What the calling modem of a duplex call found.
    Info1c,
    /// What the answering modem of a duplex call found.
    Info1a,
    /// What the receiver of a half-duplex call wants.
    InfoH,
}

/// A sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V34Info {
    /// Which.
    pub kind: InfoKind,
    /// Whether the calling modem sent it.
    pub of_caller: bool,
    /// Bits of information, the first in the lowest place: bit 12 of the Recommendation.
    bits: u128,
}

impl InfoKind {
    const ALL: [Self; 4] = [Self::Info0, Self::Info1c, Self::Info1a, Self::InfoH];

    /// Bits of information.
    const fn length(self) -> usize {
        match self {
            Self::Info0 => 17,
            Self::Info1c => 77,
            Self::Info1a => 38,
            Self::InfoH => 19,
        }
    }

    const fn can_be(self, of_caller: bool) -> bool {
        match self {
            Self::Info1c => of_caller,
            Self::Info1a => !of_caller,
            Self::Info0 | Self::InfoH => true,
        }
    }
}

impl V34Info {
    /// `count` bits from the one with that number in the Recommendation.
    fn field(&self, bit: usize, count: usize) -> u32 {
        (self.bits >> (bit - 12) & ((1 << count) - 1)) as u32
    }

    fn has(&self, bit: usize) -> bool {
        self.field(bit, 1) == 1
    }

    /// Symbol rates that the modem can; 2400 always. INFO0 only.
    pub fn symbol_rates(&self) -> Vec<u32> {
        let can = [true, self.has(12), self.has(13), self.has(15) || self.has(16), self.has(17) || self.has(18)];
        let can = can.into_iter().chain([self.has(14)]);
        SYMBOL_RATES.into_iter().zip(can).filter(|(_, can)| *can).map(|(rate, _)| rate).collect()
    }

    /// The symbol rate that the receiver wants. INFOh only.
    pub fn symbol_rate(&self) -> Option<u32> {
        SYMBOL_RATES.get(self.field(27, 3) as usize).copied()
    }

    fn capabilities(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rates = self.symbol_rates().into_iter().map(|rate| rate.to_string()).collect::<Vec<_>>();
        write!(f, "symbol rates {}", rates.join(" "))?;
        let said = [
            (!self.has(19), "3429 not allowed"),
            (self.has(20), "can reduce its power"),
            (self.has(25), "1664 points"),
            (self.has(28), "INFO0 of the other side received"),
        ];
        said.into_iter().filter(|(holds, _)| *holds).try_for_each(|(_, words)| write!(f, ", {words}"))
    }

    fn wishes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.symbol_rate() {
            Some(rate) => write!(f, "{rate} symbols/s")?,
            None => f.write_str("a symbol rate that is none")?,
        }
        write!(f, ", {} carrier", if self.has(22) { "high" } else { "low" })?;
        write!(f, ", training {} ms", self.field(15, 7) * 35)?;
        write!(f, " of {} points", if self.has(30) { 16 } else { 4 })?;
        write!(f, ", pre-emphasis {}, {} dB less power", self.field(23, 4), self.field(12, 3))
    }
}

impl fmt::Display for V34Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.of_caller) {
            (InfoKind::Info0, true) => f.write_str("V.34 INFO0c  ")?,
            (InfoKind::Info0, false) => f.write_str("V.34 INFO0a  ")?,
            (InfoKind::Info1c, _) => return f.write_str("V.34 INFO1c  results of line probing, duplex"),
            (InfoKind::Info1a, _) => return f.write_str("V.34 INFO1a  symbol rate and powers chosen, duplex"),
            (InfoKind::InfoH, _) => f.write_str("V.34 INFOh  ")?,
        }
        if self.kind == InfoKind::Info0 { self.capabilities(f) } else { self.wishes(f) }
    }
}

/// Reads the sequences of one side.
struct InfoEar {
    of_caller: bool,
    /// The carrier, a round of it.
    carrier: [(f32, f32); ROUND],
    now: u64,
    /// Samples brought down, the newest first; and their sums over a bit.
    samples: [(f32, f32); BIT + 1],
    sums: [(f32, f32); BIT + 2],
    /// For each phase when the next bit is due, in thirds of a sample, and the bits so far, the newest in the lowest place.
    readers: [(u64, u128); PHASES as usize],
    told: Option<(u64, V34Info)>,
    /// Mean power of the last bits.
    power: f32,
}

/// Reads the sequences of both sides.
pub(super) struct InfoEars([InfoEar; 2]);

impl InfoEars {
    pub(super) fn new() -> Self {
        Self([InfoEar::new(true), InfoEar::new(false)])
    }

    /// Takes the next samples; `heard` gets each sequence whose check holds, and samples from its beginning to now.
    pub(super) fn run(&mut self, samples: &[f32], mut heard: impl FnMut(V34Info, u64)) {
        let [caller, answerer] = &mut self.0;
        let (of_caller, of_answerer) = (caller.run(samples), answerer.run(samples));
        // The turns of one carrier are heard in the band of the other.
        let (caller, answerer) = (caller.power, answerer.power);
        let of_caller = of_caller.filter(|_| caller > LEAK * answerer);
        let of_answerer = of_answerer.filter(|_| answerer > LEAK * caller);
        of_caller.into_iter().chain(of_answerer).for_each(|(info, length)| heard(info, length));
    }
}

impl InfoEar {
    fn new(of_caller: bool) -> Self {
        let turns = if of_caller { 3 } else { 6 };
        let carrier = std::array::from_fn(|at| {
            let angle = std::f32::consts::TAU * (at * turns % ROUND) as f32 / ROUND as f32;
            (angle.cos(), -angle.sin())
        });
        Self {
            of_caller,
            carrier,
            now: 0,
            samples: [(0.0, 0.0); BIT + 1],
            sums: [(0.0, 0.0); BIT + 2],
            readers: std::array::from_fn(|phase| (phase as u64 * THIRDS_OF_BIT / PHASES, 0)),
            told: None,
            power: 0.0,
        }
    }

    /// Takes the next samples; a sequence whose check holds, and samples from its beginning to the last taken.
    fn run(&mut self, samples: &[f32]) -> Option<(V34Info, u64)> {
        let mut heard = None;
        for sample in samples {
            heard = self.sample(*sample).or(heard);
        }
        heard
    }

    fn sample(&mut self, sample: f32) -> Option<(V34Info, u64)> {
        let (re, im) = self.carrier[self.now as usize % ROUND];
        self.now += 1;
        self.samples.rotate_right(1);
        self.samples[0] = (sample * re, sample * im);
        self.sums.rotate_right(1);
        self.sums[0] = self.sum();
        let turned = self.turned();
        let mut heard = None;
        for place in 0..self.readers.len() {
            let (due, bits) = &mut self.readers[place];
            if self.now * 3 < *due {
                continue;
            }
            *due += THIRDS_OF_BIT;
            let (re, im) = self.sums[0];
            self.power += (re * re + im * im - self.power) / (16.0 * PHASES as f32);
            *bits = *bits << 1 | u128::from(turned);
            let bits = *bits;
            heard = self.read(bits).or(heard);
        }
        heard
    }

    /// Over one bit, 13 samples and a third.
    fn sum(&self) -> (f32, f32) {
        let (last, whole) = (self.samples[BIT], &self.samples[..BIT]);
        let of = |part: fn(&(f32, f32)) -> f32| whole.iter().map(part).sum::<f32>() + part(&last) / 3.0;
        (of(|sample| sample.0), of(|sample| sample.1))
    }

    /// Whether the phase is nearer to the opposite of the one before.
    fn turned(&self) -> bool {
        let (now, near, far) = (self.sums[0], self.sums[BIT], self.sums[BIT + 1]);
        let before = ((2.0 * near.0 + far.0) / 3.0, (2.0 * near.1 + far.1) / 3.0);
        now.0 * before.0 + now.1 * before.1 < 0.0
    }

    fn read(&mut self, bits: u128) -> Option<(V34Info, u64)> {
        let of_caller = self.of_caller;
        let kinds = InfoKind::ALL.into_iter().filter(|kind| kind.can_be(of_caller));
        let info = kinds.into_iter().find_map(|kind| {
            let begins = bits >> (kind.length() + CHECK) & 0xfff == BEGINNING;
            let in_time = || (0..kind.length() + CHECK).rev().map(|place| bits >> place & 1);
            // What the check is behind itself is nothing.
            let holds = begins && in_time().fold(0xffff, check) == 0;
            let information = in_time().take(kind.length()).enumerate();
            holds.then(|| V34Info { kind, of_caller, bits: information.map(|(place, bit)| bit << place).sum() })
        })?;
        let again = self.told.as_ref().is_some_and(|(at, told)| *told == info && self.now - at < AGAIN);
        let length = (info.kind.length() + CHECK + 12) as u64 * THIRDS_OF_BIT / 3;
        self.told = Some((self.now, info.clone()));
        (!again).then_some((info, length))
    }
}

/// One bit more under the check of x^16 + x^12 + x^5 + 1, the first bit in front.
fn check(sum: u16, bit: u128) -> u16 {
    let carries = (sum & 1) ^ (bit as u16 & 1) == 1;
    if carries { sum >> 1 ^ 0x8408 } else { sum >> 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence as a modem sends it: bits by the turn of a carrier's phase.
    fn sent(information: &[bool], hertz: f32) -> Vec<f32> {
        let sum = information.iter().fold(0xffff, |sum, bit| check(sum, u128::from(*bit)));
        let beginning = (0..12).rev().map(|place| BEGINNING >> place & 1 == 1);
        let check = (0..16).map(|place| sum >> place & 1 == 1);
        let bits = [true; 20].into_iter().chain(beginning).chain(information.iter().copied()).chain(check);
        let mut turns = vec![0.0_f32];
        bits.chain([true; 4]).for_each(|bit| turns.push(turns[turns.len() - 1] + if bit { 0.5 } else { 0.0 }));
        let samples = turns.len() * 40 / 3;
        let phase = |at: usize| hertz * at as f32 / 8000.0 + turns[at * 3 / 40];
        (0..samples).map(|at| 3000.0 * (std::f32::consts::TAU * phase(at).fract()).cos()).collect()
    }

    fn heard(samples: &[f32]) -> Vec<String> {
        let (mut ears, mut heard) = (InfoEars::new(), Vec::new());
        samples.chunks(80).for_each(|block| ears.run(block, |info, _| heard.push(info.to_string())));
        heard
    }

    #[test]
    fn what_a_modem_can_and_wants_is_told_once_and_of_the_right_side() {
        let mut can = [false; 17];
        [0, 1, 3, 5, 13].into_iter().for_each(|bit| can[bit] = true);
        let words = "V.34 INFO0c  symbol rates 2400 2743 2800 3000 3200, 3429 not allowed, 1664 points";
        let caller = sent(&can, 1200.0);
        assert_eq!(heard(&caller), [words]);
        // 3200 symbols/s on the high carrier, 10 times 35 ms of 16 points, pre-emphasis 2, 1 dB less.
        let mut wants = [false; 19];
        [0, 4, 6, 10, 12, 17, 18].into_iter().for_each(|bit| wants[bit] = true);
        let words = "V.34 INFOh  3200 symbols/s, high carrier, training 350 ms of 16 points, pre-emphasis 2, 1 dB less power";
        let guarded: Vec<f32> = sent(&wants, 2400.0)
            .iter()
            .zip(0_u16..)
            .map(|(sample, at)| sample + 1500.0 * (std::f32::consts::TAU * 1800.0 * f32::from(at) / 8000.0).sin())
            .collect();
        assert_eq!(heard(&guarded), [words]);
    }

    #[test]
    fn a_wrong_bit_and_noise_say_nothing() {
        let mut samples = sent(&[true; 17], 1200.0);
        let middle = samples.len() / 2;
        samples[middle..middle + 14].iter_mut().for_each(|sample| *sample = -*sample);
        assert!(heard(&samples).is_empty());
        let mut state = 1_u32;
        let noise: Vec<f32> = (0..200_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as f32 - 32768.0
            })
            .collect();
        assert!(heard(&noise).is_empty());
    }
}
