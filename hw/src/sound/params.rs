//! What the URI of a sound line says.

use super::ring::Side;
use crate::{UriError, hook::HookUri};

/// Rates that a sound line may have, in samples per second.
pub const RATES: [u32; 4] = [8000, 16_000, 44_100, 48_000];

/// How a device's samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    /// 16-bit integers.
    I16,
    /// Floating point, -1.0 to 1.0.
    F32,
}

/// A sound line: `cpal:NAME?rate=48000&side=left` or `alsa:hw:1,0?rate=8000&period=80`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundParams {
    /// The device for both directions; empty for the system's default.
    pub device: String,
    /// Another device to hear.
    pub input: Option<String>,
    /// Another device to speak to.
    pub output: Option<String>,
    /// The sound system among those of cpal: `pulseaudio`, `alsa`, `pipewire`, `coreaudio`, `wasapi`.
    pub host: Option<String>,
    /// Samples per second; not given: the telephone's 8000 where the device has it, else 48 000.
    pub rate: Option<u32>,
    /// Mono, or one side of stereo.
    pub side: Side,
    /// How samples are written; not given: as the device likes it.
    pub format: Option<SampleKind>,
    /// Frames in a period or callback; not given: 10 ms for ALSA, 20 ms for cpal.
    pub period: Option<u32>,
    /// Milliseconds played ahead; not given: what the callbacks need.
    pub ahead_ms: Option<u32>,
    /// The hook switch.
    pub hook: HookUri,
}

/// What may stand in a sound line's URI.
const KNOWN: &str = "input, output, host, rate, side, format, period, ahead and hook";

impl SoundParams {
    /// Reads what stands after `cpal:` or `alsa:`.
    pub fn parse(rest: &str) -> Result<Self, UriError> {
        let (device, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut params = Self { device: device.to_owned(), ..Self::default() };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            params.set(name, value)?;
        }
        Ok(params)
    }

    /// The device that is heard.
    pub fn input(&self) -> &str {
        self.input.as_deref().unwrap_or(&self.device)
    }

    /// The device that is spoken to.
    pub fn output(&self) -> &str {
        self.output.as_deref().unwrap_or(&self.device)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), UriError> {
        let bad = |wanted| UriError::BadSoundValue { name: name.to_owned(), value: value.to_owned(), wanted };
        let number = |low: u32, high: u32, wanted| {
            value.parse().ok().filter(|number| (low..=high).contains(number)).ok_or_else(|| bad(wanted))
        };
        match name {
            "input" => self.input = Some(value.to_owned()),
            "output" => self.output = Some(value.to_owned()),
            "host" => self.host = Some(value.to_lowercase()),
            "rate" => {
                let wanted = "write 8000, 16000, 44100 or 48000";
                self.rate = Some(number(8000, 48_000, wanted)?).filter(|rate| RATES.contains(rate));
                self.rate.ok_or_else(|| bad(wanted))?;
            }
            "side" => self.side = side(value).ok_or_else(|| bad("write mono, left or right"))?,
            "format" => self.format = Some(kind(value).ok_or_else(|| bad("write i16 or f32"))?),
            "period" => self.period = Some(number(16, 8192, "write frames from 16 to 8192")?),
            "ahead" => self.ahead_ms = Some(number(10, 900, "write milliseconds from 10 to 900")?),
            "hook" => self.hook = value.parse().map_err(bad)?,
            unknown => return Err(UriError::UnknownSoundParameter(unknown.to_owned(), KNOWN)),
        }
        Ok(())
    }
}

fn side(value: &str) -> Option<Side> {
    match value {
        "mono" => Some(Side::Mono),
        "left" => Some(Side::Left),
        "right" => Some(Side::Right),
        _ => None,
    }
}

fn kind(value: &str) -> Option<SampleKind> {
    match value {
        "i16" => Some(SampleKind::I16),
        "f32" => Some(SampleKind::F32),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_line_is_read_as_written() {
        let line =
            SoundParams::parse("hw:1,0?rate=48000&side=right&format=f32&period=480&ahead=60&hook=hid:/dev/hidraw3")
                .unwrap();
        assert_eq!((line.input(), line.output(), line.rate), ("hw:1,0", "hw:1,0", Some(48_000)));
        assert_eq!((line.side, line.format, line.period), (Side::Right, Some(SampleKind::F32), Some(480)));
        assert_eq!((line.ahead_ms, line.hook), (Some(60), HookUri::Hid("/dev/hidraw3".into())));
        let pair = SoundParams::parse("?input=a.monitor&output=b").unwrap();
        assert_eq!((pair.input(), pair.output()), ("a.monitor", "b"));
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_remedy() {
        for (wrong, said) in [
            ("x?rate=22050", "8000, 16000, 44100 or 48000"),
            ("x?side=top", "mono, left or right"),
            ("x?format=u8", "i16 or f32"),
            ("x?hook=magic", "serial:"),
            ("x?colour=red", "known are input"),
        ] {
            let error = SoundParams::parse(wrong).unwrap_err().to_string();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
