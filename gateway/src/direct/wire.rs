//! Pages in a stream.
//!
//! ```text
//!  a page   length, 4 octets, high ones first │ 1 if it is the last, else 0 │ the page as the store has it
//!  answer   'K': it is kept
//! ```

use std::io::{self, Read, Write};

use answertone_t30::image::Page;

use crate::store::{pack, size_of, unpack};

/// The protocol's name in TLS, ALPN.
pub(super) const PROTOCOL: &[u8] = b"answertone-fax/1";

/// Octets of the longest page.
const LONGEST: u32 = 32 << 20;

/// Rows of the longest page, and pels of its longest row: the widest paper at the finest resolution has fewer.
const MOST_ROWS: u32 = 30_000;
const MOST_PELS: u32 = 20_000;

/// Says that a page is kept.
const KEPT: u8 = b'K';

pub(super) fn write_page(to: &mut impl Write, page: &Page, last: bool) -> io::Result<()> {
    let packed = pack(page);
    to.write_all(&(packed.len() as u32).to_be_bytes())?;
    to.write_all(&[u8::from(last)])?;
    to.write_all(&packed)?;
    to.flush()
}

/// The next page, and whether it is the last.
pub(super) fn read_page(from: &mut impl Read) -> io::Result<(Page, bool)> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "what came is no page");
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
    if length > LONGEST {
        return Err(wrong());
    }
    let mut packed = Vec::new();
    from.take(length.into()).read_to_end(&mut packed)?;
    let (pels, rows) = size_of(&packed).filter(|_| packed.len() == length as usize).ok_or_else(wrong)?;
    if pels > MOST_PELS || rows == 0 || rows > MOST_ROWS {
        return Err(wrong());
    }
    Ok((unpack(&packed).ok_or_else(wrong)?, head[4] != 0))
}

pub(super) fn write_kept(to: &mut impl Write) -> io::Result<()> {
    to.write_all(&[KEPT])?;
    to.flush()
}

pub(super) fn read_kept(from: &mut impl Read) -> io::Result<()> {
    let mut answer = [0];
    from.read_exact(&mut answer)?;
    if answer[0] == KEPT { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "no answer to a page")) }
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::{Bitmap, Resolution};

    use super::*;

    fn page(rows: u32) -> Page {
        let mut bitmap = Bitmap::white(1728, rows);
        (0..rows).for_each(|row| bitmap.set(row * 7 % 1728, row, true));
        Page { bitmap, resolution: Resolution::Superfine }
    }

    #[test]
    fn pages_come_as_they_went() {
        let mut stream = Vec::new();
        write_page(&mut stream, &page(300), false).unwrap();
        write_page(&mut stream, &page(1), true).unwrap();
        let mut from = &stream[..];
        assert_eq!(read_page(&mut from).unwrap(), (page(300), false));
        assert_eq!(read_page(&mut from).unwrap(), (page(1), true));
        assert!(read_page(&mut from).is_err());
    }

    #[test]
    fn what_is_cut_or_absurd_is_refused() {
        let mut stream = Vec::new();
        write_page(&mut stream, &page(40), true).unwrap();
        for cut in 0..stream.len() {
            assert!(read_page(&mut &stream[..cut]).is_err(), "{cut}");
        }
        // Rows without end, each a bit; and a length that is not there.
        let mut rows = stream.clone();
        rows[11..15].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(read_page(&mut &rows[..]).is_err());
        stream[0] = 0xff;
        assert!(read_page(&mut &stream[..]).is_err());
    }
}
