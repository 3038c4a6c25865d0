//! Octets on their way to the host: results, data and flow control, in a queue that does not grow.

use std::collections::VecDeque;

use super::{
    result::ResultCode,
    settings::Settings,
    shield::{self, DLE, ETX},
};

/// Octets kept for a host that does not read: more than a minute of a page at 14400 bit/s.
const MOST_OCTETS: usize = 128 * 1024;

/// Room that data leave for the results behind them.
const RESERVE: usize = 4096;

/// Resume, and pause: flow control in the stream.
pub(crate) const XON: u8 = 0x11;
pub(crate) const XOFF: u8 = 0x13;

/// The way to the host.
#[derive(Clone, Debug, Default)]
pub(super) struct Terminal {
    octets: VecDeque<u8>,
    /// Flow control goes before everything that waits.
    urgent: Option<u8>,
    /// The host asked for a pause.
    paused: bool,
    /// We asked the host for a pause.
    pausing: bool,
    lost: u64,
}

impl Terminal {
    /// The next octets for the host.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> usize {
        let mut count = 0;
        for place in buf {
            let next = self.urgent.take().or_else(|| if self.paused { None } else { self.octets.pop_front() });
            let Some(octet) = next else { break };
            *place = octet;
            count += 1;
        }
        count
    }

    /// Whether something could be read.
    pub(super) fn has_octets(&self) -> bool {
        self.urgent.is_some() || !self.paused && !self.octets.is_empty()
    }

    /// Whether so much waits that nothing should be asked that has an answer.
    pub(super) fn is_filling(&self) -> bool {
        self.octets.len() > MOST_OCTETS / 2
    }

    /// Octets of data that found no room.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        *self = Self { lost: self.lost, ..Self::default() };
    }

    /// The host asks for a pause, or for its end.
    pub(super) fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Asks the host for a pause, or for its end.
    pub(super) fn ask_pause(&mut self, pause: bool) {
        if std::mem::replace(&mut self.pausing, pause) != pause {
            self.urgent = Some(if pause { XOFF } else { XON });
        }
    }

    /// Whether the host was asked for a pause.
    pub(super) fn pausing(&self) -> bool {
        self.pausing
    }

    pub(super) fn echo(&mut self, octet: u8) {
        self.put(octet, 0);
    }

    /// Data in their shield; what finds no room is lost. Whether all found room.
    pub(super) fn data(&mut self, octets: &[u8], settings: &Settings) -> bool {
        let before = self.lost;
        shield::shield(octets, settings.pairs_of_escapes(), |octet| self.put(octet, RESERVE));
        self.lost == before
    }

    /// The end of data.
    pub(super) fn end_of_data(&mut self) {
        self.put(DLE, 0);
        self.put(ETX, 0);
    }

    /// A result code, in the form that V asks for; none with Q1.
    pub(super) fn result(&mut self, code: ResultCode, settings: &Settings) {
        if settings.quiet() {
            return;
        }
        if settings.verbose() {
            self.line(code.words(), settings);
        } else {
            self.text(code.number());
            self.put(settings.end_of_line(), 0);
        }
    }

    /// A line of information.
    pub(super) fn line(&mut self, text: &str, settings: &Settings) {
        let ends = [settings.end_of_line(), settings.line_feed()];
        if settings.verbose() {
            ends.into_iter().for_each(|octet| self.put(octet, 0));
        }
        self.text(text);
        ends.into_iter().for_each(|octet| self.put(octet, 0));
    }

    fn text(&mut self, text: &str) {
        text.bytes().for_each(|octet| self.put(octet, 0));
    }

    fn put(&mut self, octet: u8, reserve: usize) {
        if self.octets.len() + reserve < MOST_OCTETS {
            self.octets.push_back(octet);
        } else {
            self.lost += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(terminal: &mut Terminal) -> Vec<u8> {
        let mut buf = vec![0; 2 * MOST_OCTETS];
        let count = terminal.read(&mut buf);
        buf.truncate(count);
        buf
    }

    #[test]
    fn a_host_that_never_reads_does_not_cost_memory_and_gets_its_result() {
        let (mut terminal, settings) = (Terminal::default(), Settings::new());
        for _ in 0..MOST_OCTETS {
            terminal.data(&[1, 2], &settings);
        }
        terminal.end_of_data();
        terminal.result(ResultCode::NoCarrier, &settings);
        let octets = all(&mut terminal);
        assert!(octets.len() <= MOST_OCTETS && terminal.lost() > 0);
        assert!(octets.ends_with(b"\x10\x03\r\nNO CARRIER\r\n"));
    }

    #[test]
    fn flow_control_overtakes_data_and_holds_them() {
        let (mut terminal, settings) = (Terminal::default(), Settings::new());
        terminal.data(&[1], &settings);
        terminal.pause(true);
        terminal.ask_pause(true);
        assert_eq!(all(&mut terminal), [XOFF]);
        terminal.pause(false);
        assert_eq!(all(&mut terminal), [1]);
    }
}
