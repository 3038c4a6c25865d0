//! Lines written as URIs, the same on the command line and in the configuration.

use std::{path::PathBuf, str::FromStr, time::Duration};

use answertone_dsp::{
    channel::{Fill, ImpulseHits, PhaseJitter, Slip},
    g711::Law,
    units::{Db, Dbm0, Hz},
};
use thiserror::Error;

use crate::{
    audiosocket::AudioSocketParams,
    dahdi::DahdiParams,
    exchange::Extension,
    hook::HookUri,
    rtp::RtpParams,
    sim::{Far, SimParams, TableError, table},
    sip::SipParams,
    sound::SoundParams,
    t38::T38Params,
    websocket::WebSocketParams,
};

/// A line that can be opened.
#[derive(Clone, Debug, PartialEq)]
pub enum LineUri {
    /// `sim:?snr=30&echo=-20`: a simulated line.
    Sim(SimParams),
    /// `cpal:NAME?rate=48000`: a sound device.
    Cpal(SoundParams),
    /// `alsa:hw:1,0?rate=8000&period=80`: a sound device of ALSA.
    Alsa(SoundParams),
    /// `wav:IN.wav,OUT.wav`: files; the second may be left out.
    Wav {
        /// What is heard.
        input: PathBuf,
        /// Where what is sent goes.
        output: Option<PathBuf>,
    },
    /// `exchange:PATH?number=N` or `exchange:PATH?number=N&dial=M`: a number at a telephone exchange of this machine.
    Exchange(Extension),
    /// `stdio:` or `stdio:?patience=S`: frames of 160 samples on standard input and output.
    Stdio {
        /// How long the far end may take for a frame, in wall-clock time.
        patience: Duration,
    },
    /// `audiosocket:listen=HOST:PORT`: calls from Asterisk.
    AudioSocket(AudioSocketParams),
    /// `rtp:local=HOST:PORT&remote=HOST:PORT&codec=pcmu`: bare RTP.
    Rtp(RtpParams),
    /// `websocket:listen=HOST:PORT`: calls from Asterisk over WebSockets.
    WebSocket(WebSocketParams),
    /// `dahdi:1`: a channel of a telephone card.
    Dahdi(DahdiParams),
    /// `t38:local=HOST:PORT&remote=HOST:PORT&ec=redundancy`: packets of T.38 without signalling.
    T38(T38Params),
    /// `sip:ACCOUNT` or `sip:ACCOUNT?to=NUMBER`: an account of the configuration.
    Sip(SipParams),
}

