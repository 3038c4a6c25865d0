//! The line itself: how loud it is when, whether it is clipped, and what constant it has.

use answertone_dsp::{pcm::BLOCK_SAMPLES, units::Dbm0};

use crate::time::{LineSpan, LineTime};

/// Levels below are told as this one.
const FLOOR: f32 = -90.0;
/// Steps of a level in one octet.
const STEPS: f32 = 2.0;
/// The limit is reached by what comes so near to the largest sample there was.
const NEAR: f32 = 0.995;
/// A sample so much larger makes those before it none at the limit.
const LARGER: f32 = 1.02;
/// Samples in a row at the limit. A sine of 300 Hz or more has fewer than four; one so loud is no tone of the exchange but
/// of 1000 Hz or more, and has fewer than two, whatever the coding rounds together.
const FLAT: u32 = 4;
const FLAT_IF_LOUD: u32 = 2;
const VERY_LOUD: f32 = 9000.0;
/// Units of a level in a decibel.
const HALF_DB: i32 = STEPS as i32;
/// Blocks after a signal's end in which what is left of it is looked for.
const TAIL: usize = 60;
/// What is softer is not looked at.
const LOUD: f32 = 3000.0;

/// The line of one channel.
#[derive(Clone, Debug, Default)]
pub struct LineLevels {
    /// Level of each 10 ms, in half decibels above -90 dBm0.
    levels: Vec<u8>,
    /// Half of the changes of sign in each 10 ms, in units of 50 Hz.
    pitches: Vec<u8>,
    crossings: u8,
    crossed: usize,
    positive: bool,
    block: f32,
    filled: usize,
    sum: f64,
    samples: u64,
    largest: f32,
    /// Above and below.
    limits: [Limit; 2],
}

/// Where samples of one sign stop.
#[derive(Clone, Copy, Debug, Default)]
struct Limit {
    largest: f32,
    flat: u32,
    runs: u64,
    first: Option<LineTime>,
}

impl LineLevels {
    pub(super) fn run(&mut self, samples: &[f32]) {
        for sample in samples {
            self.sum += f64::from(*sample);
            self.samples += 1;
            self.largest = self.largest.max(sample.abs());
            let at = LineTime(self.samples);
            self.limits[0].take(*sample, at);
            self.limits[1].take(-*sample, at);
            self.block += sample * sample;
            self.filled += 1;
            if self.filled == BLOCK_SAMPLES {
                let level = Dbm0::from_mean_square(self.block / BLOCK_SAMPLES as f32).0;
                self.levels.push(((level - FLOOR) * STEPS).clamp(0.0, 255.0) as u8);
                (self.block, self.filled) = (0.0, 0);
            }
        }
    }

    /// Takes the same samples without their constant.
    pub(super) fn cross(&mut self, samples: &[f32]) {
        for sample in samples {
            self.crossings += u8::from((*sample > 0.0) != self.positive);
            self.positive = *sample > 0.0;
            self.crossed += 1;
            if self.crossed == BLOCK_SAMPLES {
                self.pitches.push(self.crossings);
                (self.crossings, self.crossed) = (0, 0);
            }
        }
    }

    /// Length of the recording.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// The constant in the samples, in 16-bit scale.
    pub fn constant(&self) -> f32 {
        (self.sum / self.samples.max(1) as f64) as f32
    }

    /// The largest sample, in 16-bit scale.
    pub fn largest(&self) -> f32 {
        self.largest
    }

    /// How often samples in a row lie at the limit, and when they first did.
    pub fn flat_runs(&self) -> (u64, Option<LineTime>) {
        let first = self.limits.iter().filter_map(|limit| limit.first).min();
        (self.limits.iter().map(|limit| limit.runs).sum(), first)
    }

