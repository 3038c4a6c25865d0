//! A `t38:` line as a path and what both ends agreed on.

use std::{
    hash::{BuildHasher, RandomState},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread::sleep,
    time::Duration,
};

use answertone_hw::{
    OpenError,
    t38::{T38Correction, T38Params, T38Transport},
};
use answertone_t30::t38::{
    RateManagement, TerminalConfig, Wire, ifp::Syntax, pacing::Pacing, rtp::PayloadTypes, udptl::ErrorCorrection,
};

use super::path::{Path, TcpPath, UdpPath};

/// Payload types of `t38/8000` and `red/8000` where no signalling gives them.
const RTP_TYPES: (u8, u8) = (96, 97);

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
        pacing: if params.free { Pacing::Free } else { Pacing::Nominal },
    }
}

fn correction(params: &T38Params) -> ErrorCorrection {
    match params.correction {
        _ if params.transport == T38Transport::Tcp => ErrorCorrection::None,
        T38Correction::None => ErrorCorrection::None,
        T38Correction::Redundancy => ErrorCorrection::Redundancy { packets: params.entries },
        T38Correction::Fec => ErrorCorrection::Fec { span: params.span, packets: params.entries },
    }
}

/// How packets travel on the line.
pub fn wire(params: &T38Params) -> Wire {
    match params.transport {
        T38Transport::Udptl => Wire::udptl(correction(params), params.datagram),
        T38Transport::Tcp => Wire::tpkt(),
        T38Transport::Rtp => {
            let red = (params.correction == T38Correction::Redundancy).then_some((RTP_TYPES.1, params.entries));
            let chance = RandomState::new().hash_one(params.local);
            Wire::rtp(PayloadTypes { t38: RTP_TYPES.0, red }, chance as u32, (chance >> 32) as u16)
        }
    }
}

/// Opens the line; over TCP without a remote address, waits for the call until `waited_for` says that nobody wants it.
pub fn open(params: &T38Params, waited_for: &dyn Fn() -> bool) -> Result<Box<dyn Path>, OpenError> {
    let kind = match params.transport {
        T38Transport::Udptl => "udptl",
        T38Transport::Rtp => "rtp",
        T38Transport::Tcp => return connected(params, waited_for),
    };
    let socket =
        UdpSocket::bind(params.local).map_err(|error| OpenError::listening("t38:local", params.local, &error))?;
    Ok(Box::new(UdpPath::new(socket, params.remote, kind)))
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
    let path = TcpPath::new(stream).map_err(|error| failed("t38:local", params.local, error))?;
    Ok(Box::new(path))
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