/// What is wrong with a line's URI, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UriError {
    /// No scheme.
    #[error("line '{0}' has no scheme; write for example sim:, stdio: or wav:IN.wav,OUT.wav")]
    NoScheme(String),
    /// A scheme nobody knows.
    #[error("line scheme '{0}:' is not known; known here are {OFFERED}")]
    UnknownScheme(String),
    /// Something after `stdio:` that is not its parameter, or not in its range.
    #[error("line '{0}' is not right; write stdio: alone, or stdio:?patience=S with S from 1 to 86400 seconds")]
    BadStdio(String),
    /// Something is missing or wrong in a number at an exchange.
    #[error("line '{0}' is not right; write exchange:PATH?number=N, with &dial=M to call; numbers are digits, * and #")]
    BadExchange(String),
    /// No input file.
    #[error("line '{0}' names no file to hear; write wav:IN.wav,OUT.wav")]
    NoInput(String),
    /// A named model of a simulated line that cannot be had.
    #[error(transparent)]
    Model(#[from] TableError),
    /// A parameter of a sound line that nobody knows, and those that are known.
    #[error("parameter '{0}' of a sound line is not known; known are {1}")]
    UnknownSoundParameter(String, &'static str),
    /// A sound line's parameter out of range or not readable.
    #[error("parameter '{name}={value}' of a sound line is not right; {wanted}")]
    BadSoundValue {
        /// The parameter.
        name: String,
        /// What was written.
        value: String,
        /// What may be written.
        wanted: &'static str,
    },
    /// A parameter nobody knows.
    #[error("parameter '{0}' of a simulated line is not known; known are {KNOWN}")]
    UnknownParameter(String),
    /// A parameter's value out of range or not readable.
    #[error("parameter '{name}={value}' of a simulated line is not right; {wanted}")]
    BadValue {
        /// The parameter.
        name: String,
        /// What was written.
        value: String,
        /// What may be written.
        wanted: &'static str,
    },
    /// A network line without what it needs most.
    #[error("line '{line}' is not right; {wanted}")]
    BadNetworkLine {
        /// What was written.
        line: String,
        /// What may be written.
        wanted: &'static str,
    },
    /// A parameter that a network line does not have, or twice.
    #[error("parameter '{name}' of a line {scheme}: is not known or written twice; known are {known}")]
    UnknownNetworkParameter {
        /// The line's scheme.
        scheme: &'static str,
        /// The parameter.
        name: String,
        /// The parameters there are.
        known: &'static str,
    },
    /// A network line's parameter out of range or not readable.
    #[error("parameter '{name}={value}' of a line {scheme}: is not right; {wanted}")]
    BadNetworkValue {
        /// The line's scheme.
        scheme: &'static str,
        /// The parameter.
        name: String,
        /// What was written.
        value: String,
        /// What may be written.
        wanted: String,
    },
}

const KNOWN: &str = "far, snr, noise, gain, level, echo, echo_delay, listener, law, far_law, delay, offset, ppm, jitter, hits, slip_every, slip, \
                     loss, fill, gaps, pace and seed";

/// What a named swing of the phase swings with, as power hum does.
const JITTER_FREQUENCY: Hz = Hz(50.0);

/// How loud the impulses of `hits` are.
const HIT_PEAK: Dbm0 = Dbm0(-10.0);

/// How long the far end of `stdio:` may take for a frame when nothing else is said: it has no clock, and may work slowly.
const STDIO_PATIENCE: Duration = Duration::from_secs(60);

/// Schemes that are offered.
const OFFERED: &str =
    "cpal:, alsa:, dahdi:, audiosocket:, websocket:, rtp:, sip:, t38:, sim:, exchange:, wav: and stdio:";

impl FromStr for LineUri {
    type Err = UriError;

    fn from_str(uri: &str) -> Result<Self, UriError> {
        let (scheme, rest) = uri.split_once(':').ok_or_else(|| UriError::NoScheme(uri.to_owned()))?;
        match scheme {
            "cpal" => SoundParams::parse(rest).map(Self::Cpal),
            "alsa" => SoundParams::parse(rest).map(Self::Alsa),
            "sim" => sim_params(rest).map(Self::Sim),
            "wav" => wav_files(uri, rest),
            "exchange" => {
                let extension = Extension::read(rest).ok_or_else(|| UriError::BadExchange(uri.to_owned()))?;
                Ok(Self::Exchange(extension))
            }
            "stdio" => stdio(rest).ok_or_else(|| UriError::BadStdio(uri.to_owned())),
            "dahdi" => DahdiParams::parse(uri, rest).map(Self::Dahdi),
            "rtp" => RtpParams::parse(uri, rest).map(Self::Rtp),
            "t38" => T38Params::parse(uri, rest).map(Self::T38),
            "audiosocket" => AudioSocketParams::parse(uri, rest).map(Self::AudioSocket),
            "websocket" => WebSocketParams::parse(uri, rest).map(Self::WebSocket),
            "sip" => SipParams::parse(uri, rest).map(Self::Sip),
            unknown => Err(UriError::UnknownScheme(unknown.to_owned())),
        }
    }
}

impl LineUri {
    /// Whether the line has a hook switch, so that numbers are dialled on it in the voice band.
    pub fn has_switch(&self) -> bool {
        match self {
            Self::Cpal(params) | Self::Alsa(params) => params.hook != HookUri::None,
            Self::Exchange(extension) => extension.analogue.is_some(),
            Self::Dahdi(_) => true,
            _ => false,
        }
    }
}

fn stdio(rest: &str) -> Option<LineUri> {
    if rest.is_empty() {
        return Some(LineUri::Stdio { patience: STDIO_PATIENCE });
    }
    let seconds = rest.strip_prefix("?patience=")?.parse().ok().filter(|seconds| (1..=86_400).contains(seconds))?;
    Some(LineUri::Stdio { patience: Duration::from_secs(seconds) })
}

fn wav_files(uri: &str, rest: &str) -> Result<LineUri, UriError> {
    let (input, output) = rest.split_once(',').unwrap_or((rest, ""));
    if input.is_empty() {
        return Err(UriError::NoInput(uri.to_owned()));
    }
    let output = (!output.is_empty()).then(|| PathBuf::from(output));
    Ok(LineUri::Wav { input: PathBuf::from(input), output })
}

fn sim_params(rest: &str) -> Result<SimParams, UriError> {
    let (model, query) = rest.split_once('?').unwrap_or((rest, ""));
    let shape = if model.is_empty() { vec![] } else { table(model)? };
    let mut params = SimParams { shape, ..SimParams::default() };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        set(&mut params, name, value)?;
    }
    Ok(params)
}

