//! TPKT: packets on a stream of TCP, RFC 1006 6: version 3, reserved, the length of all in two octets, the packet.

use thiserror::Error;

/// The version every header begins with.
const VERSION: u8 = 3;

/// Octets of the header, which the length counts too.
const HEADER: usize = 4;

/// The longest packet.
pub const LONGEST: usize = u16::MAX as usize - HEADER;

/// Octets that wait to be taken at most: whoever feeds more does not take what came.
const MOST_WAITING: usize = 2 * (LONGEST + HEADER);

/// The stream is not one of TPKT, or lost its place; it cannot be found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the stream has no TPKT header where one is due")]
pub struct NoTpkt;

/// A packet with its header. Octets beyond the longest are left out.
pub fn wrapped(packet: &[u8]) -> Vec<u8> {
    let packet = &packet[..packet.len().min(LONGEST)];
    let [high, low] = ((packet.len() + HEADER) as u16).to_be_bytes();
    [&[VERSION, 0, high, low], packet].concat()
}

/// A stream to packets.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    waiting: Vec<u8>,
    /// Octets at the front that were given out.
    given: usize,
}

impl Stream {
    /// Takes in octets of the stream.
    pub fn receive(&mut self, octets: &[u8]) -> Result<(), NoTpkt> {
        self.waiting.drain(..self.given);
        self.given = 0;
        if self.waiting.len() + octets.len() > MOST_WAITING {
            return Err(NoTpkt);
        }
        self.waiting.extend_from_slice(octets);
        Ok(())
    }

    /// The next whole packet. One may be empty.
    pub fn poll(&mut self) -> Result<Option<&[u8]>, NoTpkt> {
        let waiting = &self.waiting[self.given..];
        match waiting {
            [] => return Ok(None),
            [version, ..] if *version != VERSION => return Err(NoTpkt),
            _ => {}
        }
        let Some(&[_, _, high, low]) = waiting.first_chunk::<HEADER>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < HEADER {
            return Err(NoTpkt);
        }
        if waiting.len() < length {
            return Ok(None);
        }
        self.given += length;
        Ok(Some(&self.waiting[self.given - length + HEADER..self.given]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_however_the_stream_is_cut() {
        let stream = [wrapped(&[0x02]), wrapped(&[]), wrapped(&[7; 300])].concat();
        assert_eq!(stream[..5], [3, 0, 0, 5, 2]);
        for cut in 1..stream.len() {
            let (mut reader, mut came) = (Stream::default(), Vec::new());
            for part in stream.chunks(cut) {
                reader.receive(part).expect("there is room");
                while let Some(packet) = reader.poll().expect("all headers are right") {
                    came.push(packet.to_vec());
                }
            }
            assert_eq!(came, [vec![2], vec![], vec![7; 300]]);
        }
    }

    #[test]
    fn another_protocol_is_told_at_once() {
        let mut reader = Stream::default();
        reader.receive(b"GET").expect("there is room");
        assert_eq!(reader.poll(), Err(NoTpkt));
    }
}
