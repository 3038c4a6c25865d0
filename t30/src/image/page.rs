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
/// Those based on the inch (200 x 200, 200 x 400, 400 x 400) are taken for the nearest based on the millimetre: T.4 clause
/// 2 has them as equals, 2 % apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Resolution {
    /// R8 x 3.85 lines/mm: 204 x 98 dots per inch.
    Standard,
    /// R8 x 7.7 lines/mm: 204 x 196 dots per inch.
    Fine,
    /// R8 x 15.4 lines/mm: 204 x 391 dots per inch.
    Superfine,
    /// 300 x 300 dots per inch.
    Dpi300,
    /// R16 x 15.4 lines/mm: 408 x 391 dots per inch.
    Dpi400,
}

/// Facts of a resolution.
struct Facts {
    name: &'static str,
    dots_per_inch: (u32, u32),
    /// T.4 4.2.1.1: at most K-1 rows in succession are coded two-dimensionally.
    k: u32,
    /// Pels of a row of A4, B4 and A3 paper.
    pels: [u32; 3],
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
    /// All resolutions, coarse to fine.
    pub const ALL: [Self; 5] = [Self::Standard, Self::Fine, Self::Superfine, Self::Dpi300, Self::Dpi400];

    const fn facts(self) -> Facts {
        const R8: [u32; 3] = [1728, 2048, 2432];
        match self {
            Self::Standard => Facts { name: "standard", dots_per_inch: (204, 98), k: 2, pels: R8 },
            Self::Fine => Facts { name: "fine", dots_per_inch: (204, 196), k: 4, pels: R8 },
            Self::Superfine => Facts { name: "superfine", dots_per_inch: (204, 391), k: 4, pels: R8 },
            Self::Dpi300 => Facts { name: "300", dots_per_inch: (300, 300), k: 4, pels: [2592, 3072, 3648] },
            Self::Dpi400 => Facts { name: "400", dots_per_inch: (408, 391), k: 4, pels: [3456, 4096, 4864] },
        }
    }

    /// The name as users write it: `standard`, `fine`, `superfine`, `300`, `400`.
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

    /// Pels in a row.
    pub const fn pels(self, paper: PaperWidth) -> u32 {
        self.facts().pels[paper as usize]
    }

    /// The paper whose rows have that many pels.
    pub fn paper(self, pels: u32) -> Option<PaperWidth> {
        PaperWidth::ALL.into_iter().find(|paper| self.pels(*paper) == pels)
    }

    /// Whether a page of this resolution loses nothing but detail at the other one: neither rows nor pels are invented.
    pub fn reduces_to(self, other: Self) -> bool {
        let ((across, down), (other_across, other_down)) = (self.dots_per_inch(), other.dots_per_inch());
        other_across <= across && other_down <= down
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
