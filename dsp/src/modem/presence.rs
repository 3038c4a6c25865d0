//! Whether the carrier is still there, by the power of the line itself.
//!
//! The line is some 50 samples ahead of the symbols, so that its end is known before symbols beyond it are decided.

/// Samples in a slice.
const SLICE: usize = 8;
/// Slices looked at: 10 ms.
const SLICES: usize = 10;
/// Share of the signal's power below which it is gone or has fallen. With less the end is known later, and the equaliser
/// learns from it.
const GONE: f32 = 0.2;
/// A signal that has fallen at once is still there as long as this share of its power is in the newest slices. When it is
/// gone, nothing but noise has been in them for long.
const FALLEN: f32 = 0.1;
const NEWEST: usize = SLICES / 2;

/// Mean square of silence.
const QUIET: f32 = 250.0;

/// Power of the last slices of the line.
#[derive(Clone, Debug)]
pub(super) struct Presence {
    slices: [f32; SLICES],
    next: usize,
    sum: f32,
    count: usize,
    /// Power of signal and noise while the signal is there.
    signal: f32,
    /// Power of the noise alone.
    noise: f32,
}

impl Presence {
    pub(super) fn new() -> Self {
        Self { slices: [0.0; SLICES], next: 0, sum: 0.0, count: 0, signal: 0.0, noise: 0.0 }
    }

    /// Learns the mean square of the line with the signal and the noise's share of it, 0 to 1.
    pub(super) fn learn(&mut self, signal: f32, noise_share: f32) {
        self.signal = signal;
        self.noise = signal * noise_share.clamp(0.0, 0.6);
        self.slices.fill(signal);
    }

    /// The signal's power has jumped by a factor.
    pub(super) fn jump(&mut self, factor: f32) {
        self.signal = (self.signal * factor).max(self.noise);
    }

    #[inline(always)]
    pub(super) fn push(&mut self, samples: &[f32]) {
        match samples.as_chunks::<SLICE>() {
            (slices, []) if self.count == 0 => slices.iter().for_each(|slice| self.push_slice(slice)),
            _ => self.push_any(samples),
        }
    }

    /// [`Presence::push`] of a whole slice.
    #[inline(always)]
    fn push_slice(&mut self, slice: &[f32; SLICE]) {
        let mut sum = 0.0;
        for sample in slice {
            sum += sample * sample;
        }
        self.close_slice(sum);
    }

    #[inline(always)]
    fn close_slice(&mut self, sum: f32) {
        self.slices[self.next] = sum / SLICE as f32;
        self.next = if self.next + 1 == SLICES { 0 } else { self.next + 1 };
    }

    #[inline(never)]
    fn push_any(&mut self, samples: &[f32]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(SLICE - self.count));
            self.sum = now.iter().fold(self.sum, |sum, sample| sum + sample * sample);
            self.count += now.len();
            rest = later;
            if self.count == SLICE {
                self.close_slice(self.sum);
                self.sum = 0.0;
                self.count = 0;
            }
        }
    }

    /// Nothing but silence for 10 ms: every slice below about -60 dBm0.
    pub(super) fn is_quiet(&self) -> bool {
        self.slices.iter().all(|slice| *slice < QUIET)
    }

    /// Whether all of the last slices have the signal's power, as far as single slices can tell.
    pub(super) fn is_back(&self) -> bool {
        self.slices.iter().sum::<f32>() > 0.5 * SLICES as f32 * self.signal
    }

    /// How many samples ago the signal ended, when it did.
    #[inline(always)]
    pub(super) fn ended(&self) -> Option<usize> {
        let threshold = self.noise + GONE * (self.signal - self.noise);
        let mean = self.slices.iter().sum::<f32>() / SLICES as f32;
        if mean >= threshold { None } else { self.fell_below(threshold) }
    }

    /// How many samples ago the signal ended, when it did, with a mean below the threshold.
    #[inline(never)]
    fn fell_below(&self, threshold: f32) -> Option<usize> {
        let age = |back: usize| self.slices[(self.next + 2 * SLICES - 1 - back) % SLICES];
        let newest = (0..NEWEST).map(age).sum::<f32>() / NEWEST as f32;
        if newest >= self.noise + FALLEN * (self.signal - self.noise) {
            return None;
        }
        let silent = (0..SLICES).take_while(|back| age(*back) < threshold).count();
        Some(silent * SLICE + self.count)
    }
}
