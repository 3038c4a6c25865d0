//! `t38:` as a URI: packets of T.38 to an address, without signalling. There is no PCM on such a line: this only names it.

use std::{net::SocketAddr, path::PathBuf};

use crate::{UriError, query::Query};

const KNOWN: &str =
    "local, remote, transport, ec, entries, span, version, tcf, pace, datagram, dtls, fingerprint and identity";

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
    /// TPKT within TLS on TCP.
    Tls,
}

/// Which side begins a DTLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    /// We do.
    Active,
    /// The far end does.
    Passive,
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

/// Whether signals last as long as on a telephone line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum T38Pace {
    /// They do.
    Nominal,
    /// Until both ends have said in DIS and DCS that they are Internet aware.
    #[default]
    Agreed,
    /// They do not.
    Free,
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
    /// Whether signals last as long as on a telephone line.
    pub pace: T38Pace,
    /// The longest datagram that the far end takes.
    pub datagram: usize,
    /// UDPTL goes within DTLS (RFC 7345), RTP as SRTP under its keys (RFC 5764), and who begins it.
    pub dtls: Option<DtlsRole>,
    /// The fingerprint that the far end's certificate must have, as in SDP but with a colon for the blank:
    /// `sha-256:AB:CD:...`. Whatever is sealed needs it.
    pub fingerprint: Option<String>,
    /// The file with our certificate and key in PEM; made if it is not there. Without it they are fresh for each call.
    pub identity: Option<PathBuf>,
}

impl T38Params {
    /// Reads what follows `t38:`.
    pub(crate) fn parse(uri: &str, rest: &str) -> Result<Self, UriError> {
        let mut query = Query::new("t38", KNOWN, rest);
        let wrong = || UriError::BadNetworkLine { line: uri.to_owned(), wanted: WANTED };
        let local = query.address("local")?.ok_or_else(wrong)?;
        let remote = query.address("remote")?;
        let transports = [
            ("udptl", T38Transport::Udptl),
            ("rtp", T38Transport::Rtp),
            ("tcp", T38Transport::Tcp),
            ("tls", T38Transport::Tls),
        ];
        let transport = query.choice("transport", &transports, "write udptl, rtp, tcp or tls")?.unwrap_or_default();
        let corrections =
            [("none", T38Correction::None), ("redundancy", T38Correction::Redundancy), ("fec", T38Correction::Fec)];
        let correction = query.choice("ec", &corrections, "write none, redundancy or fec")?.unwrap_or_default();
        let entries = query.number("entries", 1..=15, "write a number from 1 to 15")?.unwrap_or(3);
        let span = query.number("span", 1..=80, "write a number from 1 to 80")?.unwrap_or(3);
        let version = query.number("version", 0..=3, "write a version from 0 to 3")?.unwrap_or(0);
        let methods = [("transferred", false), ("local", true)];
        let local_tcf = query.choice("tcf", &methods, "write transferred or local")?;
        let paces = [("nominal", T38Pace::Nominal), ("agreed", T38Pace::Agreed), ("free", T38Pace::Free)];
        let pace = query.choice("pace", &paces, "write nominal, agreed or free")?;
        let datagram = query.number("datagram", 80..=9000, "write octets from 80 to 9000")?.unwrap_or(1400);
        let roles = [("active", DtlsRole::Active), ("passive", DtlsRole::Passive)];
        let dtls = query.choice("dtls", &roles, "write active or passive")?;
        let fingerprint = query.take("fingerprint").map(str::to_owned);
        let identity = query.take("identity").map(PathBuf::from);
        if dtls.is_some() && !matches!(transport, T38Transport::Udptl | T38Transport::Rtp) {
            return Err(query.bad("dtls", "", "DTLS is for UDPTL and RTP; leave transport= out, or write rtp or tls"));
        }
        let sealed = dtls.is_some() || transport == T38Transport::Tls;
        if sealed && fingerprint.is_none() {
            let wanted = "give the far end's: nothing else says who it is; each end prints its own as it begins";
            return Err(query.bad("fingerprint", "", wanted));
        }
        if !sealed && (fingerprint.is_some() || identity.is_some()) {
            let wanted = "this line would be in clear; write dtls=active, dtls=passive or transport=tls with it";
            return Err(query.bad("fingerprint", "", wanted));
        }
        if dtls == Some(DtlsRole::Active) && remote.is_none() {
            return Err(query.bad("remote", "", "who begins a handshake must know where; write remote=HOST:PORT"));
        }
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
            local_tcf: local_tcf.unwrap_or(matches!(transport, T38Transport::Tcp | T38Transport::Tls)),
            pace: pace.unwrap_or_default(),
            datagram,
            dtls,
            fingerprint,
            identity,
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
            ("local=127.0.0.1:1&dtls=passive", "'fingerprint=' of a line t38: is not right; give the far end's"),
            (
                "local=127.0.0.1:1&fingerprint=x",
                "'fingerprint=' of a line t38: is not right; this line would be in clear",
            ),
            ("local=127.0.0.1:1&dtls=active&fingerprint=x", "who begins a handshake must know where"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
