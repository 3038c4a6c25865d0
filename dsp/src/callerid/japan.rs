//! The frame of NTT's number display: V.23 octets of seven bits and even parity, between control codes, with a CRC.
//!
//! ```text
//!  DLE SOH 07 DLE STX  40  length  code length content …  DLE ETX  CRC CRC
//!                      └ service
//! ```
//!
//! A DLE among the octets between is sent twice, and the second is not counted.

use alloc::vec::Vec;

use crate::callerid::message::{Message, MessageKind};

/// Control codes, ISO 646.
const SOH: u8 = 0x01;
const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const DLE: u8 = 0x10;

/// What is between DLE SOH and DLE STX: the kind of frame, a call that arrives.
const HEADER: u8 = 0x07;

/// The service that tells who calls.
const SERVICE: u8 = 0x40;

/// The octets of a message on the line, parity included.
pub(super) fn octets(message: &Message) -> Vec<u8> {
    let mut counted = alloc::vec![HEADER, DLE, STX];
    for octet in [SERVICE, message.body.len() as u8].into_iter().chain(message.body.iter().copied()) {
        counted.extend(core::iter::repeat_n(octet & 0x7f, if octet == DLE { 2 } else { 1 }));
    }
    counted.extend([DLE, ETX]);
    let checked: Vec<u8> = counted.iter().map(|octet| with_parity(*octet)).collect();
    let crc = crc(&checked);
    let mut octets = alloc::vec![with_parity(DLE), with_parity(SOH)];
    octets.extend(checked);
    octets.extend(crc.to_le_bytes());
    octets
}

/// The message in these octets; nothing while they are not all there.
pub(super) fn read(octets: &[u8]) -> Option<Message> {
    let begin = octets.windows(2).position(|pair| pair.iter().map(|octet| octet & 0x7f).eq([DLE, SOH]))? + 2;
    let frame = &octets[begin..];
    let end = end(frame)?;
    let sum = frame.get(end..end + 2)?;
    let counted: Vec<u8> = frame[..end].iter().map(|octet| octet & 0x7f).collect();
    let parity = frame[..end].iter().all(|octet| octet.count_ones().is_multiple_of(2));
    let text = unstuffed(counted.get(3..end - 2)?);
    let (service, length) = (*text.first()?, usize::from(*text.get(1)?));
    let whole = text.len() == length + 2;
    let intact = parity && whole && u16::from_le_bytes([sum[0], sum[1]]) == crc(&frame[..end]);
    let kind = if service == SERVICE { MessageKind::CallSetup } else { MessageKind::Other(service) };
    Some(Message { kind, body: text[2..].to_vec(), intact })
}

/// Where the octet after DLE ETX is: a DLE that is text comes twice.
fn end(frame: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let [first, second] = frame.get(at..at + 2)? {
        match (first & 0x7f, second & 0x7f) {
            (DLE, ETX) => return Some(at + 2),
            (DLE, _) => at += 2,
            _ => at += 1,
        }
    }
    None
}

fn unstuffed(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut octets = text.iter();
    while let Some(octet) = octets.next() {
        plain.push(*octet);
        if *octet == DLE {
            octets.next();
        }
    }
    plain
}

fn with_parity(octet: u8) -> u8 {
    octet | ((octet.count_ones() % 2) as u8) << 7
}

/// The CRC of x^16 + x^12 + x^5 + 1, the first bit on the line first.
fn crc(octets: &[u8]) -> u16 {
    octets.iter().fold(0, |crc, octet| {
        (0..8).fold(crc ^ u16::from(*octet), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written_and_a_wrong_octet_is_noticed() {
        let message = Message::new(MessageKind::CallSetup, alloc::vec![2, 3, b'0', DLE, b'9']);
        let mut octets = octets(&message);
        assert_eq!(read(&octets), Some(message));
        assert_eq!(read(&octets[..octets.len() - 1]), None);
        octets[9] ^= 0x84;
        assert_eq!(read(&octets).map(|message| message.intact), Some(false));
    }
}