fn set(params: &mut SimParams, name: &str, value: &str) -> Result<(), UriError> {
    let bad = |wanted| UriError::BadValue { name: name.to_owned(), value: value.to_owned(), wanted };
    let number = |low: f32, high: f32, wanted| {
        value.parse::<f32>().ok().filter(|number| (low..=high).contains(number)).ok_or_else(|| bad(wanted))
    };
    match name {
        "far" => params.far = far(value).ok_or_else(|| bad("write fax or onramp"))?,
        "snr" => params.snr = Some(Db(number(-20.0, 100.0, "write decibels from -20 to 100")?)),
        "noise" => params.noise = Some(Dbm0(number(-120.0, 0.0, "write dBm0 from -120 to 0")?)),
        "gain" | "level" => params.gain = Db(number(-60.0, 20.0, "write decibels from -60 to 20; a loss is negative")?),
        "echo" => params.echo = Some(Db(number(-100.0, 0.0, "write decibels from -100 to 0")?)),
        "echo_delay" => params.echo_delay = milliseconds(number(0.0, 1000.0, "write milliseconds from 0 to 1000")?),
        "law" => params.law = Some(law(value).ok_or_else(|| bad("write a for A-law or u for mu-law"))?),
        "listener" => params.listener_echo = Some(Db(number(-100.0, 0.0, "write decibels from -100 to 0")?)),
        "far_law" => params.far_law = Some(law(value).ok_or_else(|| bad("write a for A-law or u for mu-law"))?),
        "jitter" => {
            let degrees = number(0.0, 90.0, "write degrees from one extreme to the other, 0 to 90")?;
            params.jitter = Some(PhaseJitter { degrees, frequency: JITTER_FREQUENCY });
        }
        "hits" => {
            let per_second = number(0.0, 100.0, "write impulses in a second, 0 to 100")?;
            params.impulses = Some(ImpulseHits { per_second, at: None, peak: HIT_PEAK });
        }
        "delay" => params.delay = milliseconds(number(0.0, 2000.0, "write milliseconds from 0 to 2000")?),
        "offset" => params.offset = Hz(number(-50.0, 50.0, "write hertz from -50 to 50")?),
        "ppm" => params.ppm = number(-1000.0, 1000.0, "write parts per million from -1000 to 1000")?,
        "slip_every" => params.slip_every = Some(number(0.01, 1e6, "write seconds from 0.01")?),
        "slip" => params.slip = slip(value).ok_or_else(|| bad("write drop, repeat or turns"))?,
        "fill" => params.fill = fill(value).ok_or_else(|| bad("write silence or repeat"))?,
        "gaps" => params.gaps_told = gaps(value).ok_or_else(|| bad("write told or hidden"))?,
        "loss" => params.loss = number(0.0, 1.0, "write a share from 0 to 1, as 0.01 for one packet in a hundred")?,
        "pace" => params.real_time = pace(value).ok_or_else(|| bad("write real for the wall clock or free"))?,
        "seed" => params.seed = value.parse().map_err(|_| bad("write a whole number"))?,
        unknown => return Err(UriError::UnknownParameter(unknown.to_owned())),
    }
    Ok(())
}

