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

/// Rounds to the nearest 16-bit sample, of two equally near ones to the even one, clipping at full scale. Both slices have one
/// length.
pub fn narrow(samples: &[f32], out: &mut [i16]) {
    // Numbers of this size have no fraction: what is added to it is rounded.
    const WHOLE: f32 = 3.0 * (1 << 22) as f32;
    for (sample, out) in samples.iter().zip(out) {
        *out = (sample.clamp(-32768.0, 32767.0) + WHOLE - WHOLE) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_rounded_to_the_nearest_and_clipped() {
        let samples =
            [0.5, 1.5, -0.5, -2.5, 0.49, -7.51, 32767.4, 32766.5, 40_000.0, -32768.5, -1e30, f32::INFINITY, f32::NAN];
        let mut narrowed = [1; 13];
        narrow(&samples, &mut narrowed);
        assert_eq!(narrowed, [0, 2, 0, -2, 0, -8, 32767, 32766, 32767, -32768, -32768, 32767, 0]);
        for sample in -70_000..70_000 {
            let sample = sample as f32 * 0.5 + 0.01;
            let mut narrowed = [0];
            narrow(&[sample], &mut narrowed);
            assert_eq!(narrowed[0], libm::rintf(sample).clamp(-32768.0, 32767.0) as i16, "{sample}");
        }
    }
}
