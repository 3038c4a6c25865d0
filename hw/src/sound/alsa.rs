//! ALSA without cpal: own hardware and software parameters, own thread, own recovery.
//!
//! One thread moves both directions. Devices that map their buffer (`hw:`) are read and written in place.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use alsa::{
    Direction, Error, ValueOr,
    pcm::{Access, Format, Frames, HwParams, IO, IoFormat, PCM, State},
};

use super::{
    Epoch, Obituary, RING_SECONDS, Rings, SampleKind, SoundLine, SoundParams, Streaming, refused,
    ring::{self, CaptureEnd, Counters, DeviceSample, PlaybackEnd, Stamp},
};
use crate::OpenError;

/// Periods in a second when nothing else is asked for.
const PERIODS_PER_SECOND: u32 = 100;

/// Periods in a device's buffer.
const PERIODS: Frames = 4;

/// Periods that are written before playback starts, and kept written.
const PERIODS_AHEAD: Frames = 2;

/// How long a period may take before both directions are looked at anyway.
const LOOK_MS: u32 = 20;

/// Error numbers of Linux that mean a device that is not there any more.
const NO_DEVICE: [i32; 4] = [19, 6, 77, 5];

/// Broken pipe: an overrun or underrun. Suspended: the machine slept.
const XRUN: i32 = 32;
const SUSPENDED: i32 = 86;
const AGAIN: i32 = 11;

/// Opens a line on ALSA's devices.
pub(super) fn open(params: &SoundParams) -> Result<SoundLine, OpenError> {
    let input = Opened::open(params, params.input(), Direction::Capture, params.rate)?;
    let like_input = SoundParams { format: Some(input.kind), ..params.clone() };
    let output = Opened::open(&like_input, params.output(), Direction::Playback, Some(input.rate))?;
    let rate = input.rate;
    let room = (rate * RING_SECONDS) as usize;
    let (capture_end, capture) = ring::capture(rate, params.side, room);
    let (playback_end, playback) = ring::playback(rate, params.side, room);
    let hook = params.hook.open().map_err(|reason| refused("alsa", &params.device, reason))?;
    let (obituary, stopped) = (Obituary::default(), Arc::new(AtomicBool::new(false)));
    let mover = Mover {
        epoch: Epoch(Instant::now()),
        stopped: stopped.clone(),
        capture_counters: capture.counters.clone(),
        playback_counters: playback.counters.clone(),
    };
    let report = obituary.clone();
    let work = move || {
        let moved = match input.kind {
            SampleKind::I16 => mover.run::<i16>(&input, capture_end, &output, playback_end),
            SampleKind::F32 => mover.run::<f32>(&input, capture_end, &output, playback_end),
        };
        if let Err(error) = moved {
            report.write(error);
        }
    };
    let thread = thread::Builder::new().name("alsa".into()).spawn(work);
    let thread = thread.map_err(|error| refused("alsa", &params.device, error))?;
    let device = Streaming { streams: Some(Running { stopped, thread: Some(thread) }), rate, obituary };
    SoundLine::new(Box::new(device), Rings { capture, playback }, rate, params.ahead_ms, hook)
        .map_err(|error| refused("alsa", &params.device, error))
}

/// The thread that moves samples; dropping it stops it.
struct Running {
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A device of one direction, ready to run.
struct Opened {
    pcm: PCM,
    rate: u32,
    kind: SampleKind,
    channels: usize,
    period: Frames,
    buffer: Frames,
    mapped: bool,
}

impl Opened {
    fn open(params: &SoundParams, name: &str, way: Direction, rate: Option<u32>) -> Result<Self, OpenError> {
        let name = if name.is_empty() { "default" } else { name };
        let opened = PCM::new(name, way, true).map_err(|error| refused("alsa", name, explain(&error, way)))?;
        let rates = rate.map_or(vec![8000, 48_000, 16_000, 44_100], |rate| vec![rate]);
        // Plugins only pretend to map their buffer.
        let maps = name.starts_with("hw:");
        Self::prepare(opened, params, &rates, maps)
            .map_err(|error| refused("alsa", name, format!("{error}; `answertone lines` shows what it can")))
    }

