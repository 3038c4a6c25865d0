//! Frames of AudioSocket: a kind, a length in big-endian order, a payload.

use std::io;

use super::rate::Rate;

/// Octets before the payload.
pub(super) const HEADER_OCTETS: usize = 3;

/// The longest payload that is taken: twice 20 ms at 192000 samples per second.
pub(super) const MOST_OCTETS: usize = 16_384;

const HANG_UP: u8 = 0x00;
const CALL_ID: u8 = 0x01;
const DIGIT: u8 = 0x03;
const ERROR: u8 = 0xff;

/// The frame that ends a call.
pub(super) const HANG_UP_FRAME: [u8; HEADER_OCTETS] = [HANG_UP, 0, 0];

/// A frame with its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// The call is over.
    HangUp,
    /// Which call it is.
    CallId(&'a [u8]),
    /// A digit.
    Digit(char),
    /// Samples, 16 bit little endian.
    Audio(Rate, &'a [u8]),
    /// The far side's error, with its code.
    Error(u8),
    /// A kind nobody knows.
    Unknown(u8),
}

impl<'a> Frame<'a> {
    fn new(kind: u8, payload: &'a [u8]) -> Self {
        match kind {
            HANG_UP => Self::HangUp,
            CALL_ID => Self::CallId(payload),
            DIGIT => Self::Digit(payload.first().copied().map_or('?', char::from)),
            ERROR => Self::Error(payload.first().copied().unwrap_or(0)),
            kind => Rate::of_kind(kind).map_or(Self::Unknown(kind), |rate| Self::Audio(rate, payload)),
        }
    }
}

/// Octets of a stream, cut into frames.
pub(super) struct FrameReader {
    octets: Box<[u8]>,
    filled: usize,
    taken: usize,
}

impl FrameReader {
    /// Nothing has come.
    pub(super) fn new() -> Self {
        Self { octets: vec![0; 2 * (HEADER_OCTETS + MOST_OCTETS)].into(), filled: 0, taken: 0 }
    }

    /// Where octets read next belong; empty while whole frames wait.
    pub(super) fn space(&mut self) -> &mut [u8] {
        self.octets.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        &mut self.octets[self.filled..]
    }

    /// So many octets were put there.
    pub(super) fn put(&mut self, octets: usize) {
        self.filled += octets;
    }

    /// The next whole frame.
    pub(super) fn next(&mut self) -> io::Result<Option<Frame<'_>>> {
        let waiting = &self.octets[self.taken..self.filled];
        let [kind, high, low, payload @ ..] = waiting else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length > MOST_OCTETS {
            let what = format!("a frame of {length} octets came; this is not AudioSocket");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        if payload.len() < length {
            return Ok(None);
        }
        let start = self.taken + HEADER_OCTETS;
        let kind = *kind;
        self.taken = start + length;
        Ok(Some(Frame::new(kind, &self.octets[start..start + length])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut FrameReader, octets: &[u8]) -> Vec<String> {
        let mut seen = vec![];
        for octet in octets {
            reader.space()[0] = *octet;
            reader.put(1);
            while let Some(frame) = reader.next().unwrap() {
                seen.push(format!("{frame:?}"));
            }
        }
        seen
    }

    #[test]
    fn frames_are_found_wherever_the_stream_is_cut() {
        let octets = [0x03, 0, 1, b'5', 0x10, 0, 2, 1, 2, 0x42, 0, 0, 0xff, 0, 1, 4, 0, 0, 0];
        let seen = read(&mut FrameReader::new(), &octets);
        assert_eq!(seen, ["Digit('5')", "Audio(Rate(8000), [1, 2])", "Unknown(66)", "Error(4)", "HangUp"]);
    }

    #[test]
    fn what_cannot_be_a_frame_is_refused() {
        let mut reader = FrameReader::new();
        reader.space()[..4].copy_from_slice(b"GET ");
        reader.put(4);
        assert!(reader.next().unwrap_err().to_string().contains("17748"));
    }
}
