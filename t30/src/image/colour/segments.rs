//! The marker segments of a JPEG datastream, T.81 Annex B: read as far as fax needs them, and the G3FAX segments of T.4 Annex E.

use super::lab::Gamut;

/// Markers of T.81 table B.1.
mod marker {
    pub(super) const SOF0: u8 = 0xC0;
    pub(super) const SOF1: u8 = 0xC1;
    pub(super) const DHT: u8 = 0xC4;
    pub(super) const RST0: u8 = 0xD0;
    pub(super) const SOI: u8 = 0xD8;
    pub(super) const EOI: u8 = 0xD9;
    pub(super) const SOS: u8 = 0xDA;
    pub(super) const DQT: u8 = 0xDB;
    pub(super) const DNL: u8 = 0xDC;
    pub(super) const DRI: u8 = 0xDD;
    pub(super) const APP0: u8 = 0xE0;
    pub(super) const APP1: u8 = 0xE1;
    pub(super) const APP15: u8 = 0xEF;
    pub(super) const COM: u8 = 0xFE;
}

/// What a G3FAX segment begins with.
const G3FAX: &[u8; 5] = b"G3FAX";

/// Year of the version in segment G3FAX0: 1994.
const VERSION: [u8; 2] = [0x07, 0xCA];

/// A datastream that was read.
#[derive(Debug)]
pub(super) struct Datastream {
    /// What a plain decoder needs of it: tables, frame with its true height, scan; nothing else.
    pub(super) plain: Vec<u8>,
    /// Pels in a row.
    pub(super) width: u32,
    /// Rows.
    pub(super) rows: u32,
    /// L*, a* and b*, not L* only.
    pub(super) colour: bool,
    /// Pels across and down that share an a* and a b*.
    pub(super) subsampling: [u8; 2],
    /// How octets stand for colours.
    pub(super) gamut: Gamut,
    /// Pels to the inch, by segment G3FAX0.
    pub(super) dots_per_inch: Option<u16>,
    /// Octets up to the end of the image.
    pub(super) octets: usize,
    /// The end was said.
    pub(super) ended: bool,
}

/// A frame header, T.81 B.2.2.
struct Frame {
    /// Where its two octets of height are in the plain datastream.
    rows_at: usize,
    rows: u32,
    width: u32,
    colour: bool,
    subsampling: [u8; 2],
}

/// The segment that makes a datastream a fax, after SOI.
pub(super) fn g3fax(dots_per_inch: u16) -> Vec<u8> {
    let [high, low] = dots_per_inch.to_be_bytes();
    let mut segment = vec![0xFF, marker::APP1, 0, 12];
    segment.extend(G3FAX);
    segment.extend([0, VERSION[0], VERSION[1], high, low]);
    segment
}

/// Makes an encoder's datastream a fax: application segments go, G3FAX0 comes.
pub(super) fn as_fax(octets: &[u8], dots_per_inch: u16) -> Vec<u8> {
    let mut fax = vec![0xFF, marker::SOI];
    fax.extend(g3fax(dots_per_inch));
    let mut segments = Segments::of(octets);
    while let Some((code, whole, _)) = segments.next() {
        if !matches!(code, marker::APP0..=marker::APP15 | marker::COM) {
            fax.extend(whole);
        }
        if code == marker::SOS {
            fax.extend(&octets[segments.at..]);
            break;
        }
    }
    fax
}

/// Reads a datastream; none when it has no frame or scan that a fax may have.
pub(super) fn read(octets: &[u8]) -> Option<Datastream> {
    let mut plain = vec![0xFF, marker::SOI];
    let (mut frame, mut gamut, mut dots_per_inch) = (None, Gamut::default(), None);
    let mut segments = Segments::of(octets);
    loop {
        let (code, whole, field) = segments.next()?;
        match code {
            marker::SOF0 | marker::SOF1 => frame = Some(Frame::read(plain.len(), field)?),
            marker::APP1 => {
                dots_per_inch = resolution(field).or(dots_per_inch);
                gamut = custom_gamut(field).unwrap_or(gamut);
            }
            _ => {}
        }
        if matches!(code, marker::SOF0 | marker::SOF1 | marker::DHT | marker::DQT | marker::DRI | marker::SOS) {
            plain.extend(whole);
        }
        if code == marker::SOS {
            break;
        }
    }
    let frame = frame?;
    let scan = Scan::find(&octets[segments.at..]);
    let rows = scan.rows.filter(|_| frame.rows == 0).unwrap_or(frame.rows);
    plain[frame.rows_at..][..2].copy_from_slice(&(rows as u16).to_be_bytes());
    plain.extend(&octets[segments.at..segments.at + scan.octets]);
    plain.extend([0xFF, marker::EOI]);
    let octets = segments.at + scan.octets_with_end;
    let Frame { width, colour, subsampling, .. } = frame;
    Some(Datastream { plain, width, rows, colour, subsampling, gamut, dots_per_inch, octets, ended: scan.ended })
}

