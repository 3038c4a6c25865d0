//! A line over RTP: two sockets, and the rest from the other files.

use std::{
    hash::{BuildHasher, RandomState},
    io::{self, ErrorKind, IoSliceMut},
    net::{SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use answertone_dsp::pcm::Block;
use nix::{
    errno::Errno,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt::ReceiveTimestampns},
        time::TimeSpec,
    },
};

use super::{
    RtpParams,
    receiver::Receiver,
    rtcp::{self, Reporter, Sending},
    sender::Sender,
};
use crate::{
    Exchange, LineError, OpenError, PolledLine, Transport,
    turn::{Course, Turns},
};

/// The longest datagram that is read whole.
const MOST_OCTETS: usize = 2048;

/// Datagrams read at one turn; more wait.
const MOST_AT_ONCE: usize = 64;

/// From one report to the next, RFC 3550 6.2.
const REPORTING: Duration = Duration::from_secs(5);

/// How long the far host may say that nobody is at its port.
const REFUSED_PATIENCE: Duration = Duration::from_secs(1);

/// How long a call may begin without a packet: its signalling may be slow.
const BEGINNING: Duration = Duration::from_secs(60);

/// A line over RTP.
pub struct RtpLine {
    socket: UdpSocket,
    reports: Option<UdpSocket>,
    remote: Option<SocketAddr>,
    /// Whether the socket is for that far end alone. Signalling keeps its sockets open: a far end may move.
    connected: bool,
    receiver: Receiver,
    sender: Sender,
    reporter: Reporter,
    datagram: Box<[u8; MOST_OCTETS]>,
    control: Vec<u8>,
    patience: Duration,
    course: Course,
    report_due: Instant,
    refused_since: Option<Instant>,
    far_loss: Option<f32>,
    far_gone: bool,
}

impl RtpLine {
    /// Opens the sockets.
    pub fn open(params: &RtpParams) -> Result<Self, OpenError> {
        let failed = |error: io::Error| OpenError::listening("rtp:local", params.local, &error);
        let socket = UdpSocket::bind(params.local).map_err(failed)?;
        let mut line = Self::on(socket, params)?;
        if let Some(remote) = params.remote {
            line.socket.connect(remote).map_err(failed)?;
        }
        line.connected = true;
        Ok(line)
    }

    /// A line on a socket that signalling has opened. The far end is where `params` say, or where it sends from on the
    /// same machine.
    pub fn on(socket: UdpSocket, params: &RtpParams) -> Result<Self, OpenError> {
        let failed = |error: io::Error| OpenError::listening("rtp:local", params.local, &error);
        socket.set_nonblocking(true).map_err(failed)?;
        setsockopt(&socket, ReceiveTimestampns, &true).map_err(|error| failed(error.into()))?;
        let reports = params.rtcp.then(|| reports(params)).transpose()?;
        let now = Instant::now();
        let chance = RandomState::new().hash_one(params.local);
        Ok(Self {
            socket,
            reports,
            remote: params.remote,
            connected: false,
            receiver: Receiver::new(params.codec, params.payload_type, params.event_type, params.depth),
            sender: Sender::new(params.codec, params.payload_type, params.event_type, chance),
            reporter: Reporter::default(),
            datagram: Box::new([0; MOST_OCTETS]),
            control: nix::cmsg_space!(TimeSpec),
            patience: params.patience,
            course: Course::new(now),
            report_due: now + REPORTING,
            refused_since: None,
            far_loss: None,
            far_gone: false,
        })
    }

    /// Sends to another address from now on; none for not at all.
    pub fn redirect(&mut self, remote: Option<SocketAddr>) {
        self.remote = remote;
        self.course.heard(Instant::now());
    }

    /// Presses a key beside the audio, RFC 4733; it takes 140 ms, and 80 ms go by to the next. False if there is no such
    /// key, or too many wait.
    pub fn press(&mut self, digit: char) -> bool {
        self.sender.press(digit)
    }

    /// Whether a packet has come yet: then blocks begin now.
    pub(super) fn has_begun(&mut self, now: Instant) -> Result<bool, LineError> {
        self.read(now)?;
        self.course.begin(now);
        Ok(self.receiver.has_begun())
    }

    fn read(&mut self, now: Instant) -> Result<(), LineError> {
        for _ in 0..MOST_AT_ONCE {
            let (octets, arrived, from) = match self.datagram() {
                Ok(datagram) => datagram,
                Err(Errno::EAGAIN) => return Ok(()),
                Err(Errno::EINTR) => continue,
                Err(Errno::ECONNREFUSED) => {
                    self.refused(now)?;
                    continue;
                }
                Err(error) => return Err(LineError::Failed(error.into())),
            };
            if !self.is_ours(from) {
                continue;
            }
            if self.receiver.packet(arrived, &self.datagram[..octets]) {
                self.course.heard(now);
                self.refused_since = None;
                self.meet(from)?;
            }
        }
        Ok(())
    }

