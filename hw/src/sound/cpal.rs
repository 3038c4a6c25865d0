//! Sound devices through cpal: ALSA, PulseAudio, PipeWire, CoreAudio, WASAPI.

use std::time::{Duration, Instant};

use cpal::{
    BufferSize, Device, ErrorKind, Host, InputCallbackInfo, OutputCallbackInfo, SampleFormat, SizedSample, Stream,
    StreamConfig, SupportedStreamConfigRange,
    traits::{DeviceTrait, HostTrait, StreamTrait},
};

use super::{
    Epoch, Obituary, RING_SECONDS, Rings, SampleKind, SoundLine, SoundParams, Streaming, refused,
    ring::{self, CaptureEnd, DeviceSample, PlaybackEnd, Stamp},
};
use crate::OpenError;

/// Callbacks in a second when nothing else is asked for: servers with shorter ones lose their breath.
const CALLBACKS_PER_SECOND: u32 = 50;

/// How long a device may take to open.
const OPENING: Option<Duration> = Some(Duration::from_secs(3));

/// Which way samples go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

/// Opens a line on what cpal finds.
pub(super) fn open(params: &SoundParams) -> Result<SoundLine, OpenError> {
    let host = host(params)?;
    let input = find(&host, params.input(), Way::In)?;
    let output = find(&host, params.output(), Way::Out)?;
    let (rate, heard) = choose(params, &input, Way::In, params.rate)?;
    let (_, played) = choose(params, &output, Way::Out, Some(rate))?;
    let room = (rate * RING_SECONDS) as usize;
    let (capture_end, capture) = ring::capture(rate, params.side, room);
    let (playback_end, playback) = ring::playback(rate, params.side, room);
    let (epoch, obituary) = (Epoch(Instant::now()), Obituary::default());
    let hook = params.hook.open().map_err(|reason| refused("cpal", &params.device, reason))?;
    let streams = (|| {
        let capture_counters = capture.counters.clone();
        let report = obituary.clone();
        let on_error = move |error| note(&error, &report, || capture_counters.interrupt());
        let ears = match heard.format {
            SampleFormat::F32 => listen::<f32>(&input, heard, capture_end, epoch, on_error),
            SampleFormat::I32 => listen::<i32>(&input, heard, capture_end, epoch, on_error),
            _ => listen::<i16>(&input, heard, capture_end, epoch, on_error),
        }?;
        let playback_counters = playback.counters.clone();
        let report = obituary.clone();
        let on_error = move |error| note(&error, &report, || playback_counters.interrupt());
        let mouth = match played.format {
            SampleFormat::F32 => speak::<f32>(&output, played, playback_end, epoch, on_error),
            SampleFormat::I32 => speak::<i32>(&output, played, playback_end, epoch, on_error),
            _ => speak::<i16>(&output, played, playback_end, epoch, on_error),
        }?;
        mouth.play()?;
        ears.play()?;
        Ok::<_, cpal::Error>((ears, mouth))
    })()
    .map_err(|error| refused("cpal", &params.device, error))?;
    let device = Streaming { streams: Some(streams), rate, obituary };
    SoundLine::new(Box::new(device), Rings { capture, playback }, rate, params.ahead_ms, hook)
        .map_err(|error| refused("cpal", &params.device, error))
}

/// A disturbance is measured by the next callback; anything else that stops the stream ends the line.
fn note(error: &cpal::Error, obituary: &Obituary, interrupt: impl Fn()) {
    match error.kind() {
        ErrorKind::Xrun => interrupt(),
        ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied | ErrorKind::DeviceBusy => {}
        _ => obituary.write(error),
    }
}

/// How a stream is asked for.
#[derive(Clone, Copy, Debug)]
struct Shape {
    config: StreamConfig,
    format: SampleFormat,
}

fn listen<T: SizedSample + DeviceSample + Send + 'static>(
    device: &Device,
    shape: Shape,
    mut end: CaptureEnd,
    epoch: Epoch,
    on_error: impl FnMut(cpal::Error) + Send + 'static,
) -> Result<Stream, cpal::Error> {
    let channels = usize::from(shape.config.channels);
    let on_samples = move |samples: &[T], info: &InputCallbackInfo| {
        let times = info.timestamp();
        let latency_ns = times.callback.saturating_duration_since(times.capture).as_nanos() as u64;
        end.deliver(samples, channels, Stamp { at_ns: epoch.now_ns(), latency_ns });
    };
    device.build_input_stream(shape.config, on_samples, on_error, OPENING)
}