    fn prepare(pcm: PCM, params: &SoundParams, rates: &[u32], maps: bool) -> Result<Self, Error> {
        let wanted = params.format.map_or(vec![SampleKind::I16, SampleKind::F32], |kind| vec![kind]);
        let least = if params.side == ring::Side::Mono { 1 } else { 2 };
        let (rate, kind, channels, period, mapped) = {
            let hw = HwParams::any(&pcm)?;
            // A converter is chosen by name (plughw:), not behind our back: its clock would not be the device's.
            hw.set_rate_resample(false)?;
            let mapped = maps && hw.set_access(Access::MMapInterleaved).is_ok();
            if !mapped {
                hw.set_access(Access::RWInterleaved)?;
            }
            let has = |kind: &&SampleKind| hw.test_format(format(**kind)).is_ok();
            let kind = *wanted.iter().find(has).unwrap_or(&wanted[0]);
            hw.set_format(format(kind))?;
            let channels = (least..=8).find(|channels| hw.test_channels(*channels).is_ok()).unwrap_or(least);
            hw.set_channels(channels)?;
            let rate = *rates.iter().find(|rate| hw.test_rate(**rate).is_ok()).unwrap_or(&rates[0]);
            hw.set_rate(rate, ValueOr::Nearest)?;
            let period = params.period.unwrap_or(rate / PERIODS_PER_SECOND);
            let period = hw.set_period_size_near(Frames::from(period), ValueOr::Nearest)?;
            hw.set_buffer_size_near(period * PERIODS)?;
            pcm.hw_params(&hw)?;
            (rate, kind, channels as usize, period, mapped)
        };
        let sw = pcm.sw_params_current()?;
        sw.set_avail_min(period)?;
        sw.set_start_threshold(period * PERIODS_AHEAD)?;
        sw.set_tstamp_mode(true)?;
        pcm.sw_params(&sw)?;
        drop(sw);
        // What was granted is not always what was asked for.
        let (buffer, period) = pcm.get_params()?;
        Ok(Self { pcm, rate, kind, channels, period: period as Frames, buffer: buffer as Frames, mapped })
    }

    /// Gets a direction going again after an error; whether the device was interrupted.
    fn recover(&self, error: &Error) -> Result<bool, Error> {
        match error.errno() {
            AGAIN => Ok(false),
            XRUN => self.pcm.prepare().map(|()| true),
            SUSPENDED => self.pcm.try_recover(*error, true).map(|()| true),
            _ => Err(*error),
        }
    }
}

fn format(kind: SampleKind) -> Format {
    match kind {
        SampleKind::I16 => <i16 as IoFormat>::FORMAT,
        SampleKind::F32 => <f32 as IoFormat>::FORMAT,
    }
}

fn explain(error: &Error, way: Direction) -> String {
    let what = if way == Direction::Capture { "input" } else { "output" };
    match error.errno() {
        16 => format!("its {what} is in use; close the other program, or use a shared device such as default"),
        2 | 6 | 19 => format!("there is no such {what}; `answertone lines` lists what is there"),
        13 => format!("its {what} may not be opened; add the user to the group audio"),
        _ => format!("its {what} cannot be opened: {error}"),
    }
}

/// Moves samples between two devices and their rings.
struct Mover {
    epoch: Epoch,
    stopped: Arc<AtomicBool>,
    capture_counters: Arc<Counters>,
    playback_counters: Arc<Counters>,
}

/// A device with the access to its samples, which is asked for once: asking allocates.
struct Port<'a, T: Copy> {
    device: &'a Opened,
    io: IO<'a, T>,
    /// Samples of a device that does not map its buffer.
    samples: Vec<T>,
}

impl<'a, T: IoFormat + DeviceSample> Port<'a, T> {
    fn new(device: &'a Opened) -> Result<Self, String> {
        let io = device.pcm.io_checked().map_err(told)?;
        let samples = vec![T::from_line(0.0); device.buffer as usize * device.channels];
        Ok(Self { device, io, samples })
    }
}

