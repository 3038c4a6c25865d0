//! A `t38:` line as a path and what both ends agreed on.

use std::{
    fmt::Display,
    hash::{BuildHasher, RandomState},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread::sleep,
    time::{Duration, Instant},
};

use answertone_hw::{
    OpenError,
    t38::{DtlsRole, T38Correction, T38Pace, T38Params, T38Transport},
};
use answertone_t30::{
    t38::{
        RateManagement, TerminalConfig, Wire,
        ifp::Syntax,
        pacing::Pacing,
        rtp::{Fec, PayloadTypes},
        udptl::ErrorCorrection,
    },
    time::LineSpan,
};

use super::{
    dtls::DtlsPath,
    path::{Path, TcpPath, UdpPath, is_passing},
    sealed::{Far, Fingerprint, Identity, Sealed},
    tls::TlsPath,
};

/// Payload types of `t38/8000`, `red/8000` and `ulpfec/8000` where no signalling gives them.
const RTP_TYPES: (u8, u8, u8) = (96, 97, 98);

/// How often it is looked whether a call came.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// What both ends agreed on.
pub fn terminal(params: &T38Params) -> TerminalConfig {
    TerminalConfig {
        syntax: Syntax::of_version(params.version),
        rate_management: if params.local_tcf { RateManagement::LocalTcf } else { RateManagement::TransferredTcf },
        packet_limit: correction(params).packet_limit(params.datagram).min(300),
        pacing: match params.pace {
            T38Pace::Nominal => Pacing::Nominal,
            T38Pace::Agreed => Pacing::Agreed,
            T38Pace::Free => Pacing::Free,
        },
    }
}

fn correction(params: &T38Params) -> ErrorCorrection {
    match params.correction {
        _ if is_stream(params) => ErrorCorrection::None,
        T38Correction::None => ErrorCorrection::None,
        T38Correction::Redundancy => ErrorCorrection::Redundancy { packets: params.entries },
        T38Correction::Fec => ErrorCorrection::Fec { span: params.span, packets: params.entries },
    }
}

fn is_stream(params: &T38Params) -> bool {
    matches!(params.transport, T38Transport::Tcp | T38Transport::Tls)
}

/// How packets travel on the line.
pub fn wire(params: &T38Params) -> Wire {
    match params.transport {
        T38Transport::Udptl => Wire::udptl(correction(params), params.datagram),
        T38Transport::Tcp | T38Transport::Tls => Wire::tpkt(Syntax::of_version(params.version)),
        T38Transport::Rtp => {
            let chance = RandomState::new().hash_one(params.local);
            Wire::rtp(payload_types(params), chance as u32, (chance >> 32) as u16)
        }
    }
}

/// Parities ride beside packets as repeated ones do.
fn payload_types(params: &T38Params) -> PayloadTypes {
    let (red, fec) = match params.correction {
        T38Correction::None => (None, None),
        T38Correction::Redundancy => (Some((RTP_TYPES.1, params.entries)), None),
        T38Correction::Fec => {
            let fec = Fec { kind: RTP_TYPES.2, span: params.span, parities: params.entries };
            (Some((RTP_TYPES.1, 0)), Some(fec))
        }
    };
    PayloadTypes { t38: RTP_TYPES.0, red, fec }
}

/// What carries a call over packets: the way, and what both ends agreed on.
pub struct PacketLine {
    /// Where datagrams go and come from.
    pub path: Box<dyn Path>,
    /// How packets are written and when they are due.
    pub terminal: TerminalConfig,
    /// How they travel.
    pub wire: Wire,
}

impl PacketLine {
    /// What a far gateway and the network take to answer.
    pub const DELAY: LineSpan = LineSpan::ms(1000);

    /// A line for a call that we make, or that is there already.
    pub fn open(params: &T38Params, waited_for: &dyn Fn() -> bool) -> Result<Self, OpenError> {
        Ok(Self { path: open(params, waited_for)?, terminal: terminal(params), wire: wire(params) })
    }

    /// A line once somebody calls: something came, after a silence in which nothing of a call before it did.
    pub fn called(params: &T38Params, waited_for: &dyn Fn() -> bool) -> Result<Self, OpenError> {
        if is_stream(params) {
            return Self::open(params, waited_for);
        }
        let socket = bound(params)?;
        rung(&socket, params, waited_for)?;
        Ok(Self { path: over(socket, params)?, terminal: terminal(params), wire: wire(params) })
    }
}

/// No datagram for so long means that the call before is over.
const SILENCE_BETWEEN_CALLS: Duration = Duration::from_secs(2);

