//! Tells an FSK signal from noise, tones and other modems, and finds where it begins and ends.

use crate::{
    fsk::{FskSpec, clock::STEPS, correlator::Content},
    level::{CarrierDetector, CarrierLevels},
    pcm::SAMPLE_RATE,
    units::SampleIndex,
};

/// Bits looked at to find an ending: fewer than 20 ms at 300 bit/s.
const ENDING_BITS: usize = 4;

/// Longest stretch of evidence in bits, a power of two.
const MEMORY_BITS: usize = 32;

/// Steps remembered to find a beginning or an ending.
const MEMORY_STEPS: usize = MEMORY_BITS * STEPS;

/// Power, relative to the carrier's, that half a bit of carrier leaves in a correlator.
const HALF_A_BIT: f32 = 0.25;

/// Powers summed over steps of a bit.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    /// The stronger of mark and space.
    strong: f32,
    /// The weaker of them.
    weak: f32,
    /// Everything in the line.
    total: f32,
    /// Steps summed, and those of them in which mark was the stronger.
    steps: f32,
    marks: f32,
    /// What the weaker tone of this line has while the carrier is up.
    expected: f32,
}

impl Evidence {
    #[inline(always)]
    fn add(&mut self, other: &Self) {
        self.strong += other.strong;
        self.weak += other.weak;
        self.total += other.total;
        self.steps += other.steps;
        self.marks += other.marks;
        self.expected += other.expected;
    }

    /// The tone in all steps, if there was only one: whether it was mark.
    fn only_tone(&self) -> Option<bool> {
        if self.marks == self.steps {
            return Some(true);
        }
        (self.marks == 0.0).then_some(false)
    }

    /// Mean power of the stronger tone.
    #[inline(always)]
    fn level(&self) -> f32 {
        self.strong / self.steps.max(1.0)
    }

    /// What one tone has more than the other, as a part of everything: high for FSK, low for wide-band signals.
    #[inline(always)]
    fn share(&self) -> f32 {
        (self.strong - self.weak) / self.total.max(1e-9)
    }

    /// What one tone has more than the other, as a part of both: low for a tone between mark and space.
    #[inline(always)]
    fn purity(&self) -> f32 {
        (self.strong - self.weak) / (self.strong + self.weak).max(1e-9)
    }
}

/// What became of the carrier at the end of a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It appeared and began at that sample.
    Up(SampleIndex),
    /// It went and ended at that sample.
    Down(SampleIndex),
}

/// The stronger tone at one step.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    /// The sample at which the step's bit time ends.
    at: f64,
    power: f32,
    /// What the weaker tone of this line has while the carrier is up.
    expected: f32,
}

impl Step {
    /// Whether it holds half a bit of the carrier or more.
    fn holds(&self) -> bool {
        self.power >= HALF_A_BIT * self.expected
    }
}

/// What is known of a tone while the carrier is up.
#[derive(Clone, Copy, Debug, Default)]
struct Tone {
    /// Mean power.
    power: f32,
    /// Bits of it that were heard, as far as they matter.
    bits: f32,
}

/// Bits that a tone's power is the mean of.
const REMEMBERED: f32 = 16.0;
/// Share of the beginning in which a tone must be heard to be known: less may be what was on the line before.
const HEARD: f32 = 0.2;
/// Power of the weaker tone, relative to the other, that is to be expected before it was heard, and at least.
const WEAKEST: f32 = 0.2;

/// Watches for one FSK signal.
#[derive(Clone, Debug)]
pub(super) struct CarrierWatch {
    bit_samples: f64,
    /// Bits of evidence for a carrier.
    beginning_bits: usize,
    /// Bits in a row that looked like the signal.
    likely_bits: usize,
    /// Least share for a carrier to appear and to stay.
    share_on: f32,
    share_off: f32,
    /// Least purity for a carrier to appear.
    purity_on: f32,
    level: CarrierDetector,
    /// Space and mark while the carrier is up: wires weaken one more than the other.
    tones: [Tone; 2],
    /// Power of the weaker of them.
    expected: f32,
    /// The bit that is being gathered.
    gathering: Evidence,
    bits: [Evidence; MEMORY_BITS],
    bit_count: usize,
    steps: [Step; MEMORY_STEPS],
    step_count: usize,
}

