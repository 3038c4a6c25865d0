//! The socket of a call's media: audio and T.38 share it, so that a far end that goes on sending to the old port is heard.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr, UdpSocket},
    time::Duration,
};

use answertone_hw::rtp::RtpParams;
use answertone_t30::t38::{RateManagement, TerminalConfig, Wire, ifp::Syntax, pacing::Pacing, udptl::ErrorCorrection};

use crate::{
    sdp::{Audio, Correction, Image},
    t38::Path,
};

/// How much of audio is held back, in samples: 60 ms.
const DEPTH: usize = 480;

/// Signalling tells when a call is over; this is for a far end that died with its server.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The payload type of telephone events where none was agreed.
const NO_EVENTS: u8 = 127;

/// Octets of data in a packet at most.
const MOST_DATA: usize = 300;

/// Packets or parities that go along with each.
const ENTRIES: u8 = 3;

/// A sequence number of UDPTL may be so far from the last one.
const REACH: u16 = 0x1000;

/// Payload types that audio may have.
const AUDIO_TYPES: [u8; 5] = [0, 8, 13, 19, 101];

/// The media socket of a call.
pub(super) struct Sockets {
    pub(super) socket: UdpSocket,
    pub(super) port: u16,
}

impl Sockets {
    /// Opens one at that address, at an even port of those given.
    pub(super) fn open(address: IpAddr, ports: Option<(u16, u16)>) -> io::Result<Self> {
        let Some((low, high)) = ports else {
            let socket = UdpSocket::bind(SocketAddr::new(address, 0))?;
            let port = socket.local_addr()?.port();
            return Ok(Self { socket, port });
        };
        let mut last = io::Error::new(ErrorKind::AddrNotAvailable, "no even port between those of sip.ports");
        for port in (low..=high).filter(|port| port.is_multiple_of(2)) {
            match UdpSocket::bind(SocketAddr::new(address, port)) {
                Ok(socket) => return Ok(Self { socket, port }),
                Err(error) => last = error,
            }
        }
        Err(io::Error::new(last.kind(), format!("sip.ports from {low} to {high}: {last}; give more of them")))
    }
}

/// Agreed audio as a line.
pub(super) fn rtp(audio: &Audio, local: SocketAddr) -> RtpParams {
    RtpParams {
        local,
        remote: audio.remote.filter(|_| audio.heard),
        codec: audio.codec,
        payload_type: audio.payload_type,
        event_type: audio.event_type.unwrap_or(NO_EVENTS),
        depth: DEPTH,
        patience: PATIENCE,
        rtcp: false,
        waits_for_call: false,
    }
}

fn correction(image: &Image) -> ErrorCorrection {
    match image.t38.correction {
        Correction::None => ErrorCorrection::None,
        Correction::Redundancy => ErrorCorrection::Redundancy { packets: ENTRIES },
        Correction::Fec => ErrorCorrection::Fec { span: ENTRIES, packets: ENTRIES },
    }
}

/// Agreed T.38 as a terminal, and how its packets travel.
pub(super) fn packets(image: &Image) -> (TerminalConfig, Wire) {
    let (correction, datagram) = (correction(image), image.t38.max_datagram);
    let config = TerminalConfig {
        syntax: Syntax::of_version(image.t38.version),
        rate_management: if image.t38.local_tcf { RateManagement::LocalTcf } else { RateManagement::TransferredTcf },
        packet_limit: correction.packet_limit(datagram).min(MOST_DATA),
        pacing: Pacing::Nominal,
    };
    (config, Wire::udptl(correction, datagram))
}

/// UDPTL on a call's socket.
pub(super) struct MediaPath {
    socket: UdpSocket,
    /// Where ours goes: where the description says, and then where the far end sends from.
    remote: Option<SocketAddr>,
    /// The last sequence number.
    sequence: u16,
}

impl MediaPath {
    pub(super) fn new(socket: UdpSocket, remote: Option<SocketAddr>) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        Ok(Self { socket, remote, sequence: 0 })
    }

    /// Whether a datagram from there belongs to the call, and is no audio of before.
    fn accepts(&mut self, from: SocketAddr, octets: &[u8]) -> bool {
        let machine = |address: SocketAddr| address.ip().to_canonical();
        if self.remote.is_some_and(|remote| machine(remote) != machine(from)) || self.is_audio(octets) {
            return false;
        }
        self.remote = Some(from);
        if let Some(number) = octets.first_chunk::<2>() {
            self.sequence = u16::from_be_bytes(*number);
        }
        true
    }

    /// Whether it looks like RTP, and like no sequence number that may come.
    fn is_audio(&self, octets: &[u8]) -> bool {
        let [first, second, ..] = *octets else { return false };
        let far = u16::from_be_bytes([first, second]).wrapping_sub(self.sequence).wrapping_add(REACH) > 2 * REACH;
        octets.len() >= 12 && first >> 6 == 2 && AUDIO_TYPES.contains(&(second & 0x7f)) && far
    }
}

impl Path for MediaPath {
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        if let Some(remote) = self.remote {
            // A datagram that is lost is lost; signalling tells when the far end is gone.
            let _ = self.socket.send_to(octets, remote);
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
        self.socket.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
        match self.socket.recv_from(buffer) {
            Ok((count, from)) => Ok(Some(count).filter(|count| self.accepts(from, &buffer[..*count]))),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock
                        | ErrorKind::TimedOut
                        | ErrorKind::Interrupted
                        | ErrorKind::ConnectionRefused
                        | ErrorKind::ConnectionReset
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn redirect(&mut self, remote: Option<SocketAddr>) {
        self.remote = remote;
    }

    fn kind(&self) -> &'static str {
        "udptl"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stray_audio_is_no_packet_and_does_not_draw_ours_away() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let far: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        let mut path = MediaPath::new(socket, Some(far)).unwrap();
        let mut audio = vec![0x80, 0x00, 1, 2];
        audio.resize(172, 0xff);
        assert!(!path.accepts("127.0.0.1:4002".parse().unwrap(), &audio));
        assert_eq!(path.remote, Some(far));
        // Its first packet is taken from another port, and answered there.
        let moved: SocketAddr = "127.0.0.1:4004".parse().unwrap();
        assert!(path.accepts(moved, &[0, 0, 1, 2, 0]));
        assert_eq!(path.remote, Some(moved));
        // Half way round, such a number is a packet's.
        path.sequence = 0x7fff;
        assert!(path.accepts(moved, &audio));
        assert!(!path.accepts("192.0.2.1:4004".parse().unwrap(), &[0, 0, 1, 2, 0]));
    }
}
