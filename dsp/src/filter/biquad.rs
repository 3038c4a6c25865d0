//! Second-order sections in cascade.

use crate::{
    lanes::{Kernel, Lanes},
    pcm::SAMPLE_RATE,
    units::Hz,
};

/// One section: (b0 + b1·z⁻¹ + b2·z⁻²) / (1 + a1·z⁻¹ + a2·z⁻²).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// Numerator.
    pub b: [f32; 3],
    /// Denominator without its leading one.
    pub a: [f32; 2],
}

impl Section {
    /// A low-pass of second order, by the bilinear transform; `q` = 0.7071 is Butterworth's.
    pub fn low_pass(corner: Hz, q: f64) -> Self {
        let k = warped(corner);
        Self::bilinear([k * k, 2.0 * k * k, k * k], k, q)
    }

    /// A high-pass of second order.
    pub fn high_pass(corner: Hz, q: f64) -> Self {
        Self::bilinear([1.0, -2.0, 1.0], warped(corner), q)
    }

    /// A band-pass with gain 1 at its centre; its width is the centre divided by `q`.
    pub fn band_pass(centre: Hz, q: f64) -> Self {
        let k = warped(centre);
        Self::bilinear([k / q, 0.0, -k / q], k, q)
    }

    /// Divides by the transformed s² + s·k/q + k².
    fn bilinear(numerator: [f64; 3], k: f64, q: f64) -> Self {
        let norm = 1.0 + k / q + k * k;
        Self {
            b: numerator.map(|b| (b / norm) as f32),
            a: [(2.0 * (k * k - 1.0) / norm) as f32, ((1.0 - k / q + k * k) / norm) as f32],
        }
    }
}

fn warped(frequency: Hz) -> f64 {
    libm::tan(core::f64::consts::PI * f64::from(frequency.0) / f64::from(SAMPLE_RATE.0))
}

/// Sections one after the other. A run writes one result for each sample.
#[derive(Clone, Copy, Debug)]
pub struct Cascade<const SECTIONS: usize> {
    /// The sections.
    pub sections: [Section; SECTIONS],
}

/// The two delayed sums of one section, transposed direct form II.
#[derive(Clone, Copy, Debug)]
pub struct SectionState<V> {
    first: V,
    second: V,
}

impl<const SECTIONS: usize> Kernel for Cascade<SECTIONS> {
    type State<V: Lanes> = [SectionState<V>; SECTIONS];

    fn state<V: Lanes>(&self) -> Self::State<V> {
        [SectionState { first: V::splat(0.0), second: V::splat(0.0) }; SECTIONS]
    }

    fn extract<V: Lanes>(&self, state: &Self::State<V>, lane: usize) -> Self::State<f32> {
        state.map(|section| SectionState { first: section.first.lane(lane), second: section.second.lane(lane) })
    }

    fn insert<V: Lanes>(&self, state: &mut Self::State<V>, lane: usize, line: &Self::State<f32>) {
        for (section, line) in state.iter_mut().zip(line) {
            section.first.set_lane(lane, line.first);
            section.second.set_lane(lane, line.second);
        }
    }

    #[inline(always)]
    fn run<V: Lanes>(&self, state: &mut Self::State<V>, samples: &[V], results: &mut [V]) {
        let mut now = *state;
        for (sample, result) in samples.iter().zip(results) {
            let mut value = *sample;
            for (section, state) in self.sections.iter().zip(&mut now) {
                let [b0, b1, b2] = section.b.map(V::splat);
                let [a1, a2] = section.a.map(V::splat);
                let output = b0 * value + state.first;
                state.first = b1 * value - a1 * output + state.second;
                state.second = b2 * value - a2 * output;
                value = output;
            }
            *result = value;
        }
        *state = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lanes::One, osc::Oscillator};

    /// Gain at a frequency, after the filter has settled.
    fn gain(section: Section, frequency: f32) -> f32 {
        let mut filter = One::new(Cascade { sections: [section] });
        let mut oscillator = Oscillator::new(Hz(frequency));
        let samples = [0.0; 4000].map(|_: f32| oscillator.next_sine());
        let mut results = [0.0; 4000];
        filter.run(&samples, &mut results);
        let power = |samples: &[f32]| samples[2000..].iter().map(|sample| sample * sample).sum::<f32>();
        libm::sqrtf(power(&results) / power(&samples))
    }

    #[test]
    fn sections_pass_and_stop_what_their_names_say() {
        let q = core::f64::consts::FRAC_1_SQRT_2;
        let low = Section::low_pass(Hz(1000.0), q);
        assert!(gain(low, 50.0) > 0.99 && (gain(low, 1000.0) - 0.707).abs() < 0.01 && gain(low, 3500.0) < 0.03);
        let high = Section::high_pass(Hz(1000.0), q);
        assert!(gain(high, 50.0) < 0.01 && (gain(high, 1000.0) - 0.707).abs() < 0.01 && gain(high, 3900.0) > 0.99);
        let band = Section::band_pass(Hz(1750.0), 5.0);
        assert!((gain(band, 1750.0) - 1.0).abs() < 0.01 && gain(band, 500.0) < 0.15);
    }
}
