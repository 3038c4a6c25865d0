//! The sender's clock against ours, from when packets arrive.
//!
//! The network only delays. So the least delay of each second is nearly the same, and what it changes by from second to
//! second is the difference of the clocks.

use std::time::Duration;

/// Samples in a second.
const RATE: f64 = 8000.0;

/// Seconds that are kept.
const MOST_SECONDS: usize = 300;

/// Seconds before anything is said.
const FEWEST_SECONDS: usize = 10;

/// Measures how fast the sender's samples come.
#[derive(Clone, Debug)]
pub(super) struct ClockMeter {
    /// Arrival in seconds, and the delay in seconds, of the quickest packet of each second.
    quickest: Vec<(f64, f64)>,
    second: u64,
}

impl ClockMeter {
    pub(super) fn new() -> Self {
        Self { quickest: Vec::with_capacity(MOST_SECONDS), second: u64::MAX }
    }

    /// The sender's time has jumped.
    pub(super) fn begin_again(&mut self) {
        self.quickest.clear();
        self.second = u64::MAX;
    }

    /// A packet whose first sample is at this place arrived.
    pub(super) fn packet(&mut self, arrived: Duration, place: i64) {
        let seconds = arrived.as_secs_f64();
        let delay = seconds - place as f64 / RATE;
        if arrived.as_secs() == self.second {
            if let Some(quickest) = self.quickest.last_mut().filter(|(_, least)| delay < *least) {
                *quickest = (seconds, delay);
            }
        } else if self.quickest.len() < MOST_SECONDS {
            self.second = arrived.as_secs();
            self.quickest.push((seconds, delay));
        }
    }

    /// How much faster the sender's clock is than ours, in parts per million, once that is known.
    pub(super) fn ppm(&self) -> Option<f32> {
        if self.quickest.len() < FEWEST_SECONDS {
            return None;
        }
        let count = self.quickest.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| self.quickest.iter().map(of).sum::<f64>() / count;
        let (middle, delay) = (mean(|(at, _)| *at), mean(|(_, delay)| *delay));
        let spread: f64 = self.quickest.iter().map(|(at, _)| (at - middle).powi(2)).sum();
        let slope: f64 = self.quickest.iter().map(|(at, each)| (at - middle) * (each - delay)).sum::<f64>() / spread;
        Some((-slope * 1e6) as f32)
    }
}
