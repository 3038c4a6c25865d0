//! The hook switch and the ring signal beside a sound device.
//!
//! ```text
//!  hook=none               always off hook
//!  hook=hid:PATH           HID telephony usages, found in the device's report descriptor
//!  hook=cm108:PATH         the GPIO pins of a C-Media codec, wired to a relay and a ring detector
//!  hook=serial:PATH        RTS or DTR to a relay, RI from a ring detector
//! ```

mod cm108;
pub mod descriptor;
mod hid;
pub mod ring;
mod serial;
mod uri;

use std::io;

pub use hid::{HidHook, telephony};
pub use uri::{ControlLine, HookUri, RingLine};

/// What the telephone network does, as far as the hardware tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// It rings; `None` where the hardware cannot tell.
    pub ringing: Option<bool>,
    /// Somebody has lifted a telephone on the same line, or the device itself; `None` where the hardware cannot tell.
    pub lifted: Option<bool>,
}

/// A hook switch.
pub trait Hook: Send {
    /// Whether it can be on hook at all.
    fn is_switch(&self) -> bool {
        true
    }

    /// Goes off hook, or on hook.
    fn set(&mut self, off_hook: bool) -> io::Result<()>;

    /// What the network does now. Does not wait.
    fn poll(&mut self) -> io::Result<Signals>;

    /// Opens the loop for a moment by itself; false: it cannot, and is set on hook and off again instead.
    fn flash(&mut self) -> io::Result<bool> {
        Ok(false)
    }

    /// Begins the pulses of a digit, ten in a second, and makes them by itself; false: it cannot.
    fn pulses(&mut self, _count: u32) -> io::Result<bool> {
        Ok(false)
    }

    /// Goes on hook, as well as it can: a device that is gone is on hook.
    fn on_hook(&mut self) {
        let _ = self.set(false);
    }
}

/// No switch: a line that is always off hook.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysOff;

impl Hook for AlwaysOff {
    fn is_switch(&self) -> bool {
        false
    }

    fn set(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn poll(&mut self) -> io::Result<Signals> {
        Ok(Signals::default())
    }
}
