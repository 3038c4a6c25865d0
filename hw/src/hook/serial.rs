//! A relay and a ring detector on the control lines of a serial port.

use std::{io, time::Duration};

use serialport::SerialPort;

use super::{ControlLine, Hook, RingLine, Signals};

/// No octets go over the port; any rate will do.
const RATE: u32 = 9600;

/// A hook switch on RTS or DTR.
pub(super) struct SerialHook {
    port: Box<dyn SerialPort>,
    hook: ControlLine,
    ring: RingLine,
}

impl SerialHook {
    /// Opens the port and goes on hook.
    pub(super) fn open(path: &str, hook: ControlLine, ring: RingLine) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("hook=serial:{path}: {error}; is it there, and may this user open it (group dialout)?")
        };
        let port = serialport::new(path, RATE).timeout(Duration::from_millis(1)).open();
        let mut switch = Self { port: port.map_err(|error| failed(&error))?, hook, ring };
        switch.set(false).map_err(|error| failed(&error))?;
        Ok(switch)
    }
}

impl Hook for SerialHook {
    fn set(&mut self, off_hook: bool) -> io::Result<()> {
        match self.hook {
            ControlLine::Rts => self.port.write_request_to_send(off_hook),
            ControlLine::Dtr => self.port.write_data_terminal_ready(off_hook),
        }
        .map_err(io::Error::from)
    }

    fn poll(&mut self) -> io::Result<Signals> {
        let ringing = match self.ring {
            RingLine::Ri => self.port.read_ring_indicator(),
            RingLine::Cts => self.port.read_clear_to_send(),
            RingLine::Dsr => self.port.read_data_set_ready(),
            RingLine::Dcd => self.port.read_carrier_detect(),
        };
        Ok(Signals { ringing: Some(ringing.map_err(io::Error::from)?), lifted: None })
    }
}
