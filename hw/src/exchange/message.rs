//! What goes over the socket: a letter, two octets of length, least significant first, and the content.

use std::io::{self, Read, Write};

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block, SILENCE};

/// Octets of a number or a name at most.
const MOST_TEXT: usize = 64;

/// A message to the exchange or from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// A program has this number.
    Join(String),
    /// The exchange took the number.
    Joined,
    /// The exchange did not take it.
    Refused,
    /// Call this number.
    Dial(String),
    /// The other end rings.
    Ringing,
    /// It is busy.
    Busy,
    /// There is no such number.
    NoSuchNumber,
    /// A call comes from this number.
    Ring(String),
    /// Take the call.
    Answer,
    /// The call is through.
    Connected,
    /// Samples.
    Audio(Block),
    /// The call is over; to the exchange: go on hook.
    HungUp,
    /// Be busy to callers, or not any more.
    BeBusy(bool),
}

impl Message {
    fn letter(&self) -> u8 {
        match self {
            Self::Join(_) => b'J',
            Self::Joined => b'j',
            Self::Refused => b'x',
            Self::Dial(_) => b'D',
            Self::Ringing => b'r',
            Self::Busy => b'b',
            Self::NoSuchNumber => b'n',
            Self::Ring(_) => b'R',
            Self::Answer => b'A',
            Self::Connected => b'c',
            Self::Audio(_) => b'a',
            Self::HungUp => b'H',
            Self::BeBusy(_) => b'B',
        }
    }

    /// Writes the message in one piece.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut octets = vec![self.letter(), 0, 0];
        match self {
            Self::Join(text) | Self::Dial(text) | Self::Ring(text) => octets.extend(text.bytes().take(MOST_TEXT)),
            Self::Audio(block) => octets.extend(block.iter().flat_map(|sample| sample.to_le_bytes())),
            Self::BeBusy(busy) => octets.push(u8::from(*busy)),
            _ => {}
        }
        let length = (octets.len() - 3) as u16;
        octets[1..3].copy_from_slice(&length.to_le_bytes());
        to.write_all(&octets)
    }

    /// Reads the next message; one that is not known is an error.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; 3];
        from.read_exact(&mut head)?;
        let length = usize::from(u16::from_le_bytes([head[1], head[2]]));
        let mut content = [0; 2 * BLOCK_SAMPLES];
        let content = content.get_mut(..length).ok_or(io::ErrorKind::InvalidData)?;
        from.read_exact(content)?;
        let text = || String::from_utf8_lossy(content).into_owned();
        Ok(match head[0] {
            b'J' => Self::Join(text()),
            b'j' => Self::Joined,
            b'x' => Self::Refused,
            b'D' => Self::Dial(text()),
            b'r' => Self::Ringing,
            b'b' => Self::Busy,
            b'n' => Self::NoSuchNumber,
            b'R' => Self::Ring(text()),
            b'A' => Self::Answer,
            b'c' => Self::Connected,
            b'a' => Self::Audio(block(content)),
            b'H' => Self::HungUp,
            b'B' => Self::BeBusy(content.first() == Some(&1)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        })
    }
}

fn block(octets: &[u8]) -> Block {
    let mut block = SILENCE;
    for (sample, pair) in block.iter_mut().zip(octets.chunks_exact(2)) {
        *sample = i16::from_le_bytes([pair[0], pair[1]]);
    }
    block
}