    /// Reads one datagram: its length, when it arrived at this host and where it came from.
    fn datagram(&mut self) -> Result<(usize, Duration, Option<SocketAddr>), Errno> {
        let mut into = [IoSliceMut::new(self.datagram.as_mut_slice())];
        let flags = MsgFlags::MSG_DONTWAIT;
        let socket = self.socket.as_raw_fd();
        let message = recvmsg::<SockaddrStorage>(socket, &mut into, Some(&mut self.control), flags)?;
        let arrived = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(at) => Some(Duration::from(at)),
            _ => None,
        });
        let from = message.address.as_ref().and_then(|from| {
            let v4 = from.as_sockaddr_in().map(|from| SocketAddr::from((from.ip(), from.port())));
            v4.or_else(|| from.as_sockaddr_in6().map(|from| SocketAddr::from((from.ip(), from.port()))))
        });
        Ok((message.bytes, arrived.unwrap_or_else(since_1970), from))
    }

    /// Whether a packet from there belongs to the call. Where the socket is not for one far end alone, only its machine is.
    fn is_ours(&self, from: Option<SocketAddr>) -> bool {
        let machine = |address: SocketAddr| address.ip().to_canonical();
        self.connected || self.remote.is_none_or(|remote| from.is_some_and(|from| machine(from) == machine(remote)))
    }

    /// The first sender is the far end, if none was named.
    fn meet(&mut self, from: Option<SocketAddr>) -> Result<(), LineError> {
        if !self.connected {
            self.remote = self.remote.and(from);
            return Ok(());
        }
        if self.remote.is_none()
            && let Some(from) = from
        {
            self.socket.connect(from)?;
            if let Some(reports) = &self.reports {
                reports.connect(above(from))?;
            }
            self.remote = Some(from);
        }
        Ok(())
    }

    /// Nobody is at the far port: before the call has begun that is no wonder.
    fn refused(&mut self, now: Instant) -> Result<(), LineError> {
        let since = *self.refused_since.get_or_insert(now);
        if self.receiver.has_begun() && now.saturating_duration_since(since) > REFUSED_PATIENCE {
            let remote = self.remote.map(|remote| remote.to_string()).unwrap_or_default();
            let what = format!("nobody is at {remote} any more; check that the far system is still running");
            return Err(LineError::Failed(io::Error::new(ErrorKind::ConnectionRefused, what)));
        }
        Ok(())
    }

    fn report(&mut self, now: Instant, goodbye: bool) {
        let Some(reports) = &self.reports else { return };
        for _ in 0..MOST_AT_ONCE {
            let Ok(octets) = reports.recv(self.datagram.as_mut_slice()) else { break };
            let said = rtcp::parse(&self.datagram[..octets], self.sender.ssrc);
            self.far_loss = said.loss.or(self.far_loss);
            self.far_gone |= said.goodbye;
        }
        if (now < self.report_due && !goodbye) || self.remote.is_none() {
            return;
        }
        self.report_due = now + REPORTING;
        let (packets, octets) = self.sender.sent;
        let sending = Sending { ssrc: self.sender.ssrc, stamp: self.sender.stamp(), packets, octets };
        let mut to = [0; rtcp::MOST_OCTETS];
        let report = self.reporter.write(&sending, self.receiver.reception(), since_1970(), goodbye, &mut to);
        // A report may be lost, and there may be nobody who reads it.
        let _ = reports.send(report);
    }
}

fn reports(params: &RtpParams) -> Result<UdpSocket, OpenError> {
    let local = above(params.local);
    let failed = |error: io::Error| match OpenError::listening("rtp:local, for reports", local, &error) {
        OpenError::Network { line, address, reason } => {
            OpenError::Network { line, address, reason: format!("{reason}, or write rtcp=off") }
        }
        other => other,
    };
    let socket = UdpSocket::bind(local).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    if let Some(remote) = params.remote {
        socket.connect(above(remote)).map_err(failed)?;
    }
    Ok(socket)
}

/// The port above, where reports go.
fn above(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port().wrapping_add(1))
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl Turns for RtpLine {
    fn course(&mut self) -> &mut Course {
        &mut self.course
    }

    fn receive(&mut self, now: Instant) -> Result<(), LineError> {
        self.read(now)?;
        self.report(now, false);
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.far_gone
    }

    fn patience(&self) -> Duration {
        if self.receiver.has_begun() { self.patience } else { BEGINNING.max(self.patience) }
    }

    fn lead(&self) -> Option<usize> {
        self.receiver.lead()
    }

    fn play(&mut self, rx: &mut Block) -> usize {
        self.receiver.block(rx)
    }

    fn send(&mut self, tx: &Block, now: Instant) -> Result<(), LineError> {
        let Some(packet) = self.sender.block(tx) else { return Ok(()) };
        if self.remote.is_none() {
            return Ok(());
        }
        let sent = match self.remote.filter(|_| !self.connected) {
            Some(remote) => self.socket.send_to(packet, remote),
            None => self.socket.send(packet),
        };
        match sent {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => self.refused(now),
            // A datagram that finds no room is lost, as it might be further on.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(error) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => Ok(()),
            Err(error) => Err(LineError::Failed(error)),
            Ok(_) => Ok(()),
        }
    }
}

impl PolledLine for RtpLine {
    fn due(&self) -> Instant {
        self.course.due()
    }

    fn try_exchange(&mut self, now: Instant, tx: &Block, rx: &mut Block) -> Result<Option<Exchange>, LineError> {
        self.turn(now, tx, rx)
    }

    fn hang_up(&mut self) {
        if self.course.hang_up() {
            self.report(Instant::now(), true);
        }
    }

    fn digit(&mut self) -> Option<char> {
        self.receiver.digit()
    }

    fn transport(&self) -> Option<Transport> {
        Some(Transport { far_loss: self.far_loss, ..self.receiver.seen() })
    }
}
