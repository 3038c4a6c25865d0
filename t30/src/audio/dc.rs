//! Takes a constant away: some converters and line cards add one.

/// How much of the output stays from sample to sample: the corner is at 6 Hz.
const KEPT: f32 = 0.995;

/// Below this the state is nothing: denormal numbers would make silence the slowest signal of all.
const FLOOR: f32 = 1e-6;

/// A first-order high-pass filter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DcBlock {
    input: f32,
    output: f32,
}

impl DcBlock {
    /// Filters samples in place.
    pub(crate) fn run(&mut self, samples: &mut [f32]) {
        for sample in samples {
            self.output = *sample - self.input + KEPT * self.output;
            self.input = *sample;
            *sample = self.output;
        }
        if self.output.abs() < FLOOR {
            self.output = 0.0;
        }
    }
}
