//! TIFF files: read or refused, and never more memory than the file's own limits say.

use answertone_t30::image::{
    Bitmap, Coding, Page, Resolution,
    tiff::{FilePage, MAX_PELS, Profile, TiffDocument, WriteOptions, write},
};

use super::damage::damaged;

/// The most pels a file may claim here: damage that claims more is cut short for time's sake.
const PELS: u64 = 4_000_000;

fn files() -> Vec<Vec<u8>> {
    let mut bitmap = Bitmap::white(1728, 24);
    (0..1728).for_each(|x| bitmap.set(x, x % 24, true));
    let page = Page { bitmap, resolution: Resolution::Fine };
    let profiles = [Profile::S, Profile::F(Coding::Mr), Profile::F(Coding::Mmr), Profile::J];
    let file = |profile| write(&[FilePage::from(&page), FilePage::from(&page)], &WriteOptions::plain(profile));
    let mut files: Vec<Vec<u8>> = profiles.map(|profile| file(profile).expect("a page fits")).into();
    files.push(plain(1));
    files.push(plain(32773));
    files
}

/// A file of grey samples, as they are or packed.
fn plain(compression: u32) -> Vec<u8> {
    let tags =
        [(256, 64), (257, 8), (258, 8), (259, compression), (262, 1), (273, 134), (277, 1), (278, 8), (279, 516)];
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    file.extend((tags.len() as u16).to_le_bytes());
    for (tag, value) in tags {
        file.extend((tag as u16).to_le_bytes());
        file.extend(4u16.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.resize(134, 0);
    file.extend((0..516u32).map(|at| if compression == 1 { at as u8 } else { [127, 1, 2, 3][at as usize % 4] }));
    file
}

#[test]
fn file() {
    let valid = files();
    target!(|input: &[u8]| {
        read(&damaged(input, &valid));
        read(input);
    });
}

fn read(octets: &[u8]) {
    let Ok(document) = TiffDocument::open(octets) else { return };
    let mut pels = 0;
    for index in 0..document.page_count() {
        if let Ok(page) = document.page(index) {
            let size = u64::from(page.raster.width()) * u64::from(page.raster.height());
            assert!(size <= MAX_PELS);
            pels += size;
        }
        if pels > PELS {
            break;
        }
    }
}