/// Segments one after the other from SOI on: marker, the whole segment, its field.
struct Segments<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Segments<'a> {
    fn of(octets: &'a [u8]) -> Self {
        Self { octets, at: 2 }
    }

    fn next(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        if !self.octets.starts_with(&[0xFF, marker::SOI]) {
            return None;
        }
        let rest = self.octets.get(self.at..)?;
        // Any number of fill octets may precede a marker.
        let fill = rest.iter().take_while(|octet| **octet == 0xFF).count();
        let code = *rest.get(fill)?;
        let &[high, low] = rest.get(fill + 1..fill + 3)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let end = fill + 1 + length;
        if fill == 0 || length < 2 || end > rest.len() {
            return None;
        }
        self.at += end;
        Some((code, &rest[fill - 1..end], &rest[fill + 3..end]))
    }
}

impl Frame {
    /// Eight bits a sample; L* alone, or three components.
    fn read(at: usize, field: &[u8]) -> Option<Self> {
        let &[8, high, low, left, right, components @ (1 | 3), ..] = field else { return None };
        let whole = field.len() == 6 + 3 * usize::from(components);
        let width = u32::from(u16::from_be_bytes([left, right]));
        let rows = u32::from(u16::from_be_bytes([high, low]));
        // L* has all samples; a* and b* one for so many of them.
        let subsampling = field.get(7).map_or([1, 1], |factors| [factors >> 4, factors & 0xF]);
        (whole && width > 0).then_some(Self { rows_at: at + 5, rows, width, colour: components == 3, subsampling })
    }
}

/// The entropy-coded octets of a scan and what ends them.
struct Scan {
    octets: usize,
    octets_with_end: usize,
    rows: Option<u32>,
    ended: bool,
}

impl Scan {
    fn find(octets: &[u8]) -> Self {
        let mut at = 0;
        while let Some(found) = octets[at..].windows(2).position(is_marker) {
            let begin = at + found;
            match octets[begin + 1] {
                marker::DNL => {
                    let rows =
                        octets.get(begin + 4..begin + 6).map(|rows| u32::from(u16::from_be_bytes([rows[0], rows[1]])));
                    let ended = octets.get(begin + 6..begin + 8) == Some(&[0xFF, marker::EOI]);
                    let octets_with_end = (begin + if ended { 8 } else { 6 }).min(octets.len());
                    return Self { octets: begin, octets_with_end, rows, ended };
                }
                marker::EOI => return Self { octets: begin, octets_with_end: begin + 2, rows: None, ended: true },
                // Something a sequential scan has no use for.
                _ => at = begin + 2,
            }
        }
        Self { octets: octets.len(), octets_with_end: octets.len(), rows: None, ended: false }
    }
}

/// Neither a stuffed octet, nor fill, nor a restart.
fn is_marker(pair: &[u8]) -> bool {
    pair[0] == 0xFF && !matches!(pair[1], 0 | 0xFF) && pair[1] & 0xF8 != marker::RST0
}

/// Segment G3FAX0: version and resolution.
fn resolution(field: &[u8]) -> Option<u16> {
    let &[0, _, _, high, low] = field.strip_prefix(G3FAX)? else { return None };
    Some(u16::from_be_bytes([high, low]))
}

/// Segment G3FAX1: offset and range of L*, a* and b*.
fn custom_gamut(field: &[u8]) -> Option<Gamut> {
    let numbers = field.strip_prefix(G3FAX)?.strip_prefix(&[1])?;
    let number = |at: usize| f32::from(i16::from_be_bytes([numbers[at], numbers[at + 1]]));
    (numbers.len() == 12).then(|| Gamut([0, 4, 8].map(|at| (number(at), number(at + 2)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_of_g3fax_are_read() {
        assert_eq!(resolution(&g3fax(300)[4..]), Some(300));
        let field = [b"G3FAX\x01".as_slice(), &[0, 0, 0, 100, 0, 128, 0, 170, 0, 96, 0, 200]].concat();
        assert_eq!(custom_gamut(&field), Some(Gamut::default()));
        assert_eq!(custom_gamut(&field[..10]), None);
    }

    #[test]
    fn what_is_no_datastream_is_none() {
        for octets in [&b""[..], b"\xFF\xD8", b"\xFF\xD8\xFF\xC0\0\x02", b"\xFF\xD8\xFF\xDA\0\x02", &[0xFF; 40]] {
            assert!(read(octets).is_none(), "{octets:?}");
        }
    }
}