impl CarrierWatch {
    pub(super) fn new(spec: &FskSpec, levels: CarrierLevels) -> Self {
        let bit_samples = SAMPLE_RATE.0 / spec.rate.0;
        // What a steady tone leaves in the other correlator, as an amplitude, and the share of white noise.
        let leak = sinc((spec.mark.0 - spec.space.0) / spec.rate.0);
        let tone = 1.0 - leak * leak;
        let noise = 2.0 / bit_samples * libm::sqrtf(tone);
        let purest = tone / (1.0 + leak * leak);
        Self {
            bit_samples: f64::from(bit_samples),
            likely_bits: 0,
            beginning_bits: ((0.025 * spec.rate.0) as usize).clamp(10, MEMORY_BITS - 1),
            share_on: noise + 0.38 * (tone - noise),
            share_off: noise + 0.17 * (tone - noise),
            purity_on: 0.68 * purest,
            level: CarrierDetector::new(levels),
            tones: [Tone::default(); 2],
            expected: 0.0,
            gathering: Evidence::default(),
            bits: [Evidence::default(); MEMORY_BITS],
            bit_count: 0,
            steps: [Step::default(); MEMORY_STEPS],
            step_count: 0,
        }
    }

    #[inline(always)]
    pub(super) fn is_up(&self) -> bool {
        self.level.is_up()
    }

    /// Forgets the signal.
    pub(super) fn clear(&mut self) {
        self.level.clear();
        self.likely_bits = 0;
        self.tones = [Tone::default(); 2];
        self.expected = 0.0;
        self.gathering = Evidence::default();
        self.bits = [Evidence::default(); MEMORY_BITS];
        self.steps = [Step::default(); MEMORY_STEPS];
    }

    /// Takes the content of the bit time that ends at sample `at`; `telling` when a bit ends there, where mark and
    /// space are told best.
    #[inline(always)]
    pub(super) fn step(&mut self, at: f64, content: &Content, telling: bool) {
        let (strong, weak) = (content.mark.max(content.space), content.mark.min(content.space));
        let is_mark = content.mark >= content.space;
        let expected = self.expected;
        self.steps[self.step_count % MEMORY_STEPS] = Step { at, power: strong, expected };
        self.step_count += 1;
        if telling {
            let marks = if is_mark { 1.0 } else { 0.0 };
            self.gathering.add(&Evidence { strong, weak, total: content.total, steps: 1.0, marks, expected });
        }
    }

    /// Whether the last few bits look like the signal.
    #[inline(always)]
    pub(super) fn is_likely(&self) -> bool {
        self.likely_bits > 0
    }

    #[inline(always)]
    fn looks_right(&self, evidence: &Evidence) -> bool {
        evidence.share() >= self.share_on && evidence.purity() >= self.purity_on
    }

    /// Closes a bit; what became of the carrier.
    #[inline(always)]
    pub(super) fn bit(&mut self) -> Option<Turn> {
        self.bits[self.bit_count % MEMORY_BITS] = core::mem::take(&mut self.gathering);
        self.bit_count += 1;
        let now = self.last_bits(ENDING_BITS);
        self.likely_bits = if self.looks_right(&now) { self.likely_bits + 1 } else { 0 };
        if self.is_up() { self.ending(&now) } else { self.beginning() }
    }

    #[inline(never)]
    fn beginning(&mut self) -> Option<Turn> {
        if self.likely_bits < self.beginning_bits {
            return None;
        }
        let evidence = self.last_bits(self.beginning_bits);
        if !self.looks_right(&evidence) || !self.level.update(evidence.level()) {
            return None;
        }
        self.expect(&evidence);
        Some(Turn::Up(self.began()))
    }

