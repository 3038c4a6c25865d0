//! `t38:` as a URI: packets of T.38 to an address, without signalling. There is no PCM on such a line: this only names it.

use std::net::SocketAddr;

use crate::{UriError, query::Query};

const KNOWN: &str = "local, remote, transport, ec, entries, span, version, tcf, pace and datagram";

const WANTED: &str = "write t38:local=HOST:PORT&remote=HOST:PORT&ec=redundancy; without remote= the first sender is it";

/// How packets travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum T38Transport {
    /// UDPTL.
    #[default]
    Udptl,
    /// RTP, RFC 4612.
    Rtp,
    /// TPKT on TCP.
    Tcp,
}

/// How lost datagrams are made up for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum T38Correction {
    /// Not at all.
    None,
    /// By earlier packets.
    #[default]
    Redundancy,
    /// By parity.
    Fec,
}

/// T.38 without signalling: `t38:local=HOST:PORT&remote=HOST:PORT&ec=redundancy`.
#[derive(Clone, Debug, PartialEq)]
pub struct T38Params {
    /// Where we receive and send from.
    pub local: SocketAddr,
    /// Where we send; if not given, where the first packet comes from.
    pub remote: Option<SocketAddr>,
    /// How packets travel.
    pub transport: T38Transport,
    /// How lost datagrams are made up for.
    pub correction: T38Correction,
    /// Earlier packets in a datagram, or parities.
    pub entries: u8,
    /// Packets under a parity.
    pub span: u8,
    /// The version of T.38 that both ends speak.
    pub version: u8,
    /// Whether each end makes its own training check.
    pub local_tcf: bool,
    /// Whether packets go as fast as they can.
    pub free: bool,
    /// The longest datagram that the far end takes.
    pub datagram: usize,
}

impl T38Params {
    /// Reads what follows `t38:`.
    pub(crate) fn parse(uri: &str, rest: &str) -> Result<Self, UriError> {
        let mut query = Query::new("t38", KNOWN, rest);
        let wrong = || UriError::BadNetworkLine { line: uri.to_owned(), wanted: WANTED };
        let local = query.address("local")?.ok_or_else(wrong)?;
        let remote = query.address("remote")?;
        let transports = [("udptl", T38Transport::Udptl), ("rtp", T38Transport::Rtp), ("tcp", T38Transport::Tcp)];
        let transport = query.choice("transport", &transports, "write udptl, rtp or tcp")?.unwrap_or_default();
        let corrections =
            [("none", T38Correction::None), ("redundancy", T38Correction::Redundancy), ("fec", T38Correction::Fec)];
        let correction = query.choice("ec", &corrections, "write none, redundancy or fec")?.unwrap_or_default();
        let entries = query.number("entries", 1..=15, "write a number from 1 to 15")?.unwrap_or(3);
        let span = query.number("span", 1..=80, "write a number from 1 to 80")?.unwrap_or(3);
        let version = query.number("version", 0..=3, "write a version from 0 to 3")?.unwrap_or(0);
        let methods = [("transferred", false), ("local", true)];
        let local_tcf = query.choice("tcf", &methods, "write transferred or local")?;
        let free = query.choice("pace", &[("nominal", false), ("free", true)], "write nominal or free")?;
        let datagram = query.number("datagram", 80..=9000, "write octets from 80 to 9000")?.unwrap_or(1400);
        query.finish()?;
        Ok(Self {
            local,
            remote,
            transport,
            correction,
            entries,
            span,
            version,
            // Over TCP each end makes its own.
            local_tcf: local_tcf.unwrap_or(transport == T38Transport::Tcp),
            free: free.unwrap_or(false),
            datagram,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(rest: &str) -> Result<T38Params, String> {
        T38Params::parse(&format!("t38:{rest}"), rest).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_of_the_manual_are_read() {
        let line = parsed("local=127.0.0.1:4000&remote=127.0.0.1:5000&ec=redundancy").unwrap();
        assert_eq!((line.correction, line.entries, line.version), (T38Correction::Redundancy, 3, 0));
        assert!(parsed("local=127.0.0.1:4000&transport=tcp").unwrap().local_tcf);
    }

    #[test]
    fn errors_name_the_thing_the_value_and_the_remedy() {
        for (wrong, said) in [
            ("", "line 't38:' is not right; write t38:local=HOST:PORT"),
            ("local=127.0.0.1:1&ec=some", "'ec=some' of a line t38: is not right; write none, redundancy or fec"),
            // Nobody is to believe that it is sealed.
            ("local=127.0.0.1:1&dtls=active", "parameter 'dtls' of a line t38: is not known"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
