//! Blocks of samples and the one sample rate of the telephone network.
//!
//! Samples travel as 16-bit integers and are processed as `f32` in the same scale, -32768.0 to 32767.0.

use crate::units::Hz;

/// The sample rate of every block: 8000 samples per second.
pub const SAMPLE_RATE: Hz = Hz(8000.0);

/// Samples in a block: 10 ms.
pub const BLOCK_SAMPLES: usize = 80;

/// One block of 16-bit samples, 10 ms at 8000 samples per second.
pub type Block = [i16; BLOCK_SAMPLES];

/// A block of silence.
pub const SILENCE: Block = [0; BLOCK_SAMPLES];

/// Widens 16-bit samples. Both slices have one length.
pub fn widen(samples: &[i16], out: &mut [f32]) {
    for (sample, out) in samples.iter().zip(out) {
        *out = f32::from(*sample);
    }
}

/// Rounds to the nearest 16-bit sample, clipping at full scale. Both slices have one length.
pub fn narrow(samples: &[f32], out: &mut [i16]) {
    for (sample, out) in samples.iter().zip(out) {
        *out = libm::rintf(*sample).clamp(-32768.0, 32767.0) as i16;
    }
}
