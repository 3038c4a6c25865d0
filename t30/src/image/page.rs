//! A page and how it is coded.

use std::sync::Arc;

use super::Bitmap;

/// An image coding of T.30.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Coding {
    /// Modified Huffman: every row by itself, T.4 4.1.
    Mh,
    /// Modified READ: rows by what changed from the row above, every K-th by itself, T.4 4.2.
    Mr,
    /// Modified modified READ: rows by what changed, none by itself, T.6. Only with error correction.
    Mmr,
    /// JBIG in one progression: arithmetic coding of pels, T.85. Only with error correction.
    Jbig,
    /// JPEG of grey or colour pictures, T.81 with T.42. Only with error correction.
    Jpeg,
}

impl Coding {
    /// The name as users write it: `mh`, `mr`, `mmr`, `jbig`, `jpeg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mh => "mh",
            Self::Mr => "mr",
            Self::Mmr => "mmr",
            Self::Jbig => "jbig",
            Self::Jpeg => "jpeg",
        }
    }
}

/// Resolution of a page. There may be more of them.
///
/// What is based on the inch and what is based on the millimetre are equals where T.4 clause 2 has them so, 2 % apart: one is
/// taken for the other where a machine knows only the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Resolution {
    /// R8 x 3.85 lines/mm: 204 x 98 dots per inch; 200 x 100 is taken for it.
    Standard,
    /// R8 x 7.7 lines/mm: 204 x 196 dots per inch.
    Fine,
    /// R8 x 15.4 lines/mm: 204 x 391 dots per inch.
    Superfine,
    /// 300 x 300 dots per inch.
    Dpi300,
    /// R16 x 15.4 lines/mm: 408 x 391 dots per inch.
    Dpi400,
    /// 200 x 200 dots per inch, the inch's [`Resolution::Fine`].
    Inch200,
    /// 200 x 400 dots per inch, the inch's [`Resolution::Superfine`].
    Inch200x400,
    /// 400 x 400 dots per inch, the inch's [`Resolution::Dpi400`].
    Inch400,
    /// 600 x 600 dots per inch.
    Dpi600,
    /// 1200 x 1200 dots per inch.
    Dpi1200,
    /// 300 x 600 dots per inch.
    Dpi300x600,
    /// 400 x 800 dots per inch.
    Dpi400x800,
    /// 600 x 1200 dots per inch.
    Dpi600x1200,
}

/// Facts of a resolution.
struct Facts {
    name: &'static str,
    dots_per_inch: (u32, u32),
    /// T.4 4.2.1.1: at most K-1 rows in succession are coded two-dimensionally.
    k: u32,
    /// The same for machines that take more than 4, T.30 bit 122.
    long_k: u32,
    /// Pels of a row of A4, B4 and A3 paper.
    pels: [u32; 3],
}

/// Pels of a row at 200 or 204 dots per inch, of A4, B4 and A3 paper.
const R8: [u32; 3] = [1728, 2048, 2432];

/// The same at 300, 400, 600 and 1200 dots per inch.
const R300: [u32; 3] = [2592, 3072, 3648];
const R16: [u32; 3] = [3456, 4096, 4864];
const R600: [u32; 3] = [5184, 6144, 7296];
const R1200: [u32; 3] = [10368, 12288, 14592];

const fn facts(name: &'static str, dots_per_inch: (u32, u32), (k, long_k): (u32, u32), pels: [u32; 3]) -> Facts {
    Facts { name, dots_per_inch, k, long_k, pels }
}

/// Paper widths of T.4, 215, 255 and 303 mm of scan line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaperWidth {
    /// ISO A4, North American letter and legal.
    A4,
    /// ISO B4.
    B4,
    /// ISO A3.
    A3,
}

impl PaperWidth {
    /// All widths, narrowest first.
    pub const ALL: [Self; 3] = [Self::A4, Self::B4, Self::A3];
}

impl Resolution {
    /// All resolutions. Their places do not change: stores number them so.
    pub const ALL: [Self; 13] = [
        Self::Standard,
        Self::Fine,
        Self::Superfine,
        Self::Dpi300,
        Self::Dpi400,
        Self::Inch200,
        Self::Inch200x400,
        Self::Inch400,
        Self::Dpi600,
        Self::Dpi1200,
        Self::Dpi300x600,
        Self::Dpi400x800,
        Self::Dpi600x1200,
    ];

    const fn facts(self) -> Facts {
        match self {
            Self::Standard => facts("standard", (204, 98), (2, 2), R8),
            Self::Fine => facts("fine", (204, 196), (4, 4), R8),
            Self::Superfine => facts("superfine", (204, 391), (4, 8), R8),
            Self::Dpi300 => facts("300", (300, 300), (4, 6), R300),
            Self::Dpi400 => facts("400", (408, 391), (4, 8), R16),
            Self::Inch200 => facts("200x200", (200, 200), (4, 4), R8),
            Self::Inch200x400 => facts("200x400", (200, 400), (4, 8), R8),
            Self::Inch400 => facts("400x400", (400, 400), (4, 8), R16),
            Self::Dpi600 => facts("600", (600, 600), (4, 12), R600),
            Self::Dpi1200 => facts("1200", (1200, 1200), (4, 24), R1200),
            Self::Dpi300x600 => facts("300x600", (300, 600), (4, 12), R300),
            Self::Dpi400x800 => facts("400x800", (400, 800), (4, 16), R16),
            Self::Dpi600x1200 => facts("600x1200", (600, 1200), (4, 24), R600),
        }
    }

