//! What `hook=` says.

use std::str::FromStr;

use super::{AlwaysOff, Hook, cm108::Cm108, hid::HidHook, serial::SerialHook};

/// Which control line of a serial port works the relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ControlLine {
    /// Request to send.
    #[default]
    Rts,
    /// Data terminal ready.
    Dtr,
}

/// Which control line of a serial port tells of ringing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RingLine {
    /// Ring indicator.
    #[default]
    Ri,
    /// Clear to send.
    Cts,
    /// Data set ready.
    Dsr,
    /// Data carrier detect.
    Dcd,
}

/// A hook switch as it is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HookUri {
    /// Always off hook.
    #[default]
    None,
    /// `hid:/dev/hidraw3`.
    Hid(String),
    /// `cm108:/dev/hidraw3,hook=3,ring=1`: GPIO pins 1 to 8; without `ring` none.
    Cm108 {
        /// The device.
        path: String,
        /// The pin of the relay.
        hook: u8,
        /// The pin of the ring detector.
        ring: Option<u8>,
    },
    /// `serial:/dev/ttyUSB0,hook=dtr,ring=cts`.
    Serial {
        /// The port.
        path: String,
        /// What works the relay.
        hook: ControlLine,
        /// What tells of ringing.
        ring: RingLine,
    },
}

const WANTED: &str = "write none, hid:PATH, cm108:PATH,hook=3,ring=1 (pins 1 to 8) or serial:PATH,hook=rts,ring=ri \
                      (hook rts or dtr; ring ri, cts, dsr or dcd)";

impl FromStr for HookUri {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::None);
        }
        let (kind, rest) = text.split_once(':').ok_or(WANTED)?;
        let mut parts = rest.split(',');
        let path = parts.next().filter(|path| !path.is_empty()).ok_or(WANTED)?.to_owned();
        let options = parts.map(|part| part.split_once('=').ok_or(WANTED)).collect::<Result<Vec<_>, _>>()?;
        match kind {
            "hid" if options.is_empty() => Ok(Self::Hid(path)),
            "cm108" => cm108(path, &options).ok_or(WANTED),
            "serial" => serial(path, &options).ok_or(WANTED),
            _ => Err(WANTED),
        }
    }
}

fn cm108(path: String, options: &[(&str, &str)]) -> Option<HookUri> {
    let (mut hook, mut ring) = (3, None);
    for (name, value) in options {
        let pin = value.parse::<u8>().ok().filter(|pin| (1..=8).contains(pin))?;
        match *name {
            "hook" => hook = pin,
            "ring" => ring = Some(pin),
            _ => return None,
        }
    }
    (ring != Some(hook)).then_some(HookUri::Cm108 { path, hook, ring })
}

fn serial(path: String, options: &[(&str, &str)]) -> Option<HookUri> {
    let (mut hook, mut ring) = (ControlLine::default(), RingLine::default());
    for option in options {
        match *option {
            ("hook", "rts") => hook = ControlLine::Rts,
            ("hook", "dtr") => hook = ControlLine::Dtr,
            ("ring", "ri") => ring = RingLine::Ri,
            ("ring", "cts") => ring = RingLine::Cts,
            ("ring", "dsr") => ring = RingLine::Dsr,
            ("ring", "dcd") => ring = RingLine::Dcd,
            _ => return None,
        }
    }
    Some(HookUri::Serial { path, hook, ring })
}

impl HookUri {
    /// Opens the switch; it is on hook then, if it can be.
    pub fn open(&self) -> Result<Box<dyn Hook>, String> {
        Ok(match self {
            Self::None => Box::new(AlwaysOff),
            Self::Hid(path) => Box::new(HidHook::open(path)?),
            Self::Cm108 { path, hook, ring } => Box::new(Cm108::open(path, *hook, *ring)?),
            Self::Serial { path, hook, ring } => Box::new(SerialHook::open(path, *hook, *ring)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_read_as_written() {
        assert_eq!("none".parse(), Ok(HookUri::None));
        assert_eq!("hid:/dev/hidraw0".parse(), Ok(HookUri::Hid("/dev/hidraw0".into())));
        let codec = HookUri::Cm108 { path: "/dev/hidraw1".into(), hook: 4, ring: Some(2) };
        assert_eq!("cm108:/dev/hidraw1,hook=4,ring=2".parse(), Ok(codec));
        let port = HookUri::Serial { path: "/dev/ttyS0".into(), hook: ControlLine::Dtr, ring: RingLine::Ri };
        assert_eq!("serial:/dev/ttyS0,hook=dtr".parse(), Ok(port));
        for wrong in ["hid:", "cm108:x,hook=9", "cm108:x,hook=1,ring=1", "serial:x,ring=txd", "gpio:4", "hid:x,y=1"] {
            assert!(wrong.parse::<HookUri>().is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn a_switch_that_is_not_there_is_named() {
        for uri in ["hid:/dev/none-such", "cm108:/dev/none-such", "serial:/dev/none-such"] {
            let error = uri.parse::<HookUri>().unwrap().open().err().unwrap();
            assert!(error.contains("/dev/none-such"), "{error}");
        }
    }
}
