//! Pages: what was meant, what arrived, and how often.

use std::collections::{HashMap, HashSet};

use answertone_gateway::{
    render::{RenderOptions, message},
    store::{Store, unpack},
};
use answertone_t30::image::{
    Bitmap, Page, Resolution, header,
    tiff::{FilePage, Profile, TiffDocument, WriteOptions, write},
};
use mail_parser::{MessageParser, MimeHeaders};

/// A page without the header line of its call, as octets.
type Pels = Vec<u8>;

fn body(page: &Page) -> Pels {
    let stride = page.bitmap.stride();
    page.bitmap.octets()[header::rows(page.resolution) as usize * stride..].to_vec()
}

/// What a mail looks like on paper.
pub(crate) fn rendered(mail: &[u8]) -> Vec<Pels> {
    let pages = message(mail, &RenderOptions::default()).unwrap();
    pages.iter().map(|drawn| drawn.page.bitmap.octets().to_vec()).collect()
}

/// The pages in a fax's mail.
pub(crate) fn fax_pages(mail: &str) -> Vec<Pels> {
    let mail = MessageParser::default().parse(mail.as_bytes()).unwrap();
    let tiff = mail.attachments().find(|part| part.is_content_type("image", "tiff")).expect("a TIFF");
    TiffDocument::open(tiff.contents()).unwrap().fax_pages().unwrap().iter().map(body).collect()
}

/// A small TIFF that is right.
pub(crate) fn small_tiff() -> Vec<u8> {
    let mut bitmap = Bitmap::white(1728, 1000);
    (0..1000).for_each(|i| bitmap.set(i, i, true));
    let page = Page { bitmap, resolution: Resolution::Fine };
    let file_page = FilePage::from(&page);
    write(&[file_page], &WriteOptions::plain(Profile::S)).unwrap()
}

/// An uncompressed bilevel TIFF of any shape.
pub(crate) fn crafted_tiff(width: u32, height: u32) -> Vec<u8> {
    let octets = width.div_ceil(8) * height;
    let entries: [(u16, u32); 9] =
        [(256, width), (257, height), (258, 1), (259, 1), (262, 0), (273, 8), (277, 1), (278, height), (279, octets)];
    let directory = (8 + octets).next_multiple_of(2);
    let mut file = b"II*\0".to_vec();
    file.extend(directory.to_le_bytes());
    file.resize(directory as usize, 0);
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        file.extend([tag.to_le_bytes(), 4u16.to_le_bytes()].concat());
        file.extend([1u32.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend([0; 4]);
    file
}

/// Which pages were meant, which came, and which were in doubt when the process died.
#[derive(Default)]
pub(crate) struct Seen {
    meant: HashMap<Pels, (i64, usize)>,
    came: HashMap<(i64, usize), usize>,
    doubted: HashSet<(i64, i64, usize)>,
}

impl Seen {
    pub(crate) fn expect(&mut self, message: i64, pages: Vec<Pels>) {
        for (number, page) in pages.into_iter().enumerate() {
            assert!(self.meant.insert(page, (message, number)).is_none(), "pages must differ");
        }
    }

    /// Pages the on-ramp has on disk though their job does not know them confirmed.
    pub(crate) async fn note_doubts(&mut self, store: &Store) {
        let sending: Vec<_> =
            store.overview(true).await.unwrap().jobs.into_iter().filter(|job| job.state == "sending").collect();
        let mut fax = 1;
        while let Ok(row) = store.fax(fax).await {
            for (image, _) in store.fax_pages(row.id).await.unwrap() {
                let (message, number) = self.meant[&body(&unpack(&image).unwrap())];
                // One job a message, and messages are accepted in their order.
                if sending.iter().any(|job| job.id == message + 1 && number as i64 >= job.next_page) {
                    self.doubted.insert((row.id, message, number));
                }
            }
            fax += 1;
        }
    }

    pub(crate) fn doubts(&self) -> usize {
        self.doubted.len()
    }

    pub(crate) fn arrived(&mut self, pages: &[Pels]) {
        for page in pages {
            *self.came.entry(self.meant[page]).or_default() += 1;
        }
    }

    /// How many pages came more than once; that all came is judged here.
    #[allow(dead_code, reason = "for gateways that are killed beside others")]
    pub(crate) fn repeated(&self) -> usize {
        let came = |page| self.came.get(page).copied().unwrap_or(0);
        assert!(self.meant.values().all(|page| came(page) > 0), "a page is missing: {:?}", self.came);
        self.meant.values().map(|page| came(page) - 1).sum()
    }

    pub(crate) fn judge(&self) {
        for page in self.meant.values() {
            let doubts = self.doubted.iter().filter(|(_, message, number)| (*message, *number) == *page).count();
            let came = self.came.get(page).copied().unwrap_or(0);
            assert_eq!(came, 1 + doubts, "page {page:?} came {came} times, in doubt {doubts} times");
        }
    }
}