    /// The name as users write it: `standard`, `fine`, `superfine`, `300`, `400`, `600`, `1200`, `300x600`, `400x800`,
    /// `600x1200`, and `200x200`, `200x400`, `400x400` for those of the inch.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// Pels per inch along a row and rows per inch.
    pub const fn dots_per_inch(self) -> (u32, u32) {
        self.facts().dots_per_inch
    }

    /// The K parameter of MR, T.4 4.2.1.1: of K rows in succession one is coded one-dimensionally.
    pub const fn k(self) -> u32 {
        self.facts().k
    }

    /// K where the receiver takes more than 4: the rows between two coded one-dimensionally stay as far apart on paper.
    pub const fn long_k(self) -> u32 {
        self.facts().long_k
    }

    /// Pels in a row.
    pub const fn pels(self, paper: PaperWidth) -> u32 {
        self.facts().pels[paper as usize]
    }

    /// The equal resolution based on the millimetre, or itself where there is none.
    pub const fn metric(self) -> Self {
        match self {
            Self::Inch200 => Self::Fine,
            Self::Inch200x400 => Self::Superfine,
            Self::Inch400 => Self::Dpi400,
            other => other,
        }
    }

    /// The equal resolution based on the inch, or itself where there is none.
    pub const fn inch(self) -> Self {
        match self {
            Self::Fine => Self::Inch200,
            Self::Superfine => Self::Inch200x400,
            Self::Dpi400 => Self::Inch400,
            other => other,
        }
    }

    /// The paper whose rows have that many pels.
    pub fn paper(self, pels: u32) -> Option<PaperWidth> {
        PaperWidth::ALL.into_iter().find(|paper| self.pels(*paper) == pels)
    }

    /// Whether a page of this resolution loses nothing but detail at the other one: neither rows nor pels are invented.
    pub fn reduces_to(self, other: Self) -> bool {
        let ((across, down), (other_across, other_down)) = (self.dots_per_inch(), other.dots_per_inch());
        // Millimetre and inch are 2 % apart.
        let within = |other: u32, own: u32| other * 100 <= own * 103;
        within(other_across, across) && within(other_down, down)
    }

    /// Standard or fine, which nearly every machine has: the one nearer to that many rows per inch.
    pub fn nearest(rows_per_inch: f32) -> Self {
        let distance = |resolution: &Self| {
            let ratio = rows_per_inch.max(1.0) / resolution.dots_per_inch().1 as f32;
            ratio.max(1.0 / ratio)
        };
        if distance(&Self::Standard) < distance(&Self::Fine) { Self::Standard } else { Self::Fine }
    }
}

/// A page as it goes by fax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The pels.
    pub bitmap: Bitmap,
    /// What their distance is on paper.
    pub resolution: Resolution,
}

impl Page {
    /// The paper the page is as wide as; none when it has a width that T.4 does not know.
    pub fn paper(&self) -> Option<PaperWidth> {
        self.resolution.paper(self.bitmap.width())
    }

    /// The page at that resolution on paper of that width, and itself if it is so already.
    ///
    /// Proportions stay, nothing is cut off, and where rows or pels are fewer, black ones stay black.
    pub fn at(self: Arc<Self>, resolution: Resolution, paper: PaperWidth) -> Arc<Self> {
        let (_, down) = self.resolution.dots_per_inch();
        let (_, new_down) = resolution.dots_per_inch();
        let width = resolution.pels(paper);
        if (resolution, width) == (self.resolution, self.bitmap.width()) {
            return self;
        }
        if (resolution.metric(), width) == (self.resolution.metric(), self.bitmap.width()) {
            return Arc::new(Self { bitmap: self.bitmap.clone(), resolution });
        }
        // 391 rows to the inch are twice 196 and four times 98.
        let factor = (f64::from(down) / f64::from(new_down)).round() as u32;
        if width == self.bitmap.width() && down.abs_diff(new_down * factor) <= factor {
            return Arc::new(Self { bitmap: super::reduce_rows(&self.bitmap, factor), resolution });
        }
        Arc::new(super::fit::page_of(&self, resolution, paper))
    }

    /// The page at standard resolution and its own width.
    pub fn at_standard(self: Arc<Self>) -> Arc<Self> {
        let paper = self.paper().unwrap_or(PaperWidth::A4);
        self.at(Resolution::Standard, paper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_as_wanted_is_not_copied() {
        let page = Arc::new(Page { bitmap: Bitmap::white(2592, 20), resolution: Resolution::Dpi300 });
        assert!(Arc::ptr_eq(&page, &Arc::clone(&page).at(Resolution::Dpi300, PaperWidth::A4)));
        let fine = page.at(Resolution::Fine, PaperWidth::A4);
        assert_eq!((fine.bitmap.width(), fine.bitmap.height(), fine.paper()), (1728, 13, Some(PaperWidth::A4)));
    }

    #[test]
    fn resolutions_in_use_find_their_own() {
        for (rows_per_inch, resolution) in [
            (98.0, Resolution::Standard),
            (100.0, Resolution::Standard),
            (72.0, Resolution::Standard),
            (196.0, Resolution::Fine),
            (200.0, Resolution::Fine),
            (300.0, Resolution::Fine),
            (391.0, Resolution::Fine),
            (0.0, Resolution::Standard),
        ] {
            assert_eq!(Resolution::nearest(rows_per_inch), resolution, "{rows_per_inch}");
        }
    }
}
