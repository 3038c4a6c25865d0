//! Levels: a power meter and a carrier detector with hysteresis.

use crate::{
    lanes::{Kernel, Lanes, One},
    pcm::SAMPLE_RATE,
    units::Dbm0,
};

/// Mean squares of lines, smoothed over a time. A run writes one result: the mean after its last sample.
#[derive(Clone, Copy, Debug)]
pub struct PowerKernel {
    /// Share of a new sample in the mean.
    share: f32,
}

impl PowerKernel {
    /// A meter that follows a step to 63 % in `time_ms` milliseconds.
    pub fn new(time_ms: f32) -> Self {
        Self { share: 1.0 - libm::expf(-1000.0 / (time_ms * SAMPLE_RATE.0)) }
    }
}

impl Kernel for PowerKernel {
    /// The mean square so far, in squared 16-bit sample units.
    type State<V: Lanes> = V;

    fn state<V: Lanes>(&self) -> V {
        V::splat(0.0)
    }

    fn extract<V: Lanes>(&self, state: &V, lane: usize) -> f32 {
        state.lane(lane)
    }

    fn insert<V: Lanes>(&self, state: &mut V, lane: usize, line: &f32) {
        state.set_lane(lane, *line);
    }

    #[inline(always)]
    fn run<V: Lanes>(&self, mean_square: &mut V, samples: &[V], results: &mut [V]) {
        let share = V::splat(self.share);
        // Far below the quietest signal; without it a silent line would decay into denormal numbers.
        let floor = V::splat(1e-12);
        for sample in samples {
            *mean_square = *mean_square + (*sample * *sample + floor - *mean_square) * share;
        }
        results.fill(*mean_square);
    }
}

/// The level of one line.
#[derive(Clone, Debug)]
pub struct PowerMeter(One<PowerKernel>);

impl PowerMeter {
    /// A meter that follows a step to 63 % in `time_ms` milliseconds.
    pub fn new(time_ms: f32) -> Self {
        Self(One::new(PowerKernel::new(time_ms)))
    }

    /// Takes the next samples, in 16-bit scale.
    pub fn run(&mut self, samples: &[f32]) {
        self.0.run(samples, &mut []);
    }

    /// The mean square in squared 16-bit sample units.
    pub fn mean_square(&self) -> f32 {
        *self.0.state()
    }

    /// The level.
    pub fn level(&self) -> Dbm0 {
        Dbm0::from_mean_square(self.mean_square())
    }

    /// Begins again from silence.
    pub fn clear(&mut self) {
        self.0.set_state(0.0);
    }
}

/// The levels between which a carrier is held.
///
/// ITU-T V.21, V.27ter and V.29 agree: a line signal above -43 dBm is a carrier, one below -48 dBm is none, and the
/// two thresholds are at least 2 dB apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CarrierLevels {
    /// A signal at or above it is a carrier.
    pub on: Dbm0,
    /// A carrier below it is gone.
    pub off: Dbm0,
}

impl Default for CarrierLevels {
    /// As sensitive as the Recommendations allow.
    fn default() -> Self {
        Self { on: Dbm0(-46.0), off: Dbm0(-48.0) }
    }
}

/// Tells by a measured power whether there is a carrier.
#[derive(Clone, Copy, Debug)]
pub struct CarrierDetector {
    on: f32,
    off: f32,
    up: bool,
}

impl CarrierDetector {
    /// A detector that has heard nothing yet.
    pub fn new(levels: CarrierLevels) -> Self {
        Self { on: levels.on.mean_square(), off: levels.off.mean_square(), up: false }
    }

    /// Takes a mean square in squared 16-bit sample units; whether the carrier is up after it.
    pub fn update(&mut self, mean_square: f32) -> bool {
        self.up = mean_square >= if self.up { self.off } else { self.on };
        self.up
    }

    /// Whether the carrier is up.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// Forgets the carrier.
    pub fn clear(&mut self) {
        self.up = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{osc::Oscillator, units::Hz};

    fn tone(level: Dbm0) -> [f32; 800] {
        let mut oscillator = Oscillator::new(Hz(1004.0));
        [0.0; 800].map(|_: f32| oscillator.next_sine() * level.rms() * core::f32::consts::SQRT_2)
    }

    #[test]
    fn the_meter_reads_the_level_of_a_tone() {
        let mut meter = PowerMeter::new(10.0);
        meter.run(&tone(Dbm0(-13.0)));
        assert!((meter.level().0 + 13.0).abs() < 0.1, "{:?}", meter.level());
    }

    #[test]
    fn a_carrier_is_held_between_the_thresholds() {
        let mut detector = CarrierDetector::new(CarrierLevels::default());
        assert!(!detector.update(Dbm0(-47.0).mean_square()));
        assert!(detector.update(Dbm0(-43.0).mean_square()));
        assert!(detector.update(Dbm0(-47.0).mean_square()));
        assert!(!detector.update(Dbm0(-49.0).mean_square()));
        assert!(!detector.update(Dbm0(-47.0).mean_square()));
    }
}
