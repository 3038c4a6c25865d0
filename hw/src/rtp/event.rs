//! Telephone events beside the audio, RFC 4733.

/// Digits by their event codes, RFC 4733 3.2; the flash of a hook is `!`.
const DIGITS: &[u8; 17] = b"0123456789*#ABCD!";

/// A packet of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// The digit, if it is one.
    pub(super) digit: Option<char>,
    /// Its length so far, in samples.
    pub(super) samples: u16,
}

/// The code of a digit.
pub(super) fn code(digit: char) -> Option<u8> {
    DIGITS.iter().position(|known| char::from(*known) == digit.to_ascii_uppercase()).map(|code| code as u8)
}

impl Event {
    /// Reads a payload of four octets: event, end and volume, duration.
    pub(super) fn parse(payload: &[u8]) -> Option<Self> {
        let [event, _, high, low] = *payload.first_chunk::<4>()?;
        let digit = DIGITS.get(usize::from(event)).copied().map(char::from);
        Some(Self { digit, samples: u16::from_be_bytes([high, low]) })
    }
}
