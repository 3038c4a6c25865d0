//! The GPIO pins of C-Media's USB codecs: CM108, CM108AH, CM109, CM119.
//!
//! Their HID output report has four octets: mode, pin levels, pin directions, and one for S/PDIF. In the input report the
//! second octet has the levels of the pins.

use std::io;

use hidapi::HidDevice;

use super::{Hook, Signals, hid::open_device};

/// A relay, and perhaps a ring detector, on the pins of a codec.
pub(super) struct Cm108 {
    device: HidDevice,
    pins: Pins,
    ringing: Option<bool>,
}

/// Which pin does what, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pins {
    hook: u8,
    ring: Option<u8>,
}

impl Pins {
    /// Pins are counted from 1.
    fn new(hook: u8, ring: Option<u8>) -> Self {
        Self { hook: 1 << (hook - 1), ring: ring.map(|pin| 1 << (pin - 1)) }
    }

    /// The report that sets the relay: report number, mode, levels, directions, nothing.
    fn report(self, off_hook: bool) -> [u8; 5] {
        [0, 0, if off_hook { self.hook } else { 0 }, self.hook, 0]
    }

    /// What an input report says. A ring detector pulls its pin down.
    fn ringing(self, report: &[u8]) -> Option<bool> {
        let (mask, levels) = (self.ring?, *report.get(1)?);
        Some(levels & mask == 0)
    }
}

impl Cm108 {
    /// Opens the codec's HID device and goes on hook.
    pub(super) fn open(path: &str, hook: u8, ring: Option<u8>) -> Result<Self, String> {
        let mut codec = Self { device: open_device(path)?, pins: Pins::new(hook, ring), ringing: ring.map(|_| false) };
        codec.set(false).map_err(|error| format!("hook=cm108:{path} cannot be set: {error}"))?;
        Ok(codec)
    }
}

impl Hook for Cm108 {
    fn set(&mut self, off_hook: bool) -> io::Result<()> {
        self.device.write(&self.pins.report(off_hook)).map(|_| ()).map_err(io::Error::other)
    }

    fn poll(&mut self) -> io::Result<Signals> {
        let mut report = [0; 16];
        loop {
            let length = self.device.read(&mut report).map_err(io::Error::other)?;
            if length == 0 {
                return Ok(Signals { ringing: self.ringing, lifted: None });
            }
            self.ringing = self.pins.ringing(&report[..length]).or(self.ringing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_set_and_read() {
        let pins = Pins::new(3, Some(1));
        assert_eq!(pins.report(true), [0, 0, 0b100, 0b100, 0]);
        assert_eq!(pins.report(false), [0, 0, 0, 0b100, 0]);
        assert_eq!(pins.ringing(&[0, 0b110, 0, 0]), Some(true));
        assert_eq!(pins.ringing(&[0, 0b111, 0, 0]), Some(false));
        assert_eq!(pins.ringing(&[0]), None);
        assert_eq!(Pins::new(8, None).ringing(&[0, 0, 0, 0]), None);
    }
}
