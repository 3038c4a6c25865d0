//! Recordings: any coding and rate, brought to the samples of the telephone network piece by piece.

use std::{
    fmt,
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
    path::Path,
};

use answertone_dsp::pcm::SAMPLE_RATE;
use answertone_hw::sound::resample::Resampler;
use symphonia::core::{
    audio::{SampleBuffer, SignalSpec},
    codecs::Decoder,
    errors::Error,
    formats::FormatReader,
    io::{MediaSource, MediaSourceStream, ReadOnlySource},
    probe::Hint,
};

use super::DecodeError;

/// Sampling rates that are taken.
const RATES: std::ops::RangeInclusive<u32> = 7000..=192_000;
/// Channels of which the first two are heard.
const MOST_CHANNELS: usize = 64;
/// A file that is shorter may be the beginning of any kind.
const SHORTEST: u64 = 256;
/// A sample of floating point is no larger, in 16-bit scale.
const LARGEST: f32 = 4.0 * 32768.0;
/// Packets in a row that could not be read before the file is given up.
const MOST_BROKEN: u32 = 64;

/// A recording that is being read.
pub struct Recording {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn Decoder>,
    track: u32,
    info: RecordingInfo,
    resamplers: Vec<Resampler>,
    buffer: Option<(SignalSpec, SampleBuffer<f32>)>,
    broken: u32,
}

/// What a recording says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingInfo {
    /// Samples per second.
    pub rate: u32,
    /// Channels in the file.
    pub channels: usize,
    /// How the samples are coded.
    pub coding: &'static str,
    /// Its length in seconds, if the file says it.
    pub seconds: Option<f64>,
}

impl fmt::Display for RecordingInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = if self.channels == 1 { "channel" } else { "channels" };
        write!(f, "{} Hz, {} {channels}, {}", self.rate, self.channels, self.coding)
    }
}

impl Recording {
    /// Opens a file.
    ///
    /// # Errors
    /// What is wrong with the file, and what can be read.
    pub fn open(path: &Path) -> Result<Self, DecodeError> {
        let file = File::open(path).map_err(DecodeError::Io)?;
        Self::of(file)
    }

    /// Reads a file, or what is like one.
    ///
    /// # Errors
    /// As [`Recording::open`].
    pub fn of<F: Read + Seek + Send + Sync + 'static>(mut file: F) -> Result<Self, DecodeError> {
        match bare(&mut file).map_err(DecodeError::Io)? {
            Some((header, length)) => {
                let samples = Cursor::new(header).chain(file.take(length));
                Self::from_source(Box::new(ReadOnlySource::new(samples)))
            }
            None => {
                let is_short = file.seek(SeekFrom::End(0)).map_err(DecodeError::Io)? < SHORTEST;
                file.rewind().map_err(DecodeError::Io)?;
                // Frames of MP3 are found without going back.
                Self::from_source(Box::new(ReadOnlySource::new(file))).map_err(|error| match error {
                    // Whoever looks for a beginning to the end has not found one.
                    DecodeError::CutOff if !is_short => DecodeError::NoSound,
                    other => other,
                })
            }
        }
    }

    fn from_source(source: Box<dyn MediaSource>) -> Result<Self, DecodeError> {
        let stream = MediaSourceStream::new(source, Default::default());
        let probed = symphonia::default::get_probe()
            .format(&Hint::new(), stream, &Default::default(), &Default::default())
            .map_err(of_file)?;
        let format = probed.format;
        let track = format.default_track().ok_or(DecodeError::NoSound)?;
        let params = &track.codec_params;
        let decoder = symphonia::default::get_codecs().make(params, &Default::default()).map_err(of_file)?;
        let rate = params.sample_rate.ok_or(DecodeError::NoSound)?;
        let channels = params.channels.map_or(1, |channels| channels.count());
        if !RATES.contains(&rate) {
            return Err(DecodeError::Rate(rate));
        }
        if !(1..=MOST_CHANNELS).contains(&channels) {
            return Err(DecodeError::Channels(channels));
        }
        let info = RecordingInfo {
            rate,
            channels,
            coding: symphonia::default::get_codecs().get_codec(params.codec).map_or("pcm", |codec| codec.short_name),
            seconds: params.n_frames.map(|frames| frames as f64 / f64::from(rate)),
        };
        let heard = channels.min(2);
        let resamplers = match rate == SAMPLE_RATE.0 as u32 {
            true => Vec::new(),
            false => (0..heard).map(|_| Resampler::new(rate, SAMPLE_RATE.0 as u32)).collect(),
        };
        Ok(Self { track: track.id, format, decoder, info, resamplers, buffer: None, broken: 0 })
    }

    /// What it says of itself.
    pub fn info(&self) -> &RecordingInfo {
        &self.info
    }

    /// Channels that are heard.
    pub fn heard_channels(&self) -> usize {
        self.info.channels.min(2)
    }

    /// Reads on: the next samples of each channel, 8000 in a second, in 16-bit scale. Empty channels are no end; nothing
    /// is: false is.
    ///
    /// # Errors
    /// When nothing in the file can be read any more.
    pub fn read(&mut self, channels: &mut [Vec<f32>]) -> Result<bool, DecodeError> {
        channels.iter_mut().for_each(Vec::clear);
        let packet = match self.format.next_packet() {
            Ok(packet) => packet,
            // A file cut off in the middle ends there.
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(Error::ResetRequired) => return Ok(false),
            Err(error) => return self.is_broken(error),
        };
        if packet.track_id() != self.track {
            return Ok(true);
        }
        match self.decoder.decode(&packet) {
            Ok(decoded) => {
                let spec = *decoded.spec();
                let capacity = decoded.capacity() as u64;
                let fits = self.buffer.as_ref().is_some_and(|(known, buffer)| {
                    *known == spec && buffer.capacity() as u64 >= capacity * spec.channels.count() as u64
                });
                if !fits {
                    self.buffer = Some((spec, SampleBuffer::new(capacity, spec)));
                }
                self.broken = 0;
                if let Some((_, buffer)) = &mut self.buffer {
                    buffer.copy_interleaved_ref(decoded);
                    take(buffer.samples(), spec.channels.count(), &mut self.resamplers, channels);
                }
                Ok(true)
            }
            Err(error) => self.is_broken(error),
        }
    }

    /// A piece of a file may be broken; many in a row are the file.
    fn is_broken(&mut self, error: Error) -> Result<bool, DecodeError> {
        self.broken += 1;
        if self.broken > MOST_BROKEN || matches!(error, Error::IoError(_)) { Err(of_file(error)) } else { Ok(true) }
    }
}

