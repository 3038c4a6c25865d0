//! A page as it lies in the store: resolution, width and rows, then the pels as T.6. One in colour or grey has its picture
//! behind them, as it goes on the line: the length of the pels, the pels, JPEG.

use answertone_t30::image::{
    Coding, DecodeLimits, Eols, Page, PageDecoder, ReceivedPicture, Resolution, RowEncoding, encode,
};

/// Form of what follows; another form gets another number.
const FORM: u8 = 1;
const FORM_WITH_PICTURE: u8 = 2;
const HEAD: usize = 10;
/// Octets of the length of the pels.
const LENGTH: usize = 4;

/// T.6 with its end said.
const T6: RowEncoding =
    RowEncoding { coding: Coding::Mmr, k: 1, min_row_bits: 0, eols: Eols::None, return_to_control: true };

/// A page to octets.
pub fn pack(page: &Page) -> Vec<u8> {
    let mut octets = head(FORM, page);
    octets.extend(encode(&page.bitmap, T6));
    octets
}

/// A page and its picture to octets, where it has one.
pub fn pack_with(page: &Page, picture: Option<&ReceivedPicture>) -> Vec<u8> {
    let Some(picture) = picture else { return pack(page) };
    let pels = encode(&page.bitmap, T6);
    let mut octets = head(FORM_WITH_PICTURE, page);
    octets.extend((pels.len() as u32).to_le_bytes());
    octets.extend(pels);
    octets.extend(&picture.jpeg);
    octets
}

fn head(form: u8, page: &Page) -> Vec<u8> {
    let mut octets = vec![form, number_of(page.resolution)];
    octets.extend(page.bitmap.width().to_le_bytes());
    octets.extend(page.bitmap.height().to_le_bytes());
    octets
}

/// Numbers of resolutions are their places among all, which stay as they are.
fn number_of(resolution: Resolution) -> u8 {
    Resolution::ALL.iter().position(|other| *other == resolution).expect("all resolutions are among all") as u8
}

/// Octets to the page; none when they were not made by [`pack`] or [`pack_with`].
pub fn unpack(octets: &[u8]) -> Option<Page> {
    let (head, rest) = octets.split_at_checked(HEAD)?;
    let (width, rows) = (number_at(head, 2)?, number_at(head, 6)?);
    let pels = match head[0] {
        FORM => rest,
        FORM_WITH_PICTURE => parts(rest)?.0,
        _ => return None,
    };
    if width == 0 {
        return None;
    }
    let resolution = *Resolution::ALL.get(usize::from(head[1]))?;
    let mut decoder = PageDecoder::new(width, Coding::Mmr, DecodeLimits { max_rows: rows });
    decoder.push(pels);
    let bitmap = decoder.finish().bitmap;
    (bitmap.height() == rows).then_some(Page { bitmap, resolution })
}

/// Width and rows that octets say their page has, before any of it is made; none when there is a picture behind it.
pub fn size_of(octets: &[u8]) -> Option<(u32, u32)> {
    octets.first().filter(|form| **form == FORM)?;
    Some((number_at(octets, 2)?, number_at(octets, 6)?))
}

/// The picture that lies with a page, if there is one.
pub fn unpack_picture(octets: &[u8]) -> Option<ReceivedPicture> {
    let (head, rest) = octets.split_at_checked(HEAD)?;
    let (_, jpeg) = parts(rest).filter(|_| head[0] == FORM_WITH_PICTURE)?;
    ReceivedPicture::read(jpeg.to_vec())
}

/// Pels and picture.
fn parts(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let pels = number_at(rest, 0)? as usize;
    rest.get(LENGTH..)?.split_at_checked(pels)
}

fn number_at(octets: &[u8], place: usize) -> Option<u32> {
    octets.get(place..place + LENGTH)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::{Bitmap, Grey, PaperWidth, Picture, Raster};

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
    fn a_picture_lies_beside_its_page() {
        let raster = Raster::Grey(Grey::new(1728, (0..1728 * 100).map(|at| (at / 700) as u8).collect()));
        let jpeg = Picture::new(raster, Some((200.0, 200.0)), Resolution::Fine, PaperWidth::A4);
        let picture = ReceivedPicture::read(jpeg.jpeg(Resolution::Fine, PaperWidth::A4, true).to_vec());
        let page = Page { bitmap: Bitmap::white(1728, 100), resolution: Resolution::Fine };
        let packed = pack_with(&page, picture.as_ref());
        assert_eq!((unpack(&packed), unpack_picture(&packed)), (Some(page.clone()), picture));
        assert_eq!(pack_with(&page, None), pack(&page));
        assert_eq!(unpack_picture(&pack(&page)), None);
        for cut in 0..40 {
            assert!(unpack_picture(&packed[..cut]).is_none());
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
