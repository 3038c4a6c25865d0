//! The forms in which a received fax can be mailed, and what each is made of in the words of RFC 2879.

use std::sync::Arc;

use answertone_t30::image::{
    Coding, Page, PaperWidth, Resolution,
    tiff::{self, FilePage, Profile, TiffError, WriteOptions},
};
use mail_builder::{headers::content_type::ContentType, mime::MimePart};

use super::{features::Features, message::KeptPage, negotiation::dots, pdf_of};

/// A form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// TIFF with all there is: profile S where the pages fit it, otherwise F, and C for pages in colour or grey.
    Tiff,
    /// TIFF of profile F: all detail, in black and white.
    Extended,
    /// PDF with all there is.
    Pdf,
    /// TIFF of profile S, which every machine for Internet fax reads: pages are reduced to it.
    Minimal,
}

impl Form {
    /// All forms, those that hold most first.
    pub const BEST_FIRST: [Self; 4] = [Self::Tiff, Self::Extended, Self::Pdf, Self::Minimal];

    /// How its file's name ends.
    pub fn ending(self) -> &'static str {
        if self == Self::Pdf { "pdf" } else { "tif" }
    }

    /// The document.
    ///
    /// # Errors
    /// Pages that fit no file.
    pub fn part<'x>(self, pages: &[KeptPage]) -> Result<MimePart<'x>, TiffError> {
        if self == Self::Pdf {
            let pdf = pdf_of(pages.iter().map(|kept| (&kept.page, kept.picture.as_ref())));
            return Ok(MimePart::new(ContentType::new("application/pdf"), pdf));
        }
        let coloured = self == Self::Tiff && pages.iter().any(|kept| kept.picture.is_some());
        let kind = ContentType::new("image/tiff").attribute("application", if coloured { "faxcolor" } else { "faxbw" });
        Ok(MimePart::new(kind, self.tiff(pages)?))
    }

    fn tiff(self, pages: &[KeptPage]) -> Result<Vec<u8>, TiffError> {
        match self {
            Self::Tiff => pages_as_tiff(pages),
            Self::Minimal => {
                let pages: Vec<_> = pages.iter().map(|kept| minimal(&kept.page)).collect();
                let pages: Vec<_> = pages.iter().map(FilePage::from).collect();
                tiff::write(&pages, &WriteOptions::plain(Profile::S))
            }
            _ => {
                let pages: Vec<_> = pages.iter().map(|kept| FilePage { picture: None, ..file_page(kept) }).collect();
                tiff::write(&pages, &EXTENDED)
            }
        }
    }

    /// Whether it holds more than [`Form::Minimal`], or is for readers of another kind.
    pub fn adds_to_minimal(self, pages: &[KeptPage]) -> bool {
        match self {
            Self::Minimal => false,
            Self::Pdf => true,
            Self::Extended => !pages.iter().all(|kept| is_minimal(&kept.page)),
            Self::Tiff => pages.iter().any(|kept| kept.picture.is_some()),
        }
    }

    /// What it is made of. Its lines are for a field that folds at spaces.
    pub fn features(self, pages: &[KeptPage]) -> String {
        match &self.ways(pages)[..] {
            [way] => way.clone(),
            ways => format!("(| {})", ways.join(" ")),
        }
    }

    /// Whether a receiver takes it, each page of it.
    pub fn fits(self, accepted: &Features, pages: &[KeptPage]) -> bool {
        let ways = self.ways(pages);
        ways.iter().filter_map(|way| Features::parse(way).ok()).all(|way| way.both(accepted).is_possible())
    }

    /// What its pages are made of, each kind of page once.
    fn ways(self, pages: &[KeptPage]) -> Vec<String> {
        let mut ways: Vec<_> = pages.iter().map(|kept| self.page_features(kept, pages)).collect();
        ways.sort_unstable();
        ways.dedup();
        ways
    }

    fn page_features(self, kept: &KeptPage, pages: &[KeptPage]) -> String {
        let minimal_file = self == Self::Minimal || self == Self::Tiff && all_minimal(pages);
        let page = if self == Self::Minimal { &minimal(&kept.page) } else { &kept.page };
        let (across, down) = dots(page.resolution);
        let paper = match page.paper() {
            Some(PaperWidth::B4) => "B4",
            Some(PaperWidth::A3) => "A3",
            _ => "A4",
        };
        let picture = kept.picture.as_ref().filter(|_| matches!(self, Self::Tiff | Self::Pdf));
        let color = picture.map_or("Binary", |picture| if picture.colour { "Full" } else { "Grey" });
        let file = match (self, minimal_file, picture) {
            (Self::Pdf, ..) => "(type=\"application/pdf\")".to_owned(),
            (_, true, _) => file("TIFF-minimal", "(image-coding=MH)"),
            (_, _, None) => file("TIFF-limited", "(image-coding=MMR)"),
            (_, _, Some(_)) => file("TIFF-limited", "(image-coding=JPEG) (image-coding-constraint=JPEG-T4E)"),
        };
        let ratio = if across == down { "1".into() } else { format!("{across}/{down}") };
        format!(
            "(& {file} (color={color}) (dpi={across}) (dpi-xyratio={ratio}) (paper-size={paper}) (ua-media=stationery))"
        )
    }
}