/// Chunks of a RIFF file that are looked at.
const MOST_CHUNKS: usize = 1000;
/// Octets of a format that say something.
const FORMAT_OCTETS: u32 = 256;

/// A WAV file's header with its format and its samples only, and the length of these; the file then stands at the first.
/// None of another file. Recorders write other chunks whose lengths are wrong, and lengths of samples of which only some,
/// or more, are there.
fn bare<F: Read + Seek>(file: &mut F) -> io::Result<Option<(Vec<u8>, u64)>> {
    let end = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut head = [0; 12];
    if end < 12 || file.read_exact(&mut head).is_err() || !head.starts_with(b"RIFF") || &head[8..] != b"WAVE" {
        return Ok(None);
    }
    let mut kept = Vec::new();
    for _ in 0..MOST_CHUNKS {
        let mut chunk = [0; 8];
        if file.read_exact(&mut chunk).is_err() {
            return Ok(None);
        }
        let [a, b, c, d, lengths @ ..] = chunk;
        let (name, length) = ([a, b, c, d], u32::from_le_bytes(lengths));
        let here = file.stream_position()?;
        match &name {
            b"data" => {
                let there = end - here;
                let unknown = length == 0 || u64::from(length) > there;
                let length = if unknown { there } else { length.into() };
                return Ok(Some((header(&kept, length), length)));
            }
            b"fmt " | b"fact" => {
                let mut body = Vec::new();
                file.take(length.min(FORMAT_OCTETS).into()).read_to_end(&mut body)?;
                if &name == b"fmt " && body.len() > 18 {
                    // What is behind the fields of the format says nothing.
                    body.truncate(18 + usize::from(body[16]));
                }
                kept.extend(name.into_iter().chain((body.len() as u32).to_le_bytes()).chain(body));
            }
            _ => {}
        }
        file.seek(SeekFrom::Start(here + u64::from(length).next_multiple_of(2)))?;
    }
    Ok(None)
}

fn header(kept: &[u8], samples: u64) -> Vec<u8> {
    let samples = u32::try_from(samples).unwrap_or(u32::MAX - 1024);
    let all = samples.saturating_add(kept.len() as u32 + 12);
    [b"RIFF", &all.to_le_bytes()[..], b"WAVE", kept, b"data", &samples.to_le_bytes()].concat()
}

fn take(samples: &[f32], stride: usize, resamplers: &mut [Resampler], channels: &mut [Vec<f32>]) {
    for (place, channel) in channels.iter_mut().enumerate().filter(|(place, _)| *place < stride) {
        let samples = samples.iter().skip(place).step_by(stride).map(|sample| sane(*sample));
        match resamplers.get_mut(place) {
            None => channel.extend(samples),
            Some(resampler) => samples.for_each(|sample| {
                resampler.push(sample);
                channel.extend(std::iter::from_fn(|| resampler.pull()));
            }),
        }
    }
    // A file may change its mind on how many channels it has.
    let length = channels.iter().map(Vec::len).max().unwrap_or(0);
    channels.iter_mut().for_each(|channel| channel.resize(length, 0.0));
}

fn sane(sample: f32) -> f32 {
    let sample = sample * 32768.0;
    if sample.is_finite() { sample.clamp(-LARGEST, LARGEST) } else { 0.0 }
}

fn of_file(error: Error) -> DecodeError {
    match error {
        Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => DecodeError::CutOff,
        Error::IoError(error) => DecodeError::Io(error),
        Error::Unsupported(what) => DecodeError::Unsupported(what),
        Error::DecodeError(what) => DecodeError::Broken(what),
        Error::LimitError(what) => DecodeError::Broken(what),
        _ => DecodeError::NoSound,
    }
}