fn rung(socket: &UdpSocket, params: &T38Params, waited_for: &dyn Fn() -> bool) -> Result<(), OpenError> {
    let wrong = |error: std::io::Error| OpenError::listening("t38:local", params.local, &error);
    socket.set_read_timeout(Some(LOOK_AROUND)).map_err(wrong)?;
    let mut quiet_since = Instant::now();
    while waited_for() {
        match socket.peek_from(&mut [0; 1]) {
            Ok(_) if quiet_since.elapsed() >= SILENCE_BETWEEN_CALLS => return Ok(()),
            Ok(_) => {
                let _ = socket.recv_from(&mut [0; 1]);
                quiet_since = Instant::now();
            }
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(wrong(error)),
        }
    }
    Err(OpenError::NobodyWaits)
}

/// Opens the line; over TCP without a remote address, waits for the call until `waited_for` says that nobody wants it.
pub fn open(params: &T38Params, waited_for: &dyn Fn() -> bool) -> Result<Box<dyn Path>, OpenError> {
    if is_stream(params) { connected(params, waited_for) } else { over(bound(params)?, params) }
}

fn bound(params: &T38Params) -> Result<UdpSocket, OpenError> {
    UdpSocket::bind(params.local).map_err(|error| OpenError::listening("t38:local", params.local, &error))
}

fn over(socket: UdpSocket, params: &T38Params) -> Result<Box<dyn Path>, OpenError> {
    let kind = if params.transport == T38Transport::Rtp { "rtp" } else { "udptl" };
    match params.dtls {
        None => Ok(Box::new(UdpPath::new(socket, params.remote, kind))),
        Some(role) => sealed(socket, params, role),
    }
}

/// UDPTL within DTLS, or RTP under its keys.
fn sealed(socket: UdpSocket, params: &T38Params, role: DtlsRole) -> Result<Box<dyn Path>, OpenError> {
    let (identity, fingerprints) = (identity(params)?, vec![expected(params)?]);
    let sealed = Sealed::offer(identity);
    let mut sealed = if params.transport == T38Transport::Rtp { sealed.carrying_rtp() } else { sealed };
    let far = Far { fingerprints, we_are_active: role == DtlsRole::Active, address: params.remote };
    sealed.accept(far, Instant::now());
    let path = DtlsPath::new(socket, sealed).map_err(|error| wrong("t38:local", &params.local, &error))?;
    Ok(Box::new(path))
}

/// Our certificate. Its fingerprint is said on standard error: there is no signalling that could carry it.
fn identity(params: &T38Params) -> Result<Identity, OpenError> {
    let identity = match &params.identity {
        Some(file) => Identity::kept(file).map_err(|error| wrong("t38:identity", &file.display(), &error)),
        None => Identity::fresh().map_err(|error| wrong("t38:identity", &"fresh", &error)),
    }?;
    eprintln!("our certificate: fingerprint={}", identity.fingerprint());
    Ok(identity)
}

fn expected(params: &T38Params) -> Result<Fingerprint, OpenError> {
    let given = params.fingerprint.as_deref().unwrap_or_default();
    given.parse().map_err(|error| wrong("t38:fingerprint", &given, &error))
}

fn wrong(line: &'static str, value: &dyn Display, error: &dyn Display) -> OpenError {
    OpenError::Network { line, address: value.to_string(), reason: error.to_string() }
}

fn connected(params: &T38Params, waited_for: &dyn Fn() -> bool) -> Result<Box<dyn Path>, OpenError> {
    let failed = |name, address: SocketAddr, error: std::io::Error| OpenError::Network {
        line: name,
        address: address.to_string(),
        reason: format!("{error}; check that the far end runs and takes TCP there"),
    };
    let stream = match params.remote {
        Some(remote) => {
            TcpStream::connect_timeout(&remote, CONNECTING).map_err(|error| failed("t38:remote", remote, error))?
        }
        None => accepted(params.local, waited_for)?,
    };
    let wrong = |error| failed("t38:local", params.local, error);
    if params.transport == T38Transport::Tls {
        let (identity, expected) = (identity(params)?, vec![expected(params)?]);
        let path = TlsPath::new(stream, params.remote.is_some(), &identity, expected).map_err(wrong)?;
        return Ok(Box::new(path));
    }
    Ok(Box::new(TcpPath::new(stream).map_err(wrong)?))
}

fn accepted(here: SocketAddr, waited_for: &dyn Fn() -> bool) -> Result<TcpStream, OpenError> {
    let wrong = |error: std::io::Error| OpenError::listening("t38:local", here, &error);
    let listener = TcpListener::bind(here).map_err(wrong)?;
    listener.set_nonblocking(true).map_err(wrong)?;
    while waited_for() {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).map_err(wrong)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => sleep(LOOK_AROUND),
            Err(error) => return Err(wrong(error)),
        }
    }
    Err(OpenError::NobodyWaits)
}
