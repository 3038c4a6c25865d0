//! The little of RTCP that a call needs: reports both ways, and goodbye.

use std::time::Duration;

use rtcp_types::{Compound, Packet, ReportBlock};

use super::receiver::Reception;

/// Octets of a sender report with one report block, a description and a goodbye.
pub(super) const MOST_OCTETS: usize = 52 + DESCRIPTION.len() + 8 + GOODBYE.len();

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_OFFSET: u64 = 2_208_988_800;

/// A description with nothing in it but a canonical name: header, our SSRC to be filled in, `a`, the end, padding.
const DESCRIPTION: [u8; 16] = [0x81, 202, 0, 3, 0, 0, 0, 0, 1, 4, b'c', b'a', b'l', b'l', 0, 0];

/// A goodbye, our SSRC to be filled in.
const GOODBYE: [u8; 8] = [0x81, 203, 0, 1, 0, 0, 0, 0];

/// What the far end says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Said {
    /// Share of our packets it missed since it last said.
    pub(super) loss: Option<f32>,
    /// It goes.
    pub(super) goodbye: bool,
}

/// Reads a compound packet.
pub(super) fn parse(datagram: &[u8], our_ssrc: u32) -> Said {
    let mut said = Said::default();
    let Ok(compound) = Compound::parse(datagram) else { return said };
    let loss = |block: ReportBlock<'_>| (block.ssrc() == our_ssrc).then(|| f32::from(block.fraction_lost()) / 256.0);
    for packet in compound.flatten() {
        match packet {
            Packet::Sr(report) => said.loss = report.report_blocks().find_map(loss).or(said.loss),
            Packet::Rr(report) => said.loss = report.report_blocks().find_map(loss).or(said.loss),
            Packet::Bye(_) => said.goodbye = true,
            _ => {}
        }
    }
    said
}

/// What a report tells of us.
pub(super) struct Sending {
    pub(super) ssrc: u32,
    pub(super) stamp: u32,
    pub(super) packets: u32,
    pub(super) octets: u32,
}

/// What was reported last, since reports tell of what came since.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reporter {
    expected: u64,
    received: u64,
}

impl Reporter {
    /// Writes a sender report, a description and, at the end, a goodbye; gives its octets.
    pub(super) fn write<'a>(
        &mut self,
        sending: &Sending,
        reception: Option<Reception>,
        since_1970: Duration,
        goodbye: bool,
        to: &'a mut [u8; MOST_OCTETS],
    ) -> &'a [u8] {
        let mut octets = Octets { to, at: 0 };
        let blocks = u8::from(reception.is_some());
        octets.put(&[0x80 | blocks, 200, 0, 6 + 6 * blocks]);
        octets.put(&sending.ssrc.to_be_bytes());
        octets.put(&((since_1970.as_secs() + NTP_OFFSET) as u32).to_be_bytes());
        octets.put(&(((u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000) as u32).to_be_bytes());
        for word in [sending.stamp, sending.packets, sending.octets] {
            octets.put(&word.to_be_bytes());
        }
        if let Some(reception) = reception {
            self.block(reception, &mut octets);
        }
        octets.put(&DESCRIPTION[..4]);
        octets.put(&sending.ssrc.to_be_bytes());
        octets.put(&DESCRIPTION[8..]);
        if goodbye {
            octets.put(&GOODBYE[..4]);
            octets.put(&sending.ssrc.to_be_bytes());
        }
        let length = octets.at;
        &to[..length]
    }

    fn block(&mut self, reception: Reception, octets: &mut Octets<'_>) {
        let (expected, received) = (reception.expected, reception.received);
        let (due, came) = (expected.saturating_sub(self.expected), received.saturating_sub(self.received));
        (self.expected, self.received) = (expected, received);
        let fraction = (due.saturating_sub(came) * 256).checked_div(due).unwrap_or(0).min(255) as u8;
        let lost = expected.saturating_sub(received).min(0x7f_ffff) as u32;
        octets.put(&reception.ssrc.to_be_bytes());
        octets.put(&(u32::from(fraction) << 24 | lost).to_be_bytes());
        for word in [reception.highest, reception.jitter, 0, 0] {
            octets.put(&word.to_be_bytes());
        }
    }
}

struct Octets<'a> {
    to: &'a mut [u8; MOST_OCTETS],
    at: usize,
}

impl Octets<'_> {
    fn put(&mut self, octets: &[u8]) {
        self.to[self.at..][..octets.len()].copy_from_slice(octets);
        self.at += octets.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_by_the_library() {
        let sending = Sending { ssrc: 7, stamp: 160, packets: 1, octets: 160 };
        let reception = Reception { ssrc: 9, expected: 100, received: 75, highest: 99, jitter: 12 };
        let mut to = [0; MOST_OCTETS];
        let now = Duration::from_millis(1_700_000_000_500);
        let written = Reporter::default().write(&sending, Some(reception), now, true, &mut to);
        let packets: Vec<_> = Compound::parse(written).unwrap().map(|packet| format!("{packet:?}")).collect();
        assert_eq!(packets.len(), 3, "{packets:?}");
        assert_eq!(parse(written, 9), Said { loss: Some(0.25), goodbye: true });
        assert_eq!(parse(written, 8), Said { loss: None, goodbye: true });
        assert_eq!(parse(b"nothing of the kind", 9), Said::default());
    }
}
