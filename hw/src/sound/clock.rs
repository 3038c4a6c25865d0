//! A device's clock, measured against the computer's, and the loop that marries two of them.
//!
//! Callbacks come late by chance and in lumps, and what devices say of their delay is not exact: a straight line through
//! many callbacks gives the clock to a few parts per million within a minute. The line follows the capture clock; what is played is resampled
//! to the playback clock by the difference of the two lines, and a slow correction keeps the distance between them.

/// What counts against a slope, in square seconds: how late callbacks are, typically 3 ms, over the spread of crystals that
/// is believed without evidence, 100 parts per million.
const DOUBT: f64 = (3e-3 / 100e-6) * (3e-3 / 100e-6);

/// Frames that come this much early or late, in seconds, for as long as [`JUMP_SECONDS`], were lost or doubled on the way:
/// the clock is measured anew from there.
const JUMP: f64 = 15e-3;

/// See [`JUMP`].
const JUMP_SECONDS: f64 = 0.4;

/// The most that a clock is believed to be off, relative. More is lost samples, not a clock.
const MOST_OFFSET: f64 = 500e-6;

/// How fast the past is forgotten, in seconds: crystals drift with the temperature.
const MEMORY_SECONDS: f64 = 180.0;

/// A clock measured for less is not reported, in seconds.
const SHORTEST_MEASUREMENT: f64 = 4.0;

/// A straight line through the callbacks of one direction.
#[derive(Clone, Copy, Debug)]
pub struct DeviceClock {
    rate: f64,
    /// The first callback, which the sums below are relative to.
    origin: Option<(f64, u64)>,
    newest: f64,
    weight: f64,
    /// Means of time in seconds and of frames beyond the nominal ones.
    time: f64,
    excess: f64,
    /// Sums of squares and products around the means.
    time_squared: f64,
    product: f64,
    /// Since when frames have been away from the line.
    away_since: Option<f64>,
    jumps: u32,
}

impl DeviceClock {
    /// The clock of a device at a nominal rate in samples per second.
    pub fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self {
            rate,
            origin: None,
            newest: 0.0,
            weight: 0.0,
            time: 0.0,
            excess: 0.0,
            time_squared: 0.0,
            product: 0.0,
            away_since: None,
            jumps: 0,
        }
    }

    /// Takes the frames that had passed at the converter at a moment in nanoseconds. After an interruption only the slope
    /// of what was before counts: how long it was is never known exactly.
    pub fn take(&mut self, frames: u64, ns: f64, interrupted: bool) {
        let (first_ns, first_frames) = *self.origin.get_or_insert((ns, frames));
        let time = ((ns - first_ns) * 1e-9).max(0.0);
        let excess = (frames - first_frames) as f64 - time * self.rate;
        if interrupted || self.has_jumped(time, excess) {
            self.weight = 0.0;
        }
        if self.away_since.is_some() {
            return;
        }
        let kept = (-(time - self.newest).max(0.0) / MEMORY_SECONDS).exp();
        self.newest = self.newest.max(time);
        self.time_squared *= kept;
        self.product *= kept;
        if self.weight == 0.0 {
            (self.time, self.excess) = (time, excess);
        }
        self.weight = self.weight * kept + 1.0;
        let (beyond_time, beyond_excess) = (time - self.time, excess - self.excess);
        self.time += beyond_time / self.weight;
        self.excess += beyond_excess / self.weight;
        self.time_squared += beyond_time * (time - self.time);
        self.product += beyond_time * (excess - self.excess);
    }

    /// Whether frames have been away from the line for so long that they will not come back.
    fn has_jumped(&mut self, time: f64, excess: f64) -> bool {
        let expected = self.excess + self.slope() * (time - self.time);
        if self.weight == 0.0 || (excess - expected).abs() < JUMP * self.rate {
            self.away_since = None;
            return false;
        }
        let since = *self.away_since.get_or_insert(time);
        let jumped = time - since >= JUMP_SECONDS;
        if jumped {
            self.jumps += 1;
            self.away_since = None;
        }
        jumped
    }

    /// Frames per second beyond the nominal rate; drawn to zero while there is little evidence.
    fn slope(&self) -> f64 {
        let slope = self.product / (self.time_squared + DOUBT);
        slope.clamp(-MOST_OFFSET * self.rate, MOST_OFFSET * self.rate)
    }

    /// How often frames were lost or doubled without a word.
    pub fn jumps(&self) -> u32 {
        self.jumps
    }

    /// How much faster than the computer's clock it runs, relative.
    fn offset(&self) -> f64 {
        self.slope() / self.rate
    }

    /// How much faster than the computer's clock it runs, in parts per million; unknown before
    /// [`SHORTEST_MEASUREMENT`], and where it is more than any clock can be off.
    pub fn ppm(&self) -> Option<f64> {
        let evident = self.product / self.time_squared.max(f64::MIN_POSITIVE) / self.rate;
        (self.newest >= SHORTEST_MEASUREMENT && evident.abs() <= MOST_OFFSET).then_some(evident * 1e6)
    }

    /// Frames that have passed at the moment `ns`, by the straight line.
    fn frames_at(&self, ns: f64) -> Option<f64> {
        let (first_ns, first_frames) = self.origin?;
        let time = (ns - first_ns) * 1e-9;
        Some(first_frames as f64 + time * self.rate + self.excess + self.slope() * (time - self.time))
    }

    /// The moment when `frames` had passed, in nanoseconds.
    fn moment_of(&self, frames: f64) -> Option<f64> {
        let (first_ns, first_frames) = self.origin?;
        let known = frames - first_frames as f64 - self.excess + self.slope() * self.time;
        Some(first_ns + known / (self.rate + self.slope()) * 1e9)
    }
}

