//! `audiosocket:` as a URI.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{CallId, Rate};
use crate::{Pace, UriError, query::Query};

const KNOWN: &str = "listen, connect, uuid, rate, jitter, pace, patience, spool, channel and calls";

/// How much of what came is held back, so that what comes late still comes in time.
const DEPTH_MS: usize = 80;

/// How long nothing may come. Asterisk sends nothing while its application has nothing to say, for a long page too.
const PATIENCE: Duration = Duration::from_secs(300);

/// An AudioSocket line: `audiosocket:listen=HOST:PORT` or `audiosocket:connect=HOST:PORT`.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioSocketParams {
    /// Which side connects.
    pub side: Side,
    /// The call: the only one taken when listening, the one named when connecting.
    pub call: Option<CallId>,
    /// The rate of what is sent; what is received may have any.
    pub rate: Rate,
    /// Samples held back.
    pub depth: usize,
    /// By the wall clock, or frame for frame.
    pub pace: Pace,
    /// How long nothing may come before the line counts as dead.
    pub patience: Duration,
    /// How Asterisk is asked to call.
    pub originate: Option<Originate>,
    /// Outgoing calls at once.
    pub calls: usize,
}

/// Which side of a connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Asterisk connects to us there.
    Listen(SocketAddr),
    /// We connect to somebody who listens there, as Asterisk would.
    Connect(SocketAddr),
}

/// Asterisk calls what a file in its spool folder says, and connects the call to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Originate {
    /// Asterisk's folder of calls to be made, usually `/var/spool/asterisk/outgoing`.
    pub spool: PathBuf,
    /// The channel to call, with `{number}` in it, as `PJSIP/{number}@trunk`.
    pub channel: String,
}

impl AudioSocketParams {
    /// Reads what follows `audiosocket:`.
    pub(crate) fn parse(uri: &str, rest: &str) -> Result<Self, UriError> {
        let mut query = Query::new("audiosocket", KNOWN, rest);
        let side = match (query.address("listen")?, query.address("connect")?) {
            (Some(here), None) => Side::Listen(here),
            (None, Some(there)) => Side::Connect(there),
            _ => return Err(UriError::BadNetworkLine { line: uri.to_owned(), wanted: WANTED }),
        };
        let rates = "write 8000, 12000, 16000, 24000, 32000, 44100, 48000, 96000 or 192000";
        let rate = query
            .take("rate")
            .map(|value| value.parse().ok().and_then(Rate::new).ok_or_else(|| query.bad("rate", value, rates)));
        let rate = rate.transpose()?.unwrap_or(Rate::TELEPHONE);
        let call = query.take("uuid").map(|value| {
            let wanted = "write a UUID, as 40325ec2-5efd-4bd3-805f-53576e581d13";
            value.parse().map_err(|_| query.bad("uuid", value, wanted))
        });
        let call = call.transpose()?;
        let depth = query.number("jitter", 20..=500, "write milliseconds from 20 to 500")?.unwrap_or(DEPTH_MS) * 8;
        let paces = [("real", Pace::RealTime), ("free", Pace::Unpaced)];
        let pace = query.choice("pace", &paces, "write real for the wall clock or free")?.unwrap_or(Pace::RealTime);
        let patience = query.number("patience", 1..=86_400, "write seconds from 1 to 86400")?;
        let originate = originate(&mut query, side)?;
        let calls = query.number("calls", 1..=500, "write how many calls may go out at once, 1 to 500")?.unwrap_or(1);
        if pace == Pace::Unpaced && rate != Rate::TELEPHONE {
            return Err(query.bad("pace", "free", "at another rate than 8000 only pace=real is offered"));
        }
        query.finish()?;
        let patience = patience.map_or(PATIENCE, Duration::from_secs);
        Ok(Self { side, call, rate, depth, pace, patience, originate, calls })
    }
}

const WANTED: &str = "write audiosocket:listen=HOST:PORT for Asterisk to connect to, or audiosocket:connect=HOST:PORT";

fn originate(query: &mut Query<'_>, side: Side) -> Result<Option<Originate>, UriError> {
    match (query.take("spool"), query.take("channel")) {
        (None, None) => Ok(None),
        (Some(spool), Some(channel)) if channel.contains("{number}") && matches!(side, Side::Listen(_)) => {
            Ok(Some(Originate { spool: spool.into(), channel: channel.to_owned() }))
        }
        (spool, channel) => {
            let wanted = "for outgoing calls write listen=HOST:PORT, spool=/var/spool/asterisk/outgoing and \
                          channel=PJSIP/{number}@TRUNK together";
            let (name, value) = channel.map_or(("spool", spool.unwrap_or_default()), |value| ("channel", value));
            Err(query.bad(name, value, wanted))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(rest: &str) -> Result<AudioSocketParams, String> {
        AudioSocketParams::parse(&format!("audiosocket:{rest}"), rest).map_err(|error| error.to_string())
    }

    #[test]
    fn both_sides_are_read() {
        let line = parsed("listen=127.0.0.1:9092").unwrap();
        assert_eq!(line.side, Side::Listen("127.0.0.1:9092".parse().unwrap()));
        assert_eq!((line.rate, line.depth, line.pace, line.call), (Rate::TELEPHONE, 640, Pace::RealTime, None));
        let line = parsed("connect=127.0.0.1:9092&rate=16000&jitter=40&uuid=0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!((line.rate, line.depth), (Rate::new(16_000).unwrap(), 320));
        assert_eq!(line.call.unwrap().to_string(), "01234567-89ab-cdef-0123-456789abcdef");
        let line = parsed("listen=127.0.0.1:9092&spool=/tmp/out&channel=PJSIP/{number}@trunk").unwrap();
        assert_eq!(line.originate.unwrap().channel, "PJSIP/{number}@trunk");
    }

    #[test]
    fn errors_name_the_thing_the_value_and_the_remedy() {
        for (wrong, said) in [
            ("", "line 'audiosocket:' is not right; write audiosocket:listen=HOST:PORT"),
            ("listen=here", "'listen=here' of a line audiosocket: is not right; write an address and a port"),
            ("listen=127.0.0.1:1&rate=11025", "'rate=11025' of a line audiosocket: is not right; write 8000, 12000"),
            ("listen=127.0.0.1:1&uuid=7", "'uuid=7' of a line audiosocket: is not right; write a UUID"),
            ("listen=127.0.0.1:1&jitter=5", "write milliseconds from 20 to 500"),
            ("listen=127.0.0.1:1&spool=/tmp", "write listen=HOST:PORT, spool="),
            ("listen=127.0.0.1:1&colour=red", "parameter 'colour' of a line audiosocket: is not known"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
