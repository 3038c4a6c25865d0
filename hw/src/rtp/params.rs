//! `rtp:` as a URI.

use std::{net::SocketAddr, time::Duration};

use super::codec::Codec;
use crate::{UriError, query::Query};

const KNOWN: &str = "local, remote, codec, pt, events, jitter, patience and rtcp";

/// How much of what came is held back. Enough for 40 ms of jitter and a packet.
const DEPTH_MS: usize = 60;

/// How long nothing may come once something has.
const PATIENCE: Duration = Duration::from_secs(2);

/// The payload type of telephone events that Asterisk and most others use.
const EVENTS: u8 = 101;

const WANTED: &str = "write rtp:local=HOST:PORT&remote=HOST:PORT&codec=pcmu; without remote= the first sender is it";

/// Bare RTP: `rtp:local=HOST:PORT&remote=HOST:PORT&codec=pcmu`.
#[derive(Clone, Debug, PartialEq)]
pub struct RtpParams {
    /// Where we receive and send from.
    pub local: SocketAddr,
    /// Where we send; if not given, where the first packet comes from.
    pub remote: Option<SocketAddr>,
    /// What is sent.
    pub codec: Codec,
    /// Its payload type.
    pub payload_type: u8,
    /// The payload type of telephone events.
    pub event_type: u8,
    /// Samples held back.
    pub depth: usize,
    /// How long nothing may come, once something has, before the line counts as dead.
    pub patience: Duration,
    /// Whether reports are exchanged, at the ports above.
    pub rtcp: bool,
    /// Whether the first packet is waited for: it is the call.
    pub waits_for_call: bool,
}

impl RtpParams {
    /// Reads what follows `rtp:`.
    pub(crate) fn parse(uri: &str, rest: &str) -> Result<Self, UriError> {
        let mut query = Query::new("rtp", KNOWN, rest);
        let wrong = || UriError::BadNetworkLine { line: uri.to_owned(), wanted: WANTED };
        let local = query.address("local")?.ok_or_else(wrong)?;
        let remote = query.address("remote")?;
        let codec = query.choice("codec", &Codec::NAMES, "write pcmu, pcma or l16")?.unwrap_or(Codec::Pcmu);
        let kinds = "write a payload type from 0 to 127";
        let payload_type = query.number("pt", 0..=127, kinds)?.unwrap_or(codec.payload_type());
        let event_type = query.number("events", 0..=127, kinds)?.unwrap_or(EVENTS);
        if event_type == payload_type {
            let value = event_type.to_string();
            return Err(query.bad("events", &value, "events need another payload type than the codec"));
        }
        let depth = query.number("jitter", 20..=400, "write milliseconds from 20 to 400")?.unwrap_or(DEPTH_MS) * 8;
        let patience = query.number("patience", 1..=86_400, "write seconds from 1 to 86400")?;
        let rtcp = query.choice("rtcp", &[("on", true), ("off", false)], "write on or off")?.unwrap_or(true);
        query.finish()?;
        let patience = patience.map_or(PATIENCE, Duration::from_secs);
        let waits_for_call = remote.is_none();
        Ok(Self { local, remote, codec, payload_type, event_type, depth, patience, rtcp, waits_for_call })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(rest: &str) -> Result<RtpParams, String> {
        RtpParams::parse(&format!("rtp:{rest}"), rest).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_of_the_manual_are_read() {
        let line = parsed("local=127.0.0.1:4000&remote=127.0.0.1:5000&codec=l16").unwrap();
        assert_eq!((line.codec, line.payload_type, line.event_type, line.depth), (Codec::L16, 10, 101, 480));
        assert_eq!(parsed("local=127.0.0.1:4000").unwrap().remote, None);
    }

    #[test]
    fn errors_name_the_thing_the_value_and_the_remedy() {
        for (wrong, said) in [
            ("", "line 'rtp:' is not right; write rtp:local=HOST:PORT"),
            ("local=127.0.0.1:4000&codec=g729", "'codec=g729' of a line rtp: is not right; write pcmu, pcma or l16"),
            ("local=127.0.0.1:4000&events=0", "'events=0' of a line rtp: is not right; events need another"),
            ("local=127.0.0.1:4000&vad=on", "parameter 'vad' of a line rtp: is not known"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