/// Seconds of line before the distance of the clocks is taken as the one to keep.
const SETTLING_SECONDS: f64 = 2.0;

/// Seconds in which a wrong distance would be made good.
const CORRECTION_SECONDS: f64 = 20.0;

/// The most that the correction bends the ratio, relative: no receiver feels it.
const MOST_CORRECTION: f64 = 50e-6;

/// Two clocks and how what is played must be resampled.
#[derive(Clone, Copy, Debug)]
pub struct Marriage {
    /// The clock that the line follows.
    pub capture: DeviceClock,
    /// The clock that is followed by resampling.
    pub playback: DeviceClock,
    rate: f64,
    /// How far the line's playback is to be ahead of the device, in frames.
    distance: Option<f64>,
}

impl Marriage {
    /// Of the two directions of a device at a nominal rate.
    pub fn new(rate: u32) -> Self {
        let clock = DeviceClock::new(rate);
        Self { capture: clock, playback: clock, rate: f64::from(rate), distance: None }
    }

    /// How much faster the playback clock runs than the capture clock, relative.
    pub fn offset(&self) -> f64 {
        (1.0 + self.playback.offset()) / (1.0 + self.capture.offset()) - 1.0
    }

    /// The same in parts per million, when both are known.
    pub fn ppm(&self) -> Option<f64> {
        let (capture, playback) = (self.capture.ppm()? * 1e-6, self.playback.ppm()? * 1e-6);
        Some(((1.0 + playback) / (1.0 + capture) - 1.0) * 1e6)
    }

    /// Frames to be played for each frame captured, less one, when `consumed` frames of the capture clock have become
    /// `produced` frames for the playback clock.
    pub fn correction(&mut self, consumed: f64, produced: f64) -> f64 {
        let Some(distance) = self.distance_at(consumed, produced) else { return 0.0 };
        if self.capture.newest < SETTLING_SECONDS {
            return self.offset();
        }
        let wanted = *self.distance.get_or_insert(distance);
        let bend = (wanted - distance) / self.rate / CORRECTION_SECONDS;
        self.offset() + bend.clamp(-MOST_CORRECTION, MOST_CORRECTION)
    }

    fn distance_at(&self, consumed: f64, produced: f64) -> Option<f64> {
        let now = self.capture.moment_of(consumed)?;
        Some(produced - self.playback.frames_at(now)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Callbacks of 10 ms, each late by up to 8 ms.
    fn clock(ppm: f64, seconds: u64) -> DeviceClock {
        let mut clock = DeviceClock::new(48_000);
        let mut chance = 1_u64;
        for n in 0..seconds * 100 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let late = (chance >> 40) as f64 / (1_u64 << 24) as f64 * 8e-3;
            let at = n as f64 * 0.01 / (1.0 + ppm * 1e-6) + late;
            clock.take(n * 480, at * 1e9, false);
        }
        clock
    }

    #[test]
    fn a_clock_is_known_to_a_few_parts_per_million_after_a_minute() {
        for ppm in [-200.0, 0.0, 35.0, 200.0] {
            let measured = clock(ppm, 60).ppm().unwrap();
            assert!((measured - ppm).abs() < 3.0, "{ppm}: {measured}");
        }
        assert_eq!(clock(200.0, 2).ppm(), None);
    }

    #[test]
    fn lost_frames_are_not_taken_for_a_slow_clock() {
        let mut clock = clock(80.0, 30);
        for n in 3000..6000 {
            let at = (n as f64 + 7.0) * 0.01 / (1.0 + 80e-6);
            clock.take(n * 480, at * 1e9, false);
        }
        let measured = clock.ppm().unwrap();
        assert!((measured - 80.0).abs() < 5.0, "{measured}");
        assert_eq!(clock.jumps(), 1);
    }

    #[test]
    fn moments_and_frames_are_two_readings_of_one_line() {
        let clock = clock(150.0, 30);
        let moment = clock.moment_of(480_000.0).unwrap();
        assert!((clock.frames_at(moment).unwrap() - 480_000.0).abs() < 1e-3);
    }
}