    /// Level of each 10 ms.
    pub fn levels(&self) -> impl ExactSizeIterator<Item = Dbm0> + '_ {
        self.levels.iter().map(|level| Dbm0(f32::from(*level) / STEPS + FLOOR))
    }

    /// Stretches louder than a level, pauses of 50 ms or less in them, that last so many blocks at least.
    pub(super) fn louder(&self, least: Dbm0, blocks: usize) -> Vec<(LineTime, LineTime)> {
        const PAUSE: usize = 5;
        let least = ((least.0 - FLOOR) * STEPS) as u8;
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (place, _) in self.levels.iter().enumerate().filter(|(_, level)| **level >= least) {
            match runs.last_mut() {
                Some(run) if place - run.1 <= PAUSE => run.1 = place + 1,
                _ => runs.push((place, place + 1)),
            }
        }
        let moment = |block: usize| LineTime((block * BLOCK_SAMPLES) as u64);
        runs.into_iter().filter(|run| run.1 - run.0 >= blocks).map(|run| (moment(run.0), moment(run.1))).collect()
    }

    /// The part of a stretch whose pitch, counted by changes of sign, lies in a band.
    pub(super) fn pitched(&self, from: LineTime, to: LineTime, band: std::ops::Range<f32>) -> f32 {
        let block = |at: LineTime| (at.0 as usize / BLOCK_SAMPLES).min(self.pitches.len());
        let blocks = &self.pitches[block(from)..block(to).max(block(from))];
        let inside = blocks.iter().filter(|pitch| band.contains(&(f32::from(**pitch) * 50.0))).count();
        inside as f32 / blocks.len().max(1) as f32
    }

    /// What is left of a signal of that level after its end near a moment: how much softer, and for how long, if that stops
    /// as suddenly as the signal did.
    pub(super) fn tail(&self, level: Dbm0, end: LineTime) -> Option<(f32, LineSpan)> {
        let (level, near) = (((level.0 - FLOOR) * STEPS) as i32, (end.0 as usize / BLOCK_SAMPLES));
        let at = |block: usize| self.levels.get(block).map(|level| i32::from(*level));
        let last =
            (near.saturating_sub(TAIL)..near + TAIL).rev().find(|block| at(*block) >= Some(level - 3 * HALF_DB))?;
        // The block in which the signal ends has a part of it.
        let left = at(last + 2).filter(|left| (HALF_DB..=level - 5 * HALF_DB).contains(left))?;
        let stays =
            (last + 2..last + TAIL).take_while(|block| at(*block).is_some_and(|now| (now - left).abs() <= 3 * HALF_DB));
        let over = last + 2 + stays.count();
        let stops = at(over + 1).is_some_and(|now| now <= left - 10 * HALF_DB);
        let lasts = over - last - 1;
        (stops && lasts >= 2).then(|| ((level - left) as f32 / STEPS, LineSpan::ms(10 * lasts as u64)))
    }

    /// Mean level from one moment to another.
    pub fn between(&self, from: LineTime, to: LineTime) -> Dbm0 {
        let block = |at: LineTime| (at.0 as usize / BLOCK_SAMPLES).min(self.levels.len());
        let blocks = &self.levels[block(from)..block(to).max(block(from))];
        let power = |level: &u8| Dbm0(f32::from(*level) / STEPS + FLOOR).mean_square();
        Dbm0::from_mean_square(blocks.iter().map(power).sum::<f32>() / blocks.len().max(1) as f32)
    }
}

impl Limit {
    fn take(&mut self, sample: f32, at: LineTime) {
        if sample > self.largest * LARGER {
            (self.runs, self.first) = (0, None);
        }
        self.largest = self.largest.max(sample);
        self.flat = if sample >= LOUD && sample >= self.largest * NEAR { self.flat + 1 } else { 0 };
        if self.flat == if self.largest >= VERY_LOUD { FLAT_IF_LOUD } else { FLAT } {
            self.runs += 1;
            self.first = self.first.or(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(peak: f32, limit: f32) -> Vec<f32> {
        let sample = |at: i32| (peak * (0.61 * at as f32).sin()).clamp(-limit, limit);
        (0..8000).map(sample).collect()
    }

    #[test]
    fn a_clipped_sine_is_told_from_a_whole_one() {
        let mut line = LineLevels::default();
        line.run(&sine(9000.0, f32::MAX));
        assert_eq!(line.flat_runs(), (0, None));
        line.run(&sine(40_000.0, 12_000.0));
        assert!(line.flat_runs().0 > 500 && line.flat_runs().1.is_some_and(|at| at.0 > 8000));
    }

    #[test]
    fn the_level_is_that_of_the_time_asked_for() {
        let mut line = LineLevels::default();
        line.run(&[0.0; 8000]);
        line.run(&sine(16_141.0, f32::MAX));
        assert!((line.between(LineTime(8000), LineTime(16_000)).0 + 3.0).abs() < 0.5);
        assert!(line.between(LineTime(0), LineTime(8000)).0 <= FLOOR);
        assert_eq!(line.tail(Dbm0(-3.0), LineTime(16_000)), None);
        line.run(&sine(1614.1, f32::MAX)[..960]);
        line.run(&[0.0; 8000]);
        let (softer, later) = line.tail(Dbm0(-3.0), LineTime(16_000)).unwrap();
        assert!((softer - 20.0).abs() <= 1.0 && later.as_ms().abs_diff(120) <= 10, "{softer} {later:?}");
        assert!(line.between(LineTime(99_000), LineTime(100_000)).0 <= FLOOR);
    }
}