    /// From now on the carrier has the level of this evidence, and had it before.
    fn expect(&mut self, evidence: &Evidence) {
        let power = evidence.level();
        self.tones = [Tone { power, bits: REMEMBERED }; 2];
        let marks = evidence.marks / evidence.steps.max(1.0);
        for (tone, share) in self.tones.iter_mut().zip([1.0 - marks, marks]) {
            if share < HEARD {
                *tone = Tone { power: WEAKEST * power, bits: 0.0 };
            }
        }
        self.expected = self.weaker_tone();
        self.bits.iter_mut().for_each(|bit| bit.expected = bit.steps * power);
        self.steps.iter_mut().for_each(|step| step.expected = power);
    }

    /// Power of the tone that is weaker on this line.
    fn weaker_tone(&self) -> f32 {
        let [space, mark] = self.tones;
        space.power.min(mark.power).max(WEAKEST * space.power.max(mark.power))
    }

    /// Learns how strong the tone of the last bit is.
    fn follow_level(&mut self) {
        let bit = &self.bits[self.bit_count.wrapping_sub(1) % MEMORY_BITS];
        if let Some(is_mark) = bit.only_tone().filter(|_| bit.steps > 0.0) {
            let tone = &mut self.tones[usize::from(is_mark)];
            tone.bits = (tone.bits + 1.0).min(REMEMBERED);
            tone.power += (bit.level() - tone.power) / tone.bits;
            self.expected = self.weaker_tone();
        }
    }

    #[inline(always)]
    fn ending(&mut self, now: &Evidence) -> Option<Turn> {
        let sank = now.strong < HALF_A_BIT * now.expected;
        let drowned = !self.is_likely() && self.last_bits(self.beginning_bits).share() < self.share_off;
        if self.level.update(now.level()) && !sank && !drowned {
            self.follow_level();
            return None;
        }
        let ended = self.ended();
        // What is left of this signal is no evidence for the next.
        self.clear();
        Some(Turn::Down(ended))
    }

    /// Evidence of the last `count` bits.
    #[inline(always)]
    fn last_bits(&self, count: usize) -> Evidence {
        let mut sum = Evidence::default();
        for back in 1..=count {
            sum.add(&self.bits[self.bit_count.wrapping_sub(back) % MEMORY_BITS]);
        }
        sum
    }

    /// Steps, newest first, that lie behind; those before the first one are silent.
    fn steps_back(&self) -> impl Iterator<Item = Step> {
        (1..=MEMORY_STEPS).map(|back| self.steps[self.step_count.wrapping_sub(back) % MEMORY_STEPS])
    }

    /// Where the carrier began: in the oldest step of the latest run of steps that hold half a bit of it or more.
    #[inline(never)]
    fn began(&self) -> SampleIndex {
        let oldest = self.steps_back().take_while(Step::holds).last().unwrap_or(self.newest());
        rounded(oldest.at - self.held_samples(&oldest))
    }

    /// Where the carrier ended: in the newest step that holds half a bit of it or more.
    #[inline(never)]
    fn ended(&self) -> SampleIndex {
        let last = self.steps_back().find(Step::holds).unwrap_or(self.newest());
        rounded(last.at - self.bit_samples + self.held_samples(&last))
    }

    fn newest(&self) -> Step {
        self.steps[self.step_count.wrapping_sub(1) % MEMORY_STEPS]
    }

    /// How many samples of the carrier a step's bit time holds, if it is not whole: amplitude grows with length.
    fn held_samples(&self, step: &Step) -> f64 {
        f64::from(libm::sqrtf(step.power / step.expected.max(1e-9)).min(1.0)) * self.bit_samples
    }
}

fn rounded(at: f64) -> SampleIndex {
    SampleIndex(libm::rint(at.max(0.0)) as u64)
}

/// sin(πx)/(πx)
fn sinc(x: f32) -> f32 {
    let angle = x * core::f32::consts::PI;
    if angle == 0.0 { 1.0 } else { libm::sinf(angle) / angle }
}