fn speak<T: SizedSample + DeviceSample + Send + 'static>(
    device: &Device,
    shape: Shape,
    mut end: PlaybackEnd,
    epoch: Epoch,
    on_error: impl FnMut(cpal::Error) + Send + 'static,
) -> Result<Stream, cpal::Error> {
    let channels = usize::from(shape.config.channels);
    let on_samples = move |samples: &mut [T], info: &OutputCallbackInfo| {
        let times = info.timestamp();
        let latency_ns = times.playback.saturating_duration_since(times.callback).as_nanos() as u64;
        end.fill(samples, channels, Stamp { at_ns: epoch.now_ns(), latency_ns });
    };
    device.build_output_stream(shape.config, on_samples, on_error, OPENING)
}

/// The sound system that was named, or the system's own.
fn host(params: &SoundParams) -> Result<Host, OpenError> {
    let Some(name) = &params.host else { return Ok(cpal::default_host()) };
    let id = cpal::ALL_HOSTS.iter().find(|id| id.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
        let known: Vec<_> = cpal::ALL_HOSTS.iter().map(|id| id.name().to_lowercase()).collect();
        refused("cpal", &params.device, format!("host={name} is not in this build; it has {}", known.join(", ")))
    })?;
    cpal::host_from_id(*id).map_err(|error| refused("cpal", &params.device, format!("host={name}: {error}")))
}

/// The device of this name or identifier, or the default one.
fn find(host: &Host, name: &str, way: Way) -> Result<Device, OpenError> {
    let found = if name.is_empty() {
        match way {
            Way::In => host.default_input_device(),
            Way::Out => host.default_output_device(),
        }
    } else {
        let devices = host.devices().map_err(|error| refused("cpal", name, error))?;
        let mut fitting = devices.filter(|device| can(device, way));
        fitting.find(|device| is_called(device, name))
    };
    found.ok_or_else(|| {
        let what = if way == Way::In { "input" } else { "output" };
        let reason = format!(
            "{} has no such {what}; `answertone lines` lists what is there, and input= and output= name two devices",
            host.id().name()
        );
        refused("cpal", name, reason)
    })
}

fn can(device: &Device, way: Way) -> bool {
    match way {
        Way::In => device.supports_input(),
        Way::Out => device.supports_output(),
    }
}

fn is_called(device: &Device, name: &str) -> bool {
    device.id().is_ok_and(|id| id.id() == name) || device.description().is_ok_and(|about| about.name() == name)
}

/// What a device offers in one direction.
pub(super) fn offers(device: &Device, way: Way) -> Vec<SupportedStreamConfigRange> {
    match way {
        Way::In => device.supported_input_configs().map(Iterator::collect),
        Way::Out => device.supported_output_configs().map(Iterator::collect),
    }
    .unwrap_or_default()
}

/// Rate and shape of a stream: the wanted rate, as few channels as the side needs, the wanted samples.
fn choose(params: &SoundParams, device: &Device, way: Way, rate: Option<u32>) -> Result<(u32, Shape), OpenError> {
    let offers = offers(device, way);
    let rates = rate.map_or(vec![8000, 48_000, 16_000, 44_100], |rate| vec![rate]);
    let least = if params.side == ring::Side::Mono { 1 } else { 2 };
    let fits = |offer: &&SupportedStreamConfigRange| {
        offer.channels() >= least && rank(params.format, offer.sample_format()).is_some()
    };
    for rate in rates {
        let at_rate = offers.iter().filter(fits).filter(|offer| offer.contains_rate(rate));
        let best = at_rate.min_by_key(|offer| (offer.channels(), rank(params.format, offer.sample_format())));
        if let Some(offer) = best {
            let period = params.period.unwrap_or(rate / CALLBACKS_PER_SECOND);
            let config =
                StreamConfig { channels: offer.channels(), sample_rate: rate, buffer_size: BufferSize::Fixed(period) };
            return Ok((rate, Shape { config, format: offer.sample_format() }));
        }
    }
    let wanted = rate.map_or("any rate".to_owned(), |rate| format!("{rate} samples per second"));
    let what = if way == Way::In { "capture" } else { "play" };
    let reason = format!(
        "cannot {what} {wanted} with {least} channels as i16, i32 or f32; `answertone lines` shows what it can"
    );
    Err(refused("cpal", &params.device, reason))
}

/// How well a sample format suits; `None` for those that cannot be had.
fn rank(wanted: Option<SampleKind>, format: SampleFormat) -> Option<u8> {
    match (wanted, format) {
        (None | Some(SampleKind::I16), SampleFormat::I16) => Some(0),
        (None | Some(SampleKind::F32), SampleFormat::F32) => Some(1),
        (None, SampleFormat::I32) => Some(2),
        _ => None,
    }
}
