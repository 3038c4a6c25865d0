//! TPKT: packets on a stream of TCP, RFC 1006 6: version 3, reserved, the length of all in two octets, the packet.
//!
//! Older ends send packets one after the other without it. No packet begins with a three, so the first octet of a stream tells;
//! where packets end is told by themselves then.

use thiserror::Error;

use super::ifp::{Ifp, NoIfp, Syntax};

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
#[error("the stream has neither a TPKT header nor a packet where one is due")]
pub struct NoTpkt;

/// A packet with its header. Octets beyond the longest are left out.
pub fn wrapped(packet: &[u8]) -> Vec<u8> {
    let packet = &packet[..packet.len().min(LONGEST)];
    let [high, low] = ((packet.len() + HEADER) as u16).to_be_bytes();
    [&[VERSION, 0, high, low], packet].concat()
}

/// A stream to packets.
#[derive(Clone, Debug)]
pub struct Stream {
    syntax: Syntax,
    /// Whether packets come without headers, once it is known.
    bare: Option<bool>,
    waiting: Vec<u8>,
    /// Octets at the front that were given out.
    given: usize,
}

impl Stream {
    /// A stream before its first octet, of packets in that syntax.
    pub fn new(syntax: Syntax) -> Self {
        Self { syntax, bare: None, waiting: Vec::new(), given: 0 }
    }

    /// A packet as the far end expects it: without a header if it sends none, by what came so far.
    pub fn wrap(&self, packet: &[u8]) -> Vec<u8> {
        if self.bare == Some(true) { packet.to_vec() } else { wrapped(packet) }
    }

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
        let Some(&first) = waiting.first() else { return Ok(None) };
        if *self.bare.get_or_insert(first != VERSION) {
            return self.poll_bare();
        }
        if first != VERSION {
            return Err(NoTpkt);
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

    fn poll_bare(&mut self) -> Result<Option<&[u8]>, NoTpkt> {
        match Ifp::length(&self.waiting[self.given..], self.syntax) {
            Err(NoIfp::Short) => Ok(None),
            Err(_) => Err(NoTpkt),
            Ok(length) => {
                self.given += length;
                Ok(Some(&self.waiting[self.given - length..self.given]))
            }
        }
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
            let (mut reader, mut came) = (Stream::new(Syntax::Y1998), Vec::new());
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
    fn packets_without_headers_come_out_and_are_answered_so() {
        use crate::t38::ifp::{DataType, Field, FieldType, Indicator};
        let fields = [Field { kind: FieldType::Hdlc, octets: &[0xff; 200] }, Field::mark(FieldType::FcsOkSigEnd)];
        let packets = [
            Ifp::Indicator(Indicator::V21Preamble),
            Ifp::Data(DataType::V21, fields.to_vec()),
            Ifp::Indicator(Indicator::V8Ansam),
            Ifp::Data(DataType::V21, vec![Field::mark(FieldType::HdlcSigEnd)]),
            Ifp::Indicator(Indicator::NoSignal),
        ];
        for syntax in [Syntax::Y1998, Syntax::Y2002] {
            let packets = packets.each_ref().map(|packet| packet.to_octets(syntax));
            for cut in 1..packets.concat().len() {
                let (mut reader, mut came) = (Stream::new(syntax), Vec::new());
                assert_eq!(reader.wrap(&[0]), wrapped(&[0]));
                for part in packets.concat().chunks(cut) {
                    reader.receive(part).expect("there is room");
                    while let Some(packet) = reader.poll().expect("all packets are right") {
                        came.push(packet.to_vec());
                    }
                }
                assert_eq!(came, packets);
                assert_eq!(reader.wrap(&[0]), [0]);
            }
        }
    }

    #[test]
    fn another_protocol_is_told_at_once() {
        let mut reader = Stream::new(Syntax::Y1998);
        reader.receive(b"GET").expect("there is room");
        assert_eq!(reader.poll(), Err(NoTpkt));
    }
}