fn file(structure: &str, coding: &str) -> String {
    format!("(type=\"image/tiff\") (image-file-structure={structure}) {coding} (MRC-mode=0)")
}

const EXTENDED: WriteOptions = WriteOptions::plain(Profile::F(Coding::Mmr));

fn file_page(kept: &KeptPage) -> FilePage<'_> {
    FilePage { bad_rows: kept.bad_rows, picture: kept.picture.as_ref(), ..FilePage::from(&kept.page) }
}

/// The minimum set, profile S, where the pages fit it: every receiver must read that. Otherwise profile F, and profile C of
/// pages in colour or grey.
///
/// # Errors
/// Pages that fit no file.
pub fn pages_as_tiff(pages: &[KeptPage]) -> Result<Vec<u8>, TiffError> {
    let file_pages: Vec<_> = pages.iter().map(file_page).collect();
    let options = if all_minimal(pages) { WriteOptions::plain(Profile::S) } else { EXTENDED };
    tiff::write(&file_pages, &options)
}

fn all_minimal(pages: &[KeptPage]) -> bool {
    pages.iter().all(|kept| kept.picture.is_none() && is_minimal(&kept.page))
}

/// Whether a page is within profile S: A4, standard or fine.
fn is_minimal(page: &Page) -> bool {
    page.resolution.metric() <= Resolution::Fine && page.bitmap.width() == Resolution::Fine.pels(PaperWidth::A4)
}

/// The page reduced to profile S, and itself where it is within it.
fn minimal(page: &Page) -> Page {
    let resolution = match page.resolution.metric() {
        within if within <= Resolution::Fine => page.resolution,
        _ => Resolution::Fine,
    };
    Arc::unwrap_or_clone(Arc::new(page.clone()).at(resolution, PaperWidth::A4))
}

#[cfg(test)]
mod tests {
    use answertone_t30::image::{Bitmap, tiff::TiffDocument};

    use super::*;

    fn page(resolution: Resolution, paper: PaperWidth) -> KeptPage {
        let mut bitmap = Bitmap::white(resolution.pels(paper), 400);
        (0..200).for_each(|i| bitmap.set(i * 5, i, true));
        KeptPage { page: Page { bitmap, resolution }, picture: None, bad_rows: 0 }
    }

    #[test]
    fn each_form_is_what_it_says() {
        let finest = [page(Resolution::Dpi400, PaperWidth::B4), page(Resolution::Standard, PaperWidth::A4)];
        for (form, file, dpi) in [(Form::Extended, "tiff-limited", 400.0), (Form::Minimal, "tiff-minimal", 200.0)] {
            let said = Features::parse(&form.features(&finest)).unwrap();
            assert!(said.names("image-file-structure", &[file]) && said.most("dpi") == Some(dpi), "{said:?}");
        }
        let octets = Form::Minimal.tiff(&finest).unwrap();
        let read = TiffDocument::open(&octets).unwrap().fax_pages().unwrap();
        assert!(read.iter().all(is_minimal), "{:?}", read.iter().map(|page| page.resolution).collect::<Vec<_>>());
        assert_eq!(read[1], finest[1].page, "what is within it stays as it is");
        let whole = TiffDocument::open(&Form::Tiff.tiff(&finest).unwrap()).unwrap().page_count();
        assert_eq!(whole, 2);
        assert!(Form::Extended.adds_to_minimal(&finest) && !Form::Tiff.adds_to_minimal(&finest));
        assert!(!Form::Extended.adds_to_minimal(&finest[1..]) && Form::Pdf.adds_to_minimal(&finest[1..]));
    }

    #[test]
    fn superfine_pages_are_not_of_the_minimum_set() {
        let superfine = [page(Resolution::Superfine, PaperWidth::A4)];
        assert!(Form::Tiff.features(&superfine).contains("(image-file-structure=TIFF-limited)"));
        assert!(!is_minimal(&superfine[0].page) && is_minimal(&minimal(&superfine[0].page)));
    }

    #[test]
    fn a_receiver_gets_the_best_form_that_it_takes() {
        let pages = [page(Resolution::Dpi400, PaperWidth::A4)];
        let fits = |accepted: &str| {
            let accepted = Features::parse(accepted).unwrap();
            Form::BEST_FIRST.into_iter().find(|form| form.fits(&accepted, &pages))
        };
        assert_eq!(
            fits("(& (type=\"image/tiff\") (color=Binary) (image-coding=[MH,MMR]) (dpi=[200,400]))"),
            Some(Form::Tiff)
        );
        assert_eq!(fits("(& (type=\"image/tiff\") (image-coding=MH) (dpi=200))"), Some(Form::Minimal));
        assert_eq!(fits("(| (& (type=\"image/tiff\") (dpi=200)) (type=\"application/pdf\"))"), Some(Form::Pdf));
        assert_eq!(fits("(type=\"audio/basic\")"), None);
    }
}
