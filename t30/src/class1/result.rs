//! Result codes, ITU-T V.250 table 1 and T.31 8.2, in words and in numbers.

/// The end of a command, or news of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ResultCode {
    Ok,
    Connect,
    Ring,
    NoCarrier,
    Error,
    NoDialTone,
    Busy,
    NoAnswer,
    /// Another carrier than the one asked for.
    CarrierError,
}

impl ResultCode {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Connect => "CONNECT",
            Self::Ring => "RING",
            Self::NoCarrier => "NO CARRIER",
            Self::Error => "ERROR",
            Self::NoDialTone => "NO DIALTONE",
            Self::Busy => "BUSY",
            Self::NoAnswer => "NO ANSWER",
            Self::CarrierError => "+FCERROR",
        }
    }

    pub(super) fn number(self) -> &'static str {
        match self {
            Self::Ok => "0",
            Self::Connect => "1",
            Self::Ring => "2",
            Self::NoCarrier => "3",
            Self::Error => "4",
            Self::NoDialTone => "6",
            Self::Busy => "7",
            Self::NoAnswer => "8",
            Self::CarrierError => "+F4",
        }
    }
}
