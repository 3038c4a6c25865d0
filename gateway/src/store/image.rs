//! A page as it lies in the store: resolution, width and rows, then the pels as T.6.

use answertone_t30::image::{Coding, DecodeLimits, Eols, Page, PageDecoder, Resolution, RowEncoding, encode};

/// Form of what follows; another form gets another number.
const FORM: u8 = 1;
const HEAD: usize = 10;

/// T.6 with its end said.
const T6: RowEncoding =
    RowEncoding { coding: Coding::Mmr, k: 1, min_row_bits: 0, eols: Eols::None, return_to_control: true };

/// A page to octets.
pub fn pack(page: &Page) -> Vec<u8> {
    let mut octets = vec![FORM, number_of(page.resolution)];
    octets.extend(page.bitmap.width().to_le_bytes());
    octets.extend(page.bitmap.height().to_le_bytes());
    octets.extend(encode(&page.bitmap, T6));
    octets
}

/// Numbers of resolutions are their places among all, which stay as they are.
fn number_of(resolution: Resolution) -> u8 {
    Resolution::ALL.iter().position(|other| *other == resolution).expect("all resolutions are among all") as u8
}

/// Octets to the page; none when they were not made by [`pack`].
pub fn unpack(octets: &[u8]) -> Option<Page> {
    let (head, pels) = octets.split_at_checked(HEAD)?;
    let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("four octets"));
    let (width, rows) = (number(2), number(6));
    if head[0] != FORM || width == 0 {
        return None;
    }
    let resolution = *Resolution::ALL.get(usize::from(head[1]))?;
    let mut decoder = PageDecoder::new(width, Coding::Mmr, DecodeLimits { max_rows: rows });
    decoder.push(pels);
    let bitmap = decoder.finish().bitmap;
    (bitmap.height() == rows).then_some(Page { bitmap, resolution })
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::Bitmap;

    use super::*;

    #[test]
    fn a_page_comes_back_as_it_was() {
        for (rows, resolution) in [(0, Resolution::Fine), (1, Resolution::Standard), (500, Resolution::Fine)] {
            let mut bitmap = Bitmap::white(1728, rows);
            for i in 0..rows * 3 {
                bitmap.set(i * 7919 % 1728, i % rows, true);
            }
            let page = Page { bitmap, resolution };
            assert_eq!(unpack(&pack(&page)).as_ref(), Some(&page));
        }
    }

    #[test]
    fn what_is_no_page_is_none() {
        assert!(unpack(b"").is_none());
        assert!(unpack(&[9; 40]).is_none());
        let cut = pack(&Page { bitmap: Bitmap::white(1728, 100), resolution: Resolution::Fine });
        assert!(unpack(&cut[..12]).is_none());
    }
}
