//! Lines made of PCM: where samples come from and go to.
//!
//! ```text
//!  engine ── exchange(tx block) ──▶ PcmLine ──▶ sound device, simulated line, WAV files, standard streams
//!         ◀───── rx block ────────
//!         ── try_exchange ───────▶ PolledLine ──▶ AudioSocket, WebSocket, RTP, DAHDI: many on one thread
//! ```
//!
//! A line is named by a [`LineUri`] and made by [`open`] or [`open_line`]; a simulated line has two ends and is made by
//! [`sim::pair`].

pub mod audiosocket;
pub mod dahdi;
pub mod exchange;
pub mod hook;
mod pacer;
mod polled;
mod query;
pub mod rtp;
pub mod sim;
pub mod sip;
pub mod sound;
mod stdio;
mod stream;
pub mod t38;
mod transport;
mod turn;
mod uri;
mod watchdog;
mod wav;
pub mod websocket;

use std::{io, net::SocketAddr, time::Duration};

use answertone_dsp::pcm::Block;
use hook::Hook;
pub use polled::{PolledLine, Waiting};
pub use sound::DeviceHealth;
pub use stdio::FramedLine;
use thiserror::Error;
pub use transport::Transport;
pub use uri::{LineUri, UriError};
pub use watchdog::Watched;
pub use wav::WavLine;

/// What one exchange of blocks was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Samples of the received block that the transport lost and filled with silence: 0 to 80.
    pub lost_samples: usize,
}

/// Whose clock a line runs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// A clock of the world: blocks come every 10 ms, and a wall-clock watchdog makes sense.
    RealTime,
    /// None: blocks come as fast as both ends work.
    Unpaced,
}

/// A full-duplex telephone line of samples, off hook.
pub trait PcmLine: Send {
    /// Exchanges one block each way; returns when the far clock says so. Never shorter, never longer.
    fn exchange(&mut self, tx: &Block, rx: &mut Block) -> Result<Exchange, LineError>;

    /// Whose clock it runs by.
    fn pace(&self) -> Pace;

    /// Goes on hook. Samples not yet delivered are delivered first where the transport allows it.
    fn hang_up(&mut self);

    /// A digit the far side has told beside the audio, the oldest not yet taken.
    fn digit(&mut self) -> Option<char> {
        None
    }

    /// Presses a key beside the audio, in 250 ms. False where the line has no way for that: then it is to be heard.
    fn press(&mut self, _key: char) -> bool {
        false
    }

    /// What the transport has seen so far.
    fn transport(&self) -> Option<Transport> {
        None
    }

    /// Samples between what is sent here and what comes back of it at once: buffers and converters. Answers of the far
    /// end are late by so much.
    fn path_delay(&self) -> usize {
        0
    }

    /// How the line's sound device is doing.
    fn health(&self) -> Option<DeviceHealth> {
        None
    }

    /// The line's hook switch, where it has one.
    fn hook(&mut self) -> Option<&mut dyn Hook> {
        None
    }
}

