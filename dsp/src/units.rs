//! Units at public borders.

/// A frequency in hertz.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Hz(pub f32);

/// A symbol rate in symbols per second.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Baud(pub f32);

/// A data signalling rate in bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(pub u32);

/// A ratio of powers in decibels.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Db(pub f32);

/// A power relative to the digital milliwatt.
///
/// ITU-T G.711: a full-scale sine wave in A-law is +3.14 dBm0. In the 16-bit scale used here that sine has a
/// peak of 32768, so 0 dBm0 has an RMS value of 16141.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Dbm0(pub f32);

/// A position in a stream of samples, counted from the opening of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SampleIndex(pub u64);

/// RMS value of a 0 dBm0 signal in 16-bit sample units.
const RMS_AT_0_DBM0: f32 = 16141.0;

impl Db {
    /// The ratio of amplitudes.
    pub fn amplitude(self) -> f32 {
        libm::powf(10.0, self.0 / 20.0)
    }

    /// The ratio of powers.
    pub fn power(self) -> f32 {
        libm::powf(10.0, self.0 / 10.0)
    }
}

impl Dbm0 {
    /// RMS value in 16-bit sample units.
    pub fn rms(self) -> f32 {
        RMS_AT_0_DBM0 * Db(self.0).amplitude()
    }

    /// Mean square in squared 16-bit sample units.
    pub fn mean_square(self) -> f32 {
        self.rms() * self.rms()
    }

    /// The level of a signal with this mean square in squared 16-bit sample units.
    pub fn from_mean_square(mean_square: f32) -> Self {
        Self(10.0 * libm::log10f(mean_square.max(1e-9) / (RMS_AT_0_DBM0 * RMS_AT_0_DBM0)))
    }
}