impl Mover {
    fn run<T: IoFormat + DeviceSample>(
        &self,
        input: &Opened,
        mut ears: CaptureEnd,
        output: &Opened,
        mut mouth: PlaybackEnd,
    ) -> Result<(), String> {
        let (mut heard, mut played) = (Port::<T>::new(input)?, Port::<T>::new(output)?);
        self.play(&mut played, &mut mouth).map_err(told)?;
        input.pcm.start().map_err(told)?;
        while !self.stopped.load(Ordering::Relaxed) {
            match input.pcm.wait(Some(LOOK_MS)) {
                Ok(_) => {}
                Err(error) => self.restart(input, &error)?,
            }
            if let Err(error) = self.listen(&mut heard, &mut ears) {
                self.restart(input, &error)?;
            }
            if let Err(error) = self.play(&mut played, &mut mouth)
                && output.recover(&error).map_err(told)?
            {
                self.playback_counters.interrupt();
                self.play(&mut played, &mut mouth).map_err(told)?;
            }
        }
        let _ = input.pcm.drop();
        let _ = output.pcm.drop();
        Ok(())
    }

    fn restart(&self, input: &Opened, error: &Error) -> Result<(), String> {
        if input.recover(error).map_err(told)? {
            self.capture_counters.interrupt();
            input.pcm.start().map_err(told)?;
        }
        Ok(())
    }

    fn listen<T: IoFormat + DeviceSample>(&self, port: &mut Port<T>, ears: &mut CaptureEnd) -> Result<(), Error> {
        let Port { device, io, samples } = port;
        let there = device.pcm.avail()?;
        if there <= 0 {
            return Ok(());
        }
        // A server's word for what lies beyond its buffer is half a second wrong while it wakes.
        let stamp = self.stamp(device, there);
        if device.mapped {
            io.mmap(there as usize, |mapped| {
                ears.deliver(mapped, device.channels, stamp);
                mapped.len() / device.channels
            })?;
        } else {
            let frames = (there as usize).min(samples.len() / device.channels);
            let read = io.readi(&mut samples[..frames * device.channels])?;
            ears.deliver(&samples[..read * device.channels], device.channels, stamp);
        }
        Ok(())
    }

    /// Keeps the device's buffer filled as far as it is to be.
    fn play<T: IoFormat + DeviceSample>(&self, port: &mut Port<T>, mouth: &mut PlaybackEnd) -> Result<(), Error> {
        let Port { device, io, samples } = port;
        let room = device.pcm.avail_update()?;
        let written = device.buffer - room;
        // A plugin's server behind the buffer counts in buffers of its own: they are kept full.
        let kept = if device.mapped { device.period * PERIODS_AHEAD + device.period / 2 } else { device.buffer };
        let wanted = (kept - written).min(room).min(device.buffer);
        if wanted <= 0 {
            return Ok(());
        }
        let stamp = self.stamp(device, device.pcm.delay().unwrap_or(0));
        if device.mapped {
            io.mmap(wanted as usize, |mapped| {
                mouth.fill(mapped, device.channels, stamp);
                mapped.len() / device.channels
            })?;
        } else {
            let samples = &mut samples[..wanted as usize * device.channels];
            mouth.fill(samples, device.channels, stamp);
            io.writei(samples)?;
        }
        if device.pcm.state() == State::Prepared {
            device.pcm.start()?;
        }
        Ok(())
    }

    /// Now, and how many frames away the converter is.
    fn stamp(&self, device: &Opened, delay: Frames) -> Stamp {
        let latency_ns = delay.max(0) as u64 * 1_000_000_000 / u64::from(device.rate);
        Stamp { at_ns: self.epoch.now_ns(), latency_ns }
    }
}

fn told(error: Error) -> String {
    if NO_DEVICE.contains(&error.errno()) {
        format!("it was unplugged or switched off ({error})")
    } else {
        error.to_string()
    }
}
