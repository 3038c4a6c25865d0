//! Lines on sound devices: two rings, two clocks, one telephone.
//!
//! [`cpal`](mod@cpal) and ALSA move samples between a device and the rings of [`ring`]; [`SoundLine`] makes a line of
//! them; [`clock`] measures both directions' clocks so that [`resample`] can marry them.

#[cfg(target_os = "linux")]
mod alsa;
pub mod clock;
mod cpal;
mod line;
pub mod list;
mod params;
pub mod resample;
pub mod ring;

use std::{
    sync::{Arc, OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

pub use line::{Device, DeviceHealth, Rings, SoundLine};
pub use params::{RATES, SampleKind, SoundParams};

use crate::{LineError, OpenError, Pace};

/// Samples that fit into a ring, in seconds.
const RING_SECONDS: u32 = 1;

/// The shortest sleep while samples are awaited.
const NAP: Duration = Duration::from_millis(1);

/// How long a device may take to open. A sound server that loses it meanwhile never says so.
const OPENING: Duration = Duration::from_secs(10);

/// How long a device may take to close: one that is gone may never do so.
const CLOSING: Duration = Duration::from_secs(2);

/// Opens a line through cpal.
pub(crate) fn open_cpal(params: &SoundParams) -> Result<SoundLine, OpenError> {
    let (opened, line) = mpsc::sync_channel(1);
    let asked = params.clone();
    // Who has given up does not hear of it.
    thread::spawn(move || {
        let _ = opened.send(cpal::open(&asked));
    });
    line.recv_timeout(OPENING).unwrap_or_else(|_| {
        let reason = format!(
            "it did not open within {} s; check that the device is still there and the sound server is running",
            OPENING.as_secs()
        );
        Err(refused("cpal", &params.device, reason))
    })
}

/// Opens a line of ALSA.
#[cfg(target_os = "linux")]
pub(crate) fn open_alsa(params: &SoundParams) -> Result<SoundLine, OpenError> {
    alsa::open(params)
}

/// ALSA is Linux'.
#[cfg(not(target_os = "linux"))]
pub(crate) fn open_alsa(params: &SoundParams) -> Result<SoundLine, OpenError> {
    Err(refused("alsa", &params.device, "ALSA exists on Linux only; use cpal:"))
}

fn refused(scheme: &str, device: &str, reason: impl ToString) -> OpenError {
    let device = if device.is_empty() { "(default)" } else { device };
    OpenError::Sound { line: format!("{scheme}:{device}"), reason: reason.to_string() }
}

/// What a device thread or an error callback leaves for the line when a device has gone.
#[derive(Clone, Debug, Default)]
struct Obituary(Arc<OnceLock<String>>);

impl Obituary {
    /// The first cause stays.
    fn write(&self, cause: impl ToString) {
        let _ = self.0.set(cause.to_string());
    }

    fn read(&self) -> Result<(), LineError> {
        self.0.get().map_or(Ok(()), |cause| Err(LineError::Gone(cause.clone())))
    }
}

/// A steady clock for the callbacks of both directions.
#[derive(Clone, Copy, Debug)]
struct Epoch(Instant);

impl Epoch {
    fn now_ns(self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// Naps while the device gathers `missing` frames.
fn nap(rate: u32, missing: usize) {
    let half = Duration::from_secs_f64(missing as f64 / f64::from(rate) / 2.0);
    std::thread::sleep(half.max(NAP));
}

/// A device of the world that is moved by callbacks or a thread of its own, held by `streams`.
struct Streaming<S> {
    streams: Option<S>,
    rate: u32,
    obituary: Obituary,
}

impl<S: Send + 'static> Device for Streaming<S> {
    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn wait(&mut self, missing: usize) -> Result<(), LineError> {
        self.obituary.read()?;
        nap(self.rate, missing);
        Ok(())
    }

    fn stop(&mut self) {
        let streams = self.streams.take();
        let (closed, closing) = mpsc::sync_channel(1);
        // Who has given up does not hear of it.
        thread::spawn(move || {
            drop(streams);
            let _ = closed.send(());
        });
        let _ = closing.recv_timeout(CLOSING);
    }

    fn abandon(&mut self) {
        let streams = self.streams.take();
        thread::spawn(move || drop(streams));
    }
}
