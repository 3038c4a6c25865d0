//! Calls decoded from recordings and captures, with all that is to be seen of them.
//!
//! ```text
//!  WAV, MP3, FLAC ─▶ samples ─┬▶ observer ─────▶ call ─▶ text, JSON, pages, report
//!         pcap ─▶ RTP ────────┴▶ waterfall ─────────────────────────────▲
//!              └▶ T.38 ─▶ packets ──────────▶ call
//! ```

pub mod audio;
pub mod capture;
pub mod eye;
pub mod json;
pub mod pictures;
pub mod report;
pub mod text;
pub mod waterfall;

use answertone_t30::observe::{Call, Observer};
use thiserror::Error;

use self::{audio::Recording, waterfall::Waterfall};

/// Why a file cannot be decoded.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The file.
    #[error("{0}")]
    Io(#[source] std::io::Error),
    /// It ends before it has begun.
    #[error("the file is cut off before its first sample; record it again")]
    CutOff,
    /// No recording in it.
    #[error("no sound is in it; give a recording as WAV, FLAC or MP3, or a capture as pcap or pcapng")]
    NoSound,
    /// A kind of file that is not read.
    #[error("it is none of the recordings that can be read ({0}); convert it to WAV")]
    Unsupported(&'static str),
    /// A capture without a call.
    #[error("no call is in it that can be heard: neither RTP with G.711 nor T.38 over UDPTL")]
    NoCall,
    /// Damaged.
    #[error("it is damaged ({0}); nothing in it can be read")]
    Broken(&'static str),
    /// A rate that is not taken.
    #[error("it has {0} samples in a second; 8000 to 48000 are heard: convert it")]
    Rate(u32),
    /// Too many channels.
    #[error("it has {0} channels; of one or two each is heard as a side of the call: convert it")]
    Channels(usize),
}

/// A decoded call.
pub struct Decoded {
    /// Where it comes from, for people: rate, channels and coding, or hosts and transports.
    pub source: String,
    /// What was heard.
    pub call: Call,
    /// Its spectrum, a waterfall for each channel; none if no pictures are wanted.
    pub waterfalls: Vec<Waterfall>,
}

/// Listens to a recording to its end. `progress` is told the seconds done.
///
/// # Errors
/// What is wrong with it.
pub fn listen(mut recording: Recording, pictures: bool, mut progress: impl FnMut(f64)) -> Result<Decoded, DecodeError> {
    let mut observer = Observer::new(recording.heard_channels());
    let mut channels = vec![Vec::new(); recording.heard_channels()];
    let seen = if pictures { channels.len() } else { 0 };
    let mut waterfalls: Vec<Waterfall> = (0..seen).map(|_| Waterfall::default()).collect();
    let mut samples = 0;
    while recording.read(&mut channels)? {
        samples += channels[0].len();
        let channels: Vec<&[f32]> = channels.iter().map(Vec::as_slice).collect();
        observer.run(&channels);
        waterfalls.iter_mut().zip(&channels).for_each(|(waterfall, channel)| waterfall.push(channel));
        progress(samples as f64 / 8000.0);
    }
    if samples == 0 {
        return Err(DecodeError::CutOff);
    }
    Ok(Decoded { source: recording.info().to_string(), call: Call::of(observer.finish()), waterfalls })
}