/// Why a line cannot go on.
#[derive(Debug, Error)]
pub enum LineError {
    /// The far end hung up, or the file ended.
    #[error("the far end hung up")]
    HungUp,
    /// No block came for so long.
    #[error("no audio came from the line for {} s; check that the device or the far system is still running", .0.as_secs_f32())]
    Stalled(Duration),
    /// The device is not there any more.
    #[error("the sound device is gone: {0}")]
    Gone(String),
    /// The transport failed.
    #[error("the line failed: {0}")]
    Failed(#[from] io::Error),
}

/// Why a line could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A simulated line has two ends; one alone cannot be opened.
    #[error("a simulated line needs a far end; it is made as a pair")]
    NeedsFarEnd,
    /// Packets of T.38 carry no samples.
    #[error("a t38: line carries no audio; it can be used by call, send and receive")]
    NoSamples,
    /// An account has to be known first.
    #[error("a sip: line is an account of the configuration; it can be used by call, send, receive and serve")]
    NeedsAccount,
    /// A call by an exchange did not come about.
    #[error(transparent)]
    Exchange(#[from] exchange::ExchangeError),
    /// A sound device or its hook switch could not be used.
    #[error("{line}: {reason}")]
    Sound {
        /// The line.
        line: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// A WAV file could not be used.
    #[error("{path}: {reason}")]
    Wav {
        /// The file.
        path: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// An address on the network could not be used.
    #[error("{line}={address}: {reason}")]
    Network {
        /// The line's scheme and parameter.
        line: &'static str,
        /// The address.
        address: String,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// No call came while one was waited for.
    #[error("no call came before waiting was given up")]
    NobodyWaits,
}

impl OpenError {
    /// An address that cannot be listened at.
    pub fn listening(line: &'static str, here: SocketAddr, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => "another program has the port: stop it, or choose another port",
            io::ErrorKind::AddrNotAvailable => "this machine has no such address: write one of its own, or 0.0.0.0",
            io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one",
            _ => "choose another address",
        };
        Self::Network { line, address: here.to_string(), reason: format!("{error}; {remedy}") }
    }
}

/// A line off hook, by how it wants to be driven.
pub enum Line {
    /// Waits in its exchanges, so it wants a thread for itself.
    Own(Box<dyn PcmLine>),
    /// Never waits, so one thread can serve many.
    Polled(Box<dyn PolledLine>),
}

impl Line {
    /// Whose clock it runs by.
    pub fn pace(&self) -> Pace {
        match self {
            Self::Own(line) => line.pace(),
            Self::Polled(_) => Pace::RealTime,
        }
    }

    /// What [`PcmLine::path_delay`] says; nothing is known of the network's lines.
    pub fn path_delay(&self) -> usize {
        match self {
            Self::Own(line) => line.path_delay(),
            Self::Polled(_) => 0,
        }
    }

    /// The number that was called, where the transport has told it.
    pub fn called(&self) -> Option<&str> {
        match self {
            Self::Own(_) => None,
            Self::Polled(line) => line.called(),
        }
    }

    /// Lends the line to who has a thread to wait on.
    pub fn wait_on<R>(&mut self, what: impl FnOnce(&mut dyn PcmLine) -> R) -> R {
        match self {
            Self::Own(line) => what(line.as_mut()),
            Self::Polled(line) => what(&mut Waiting(line)),
        }
    }

    /// The line for who has a thread to wait on.
    pub fn waiting(self) -> Box<dyn PcmLine> {
        match self {
            Self::Own(line) => line,
            Self::Polled(line) => Box::new(Waiting(line)),
        }
    }
}

/// Opens a line of one end; on a line that is called, waits for the call.
pub fn open(uri: &LineUri) -> Result<Box<dyn PcmLine>, OpenError> {
    open_while(uri, &|| true)
}

/// Like [`open`], until `waited_for` says that nobody wants a call any more.
pub fn open_while(uri: &LineUri, waited_for: &dyn Fn() -> bool) -> Result<Box<dyn PcmLine>, OpenError> {
    open_line(uri, waited_for).map(Line::waiting)
}

/// Opens a line as what it is.
pub fn open_line(uri: &LineUri, waited_for: &dyn Fn() -> bool) -> Result<Line, OpenError> {
    match uri {
        LineUri::Sim(_) => Err(OpenError::NeedsFarEnd),
        LineUri::T38(_) => Err(OpenError::NoSamples),
        LineUri::Sip(_) => Err(OpenError::NeedsAccount),
        LineUri::Cpal(params) => Ok(Line::Own(Box::new(sound::open_cpal(params)?))),
        LineUri::Alsa(params) => Ok(Line::Own(Box::new(sound::open_alsa(params)?))),
        LineUri::Wav { input, output } => Ok(Line::Own(Box::new(WavLine::open(input, output.as_deref())?))),
        LineUri::Stdio { patience } => {
            let line = FramedLine::new(io::stdin(), io::stdout());
            Ok(Line::Own(Box::new(Watched::with_patience(Box::new(line), *patience))))
        }
        LineUri::Exchange(extension) => Ok(Line::Own(Box::new(exchange::open(extension)?))),
        LineUri::AudioSocket(params) => audiosocket::open(params, waited_for),
        LineUri::Dahdi(params) => dahdi::open(params),
        LineUri::Rtp(params) => rtp::open(params, waited_for),
        LineUri::WebSocket(params) => websocket::open(params, waited_for),
    }
}