fn milliseconds(ms: f32) -> usize {
    (ms * 8.0) as usize
}

fn far(value: &str) -> Option<Far> {
    match value {
        "fax" => Some(Far::FaxMachine),
        "onramp" => Some(Far::OnRamp),
        _ => None,
    }
}

fn slip(value: &str) -> Option<Slip> {
    match value {
        "drop" => Some(Slip::Drop),
        "repeat" => Some(Slip::Repeat),
        "turns" => Some(Slip::InTurn),
        _ => None,
    }
}

fn fill(value: &str) -> Option<Fill> {
    match value {
        "silence" => Some(Fill::Silence),
        "repeat" => Some(Fill::Repeat),
        _ => None,
    }
}

fn gaps(value: &str) -> Option<bool> {
    match value {
        "told" => Some(true),
        "hidden" => Some(false),
        _ => None,
    }
}

fn law(value: &str) -> Option<Law> {
    match value {
        "a" => Some(Law::A),
        "u" => Some(Law::Mu),
        _ => None,
    }
}

fn pace(value: &str) -> Option<bool> {
    match value {
        "real" => Some(true),
        "free" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_manual_are_read() {
        assert_eq!("stdio:".parse(), Ok(LineUri::Stdio { patience: STDIO_PATIENCE }));
        let extension =
            Extension { path: "/run/x".into(), number: "100".into(), dial: Some("*2#".into()), analogue: None };
        assert_eq!("exchange:/run/x?number=100&dial=*2#".parse(), Ok(LineUri::Exchange(extension)));
        assert_eq!("stdio:?patience=5".parse(), Ok(LineUri::Stdio { patience: Duration::from_secs(5) }));
        assert_eq!("sim:".parse(), Ok(LineUri::Sim(SimParams::default())));
        let noisy = SimParams { snr: Some(Db(30.0)), echo: Some(Db(-20.0)), delay: 400, ..SimParams::default() };
        assert_eq!("sim:?snr=30&echo=-20&delay=50".parse(), Ok(LineUri::Sim(noisy)));
        let worse =
            SimParams { slip_every: Some(5.0), slip: Slip::Drop, loss: 0.01, gaps_told: false, ..SimParams::default() };
        assert_eq!("sim:?slip_every=5&slip=drop&loss=0.01&gaps=hidden".parse(), Ok(LineUri::Sim(worse)));
        let files = LineUri::Wav { input: "a.wav".into(), output: Some("b.wav".into()) };
        assert_eq!("wav:a.wav,b.wav".parse(), Ok(files));
    }

    #[test]
    fn errors_name_the_thing_the_value_and_the_remedy() {
        let error = "sim:?snr=loud".parse::<LineUri>().unwrap_err().to_string();
        assert_eq!(error, "parameter 'snr=loud' of a simulated line is not right; write decibels from -20 to 100");
        for wrong in [
            "sim",
            "tin:can",
            "wav:",
            "sim:moon?snr=3",
            "sim:?colour=red",
            "stdio:x",
            "exchange:/run/x",
            "exchange:?number=1",
            "exchange:/run/x?number=1&dial=",
            "stdio:?patience=0",
            "sim:?ppm=NaN",
        ] {
            assert!(wrong.parse::<LineUri>().is_err(), "{wrong} was taken");
        }
    }
}
