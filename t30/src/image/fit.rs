//! Fax pages of images that have another width or resolution.
//!
//! The picture keeps its proportions and nothing of it is cut off. One that has the right scale already (within 2.5 %,
//! so that 200 and 204 dots per inch are the same, T.4 clause 2) is not resampled but set in the middle of the page's
//! width. Otherwise the picture is scaled by its resolution, and further down if the page is not wide enough; each new
//! pel is the mean of the area it covers. Bilevel pictures become black where that mean passes a threshold low enough for
//! lines one pel wide to stay; grey ones are dithered by error diffusion.

use super::raster::{Grey, Raster};
use super::{Bitmap, Page, PaperWidth, Resolution};

/// Rows of the longest page made: a picture that would be longer is reduced until it is not.
pub const MAX_ROWS: u32 = 30_000;

/// Scales nearer to one than this are one.
const SAME_SCALE: f64 = 0.025;

/// Widths that are those of fax pages when a picture does not tell its resolution.
const FAX_WIDTHS: [u32; 3] = [1728, 2048, 2432];

/// Rows from which on a picture of fax width and unknown resolution is taken for a fine page: more than 14 inch of
/// standard resolution.
const FINE_FROM_ROWS: u32 = 1400;

/// The picture as a page of A4 width (1728 pels) at the resolution nearest to its own.
///
/// `dots_per_inch` is the picture's resolution, across and down. Without it, or when it is absurd, a picture as wide as
/// a fax page is taken for one, and another is made as wide as the page.
pub fn page(raster: &Raster, dots_per_inch: Option<(f32, f32)>) -> Page {
    let resolution = match known(dots_per_inch) {
        Some((_, down)) => Resolution::nearest(down as f32),
        None if is_fax(raster) && raster.height() < FINE_FROM_ROWS => Resolution::Standard,
        None => Resolution::Fine,
    };
    page_at(raster, dots_per_inch, resolution)
}

/// The picture as a page of A4 width at that resolution.
pub fn page_at(raster: &Raster, dots_per_inch: Option<(f32, f32)>, resolution: Resolution) -> Page {
    page_on(raster, dots_per_inch, resolution, PaperWidth::A4)
}

/// The picture as it is, if it has a resolution that T.4 knows: on the paper of its width, or one finer than 204 x 196 in
/// the middle of the narrowest paper that holds it.
pub fn page_as_is(raster: &Raster, dots_per_inch: Option<(f32, f32)>) -> Option<Page> {
    let (Raster::Bilevel(bitmap), (across, down)) = (raster, known(dots_per_inch)?) else { return None };
    let off = |resolution: &Resolution| {
        let (fax_across, fax_down) = resolution.dots_per_inch();
        (f64::from(fax_across) / across - 1.0).abs().max((f64::from(fax_down) / down - 1.0).abs())
    };
    let nearest = Resolution::ALL.into_iter().min_by(|one, other| off(one).total_cmp(&off(other)));
    let resolution = nearest.filter(|nearest| off(nearest) < SAME_SCALE)?;
    let fine = resolution.dots_per_inch().1 > Resolution::Inch200.dots_per_inch().1;
    let narrowest = PaperWidth::ALL.into_iter().find(|paper| resolution.pels(*paper) >= bitmap.width());
    let paper = resolution.paper(bitmap.width()).or(narrowest.filter(|_| fine))?;
    Some(Page { bitmap: set_in(bitmap, resolution.pels(paper)), resolution })
}

/// The page at another resolution or on other paper. A page wider than the paper is reduced.
pub(super) fn page_of(page: &Page, resolution: Resolution, paper: PaperWidth) -> Page {
    let (across, down) = page.resolution.dots_per_inch();
    let raster = Raster::Bilevel(page.bitmap.clone());
    page_on(&raster, Some((across as f32, down as f32)), resolution, paper)
}

/// The picture as a page at that resolution on paper of that width.
pub fn page_on(raster: &Raster, dots_per_inch: Option<(f32, f32)>, resolution: Resolution, paper: PaperWidth) -> Page {
    let width = resolution.pels(paper);
    let (across, down) = scales(raster, known(dots_per_inch), resolution.dots_per_inch(), width);
    let (wide, high) = size(raster, (across, down), width);
    let picture = match raster {
        Raster::Bilevel(bitmap) if (across, down) == (1.0, 1.0) => set_in(bitmap, width),
        Raster::Bilevel(_) => {
            let threshold = (across.min(down) * 0.5).clamp(0.25, 0.5) - 0.01;
            let bilevel = |ink: &[f32]| threshold_row(ink, (threshold * 255.0) as f32);
            resample_to_bitmap(raster, (wide, high), width, bilevel)
        }
        Raster::Grey(_) | Raster::Colour(_) => dither_to_bitmap(raster, (wide, high), width),
    };
    Page { bitmap: picture, resolution }
}

/// The picture dithered, as wide as a page: one that is wider is reduced in proportion, a narrower one set in the middle.
pub(super) fn dithered(grey: Grey, width: u32) -> Bitmap {
    let raster = Raster::Grey(grey);
    let scale = (f64::from(width) / f64::from(raster.width().max(1))).min(1.0);
    let size = size(&raster, (scale, scale), width);
    dither_to_bitmap(&raster, size, width)
}

/// Pels across and down of the picture on a page of square pels, so many to the inch, `width` of them in a row.
pub(super) fn square_size(raster: &Raster, dots_per_inch: Option<(f32, f32)>, dots: u32, width: u32) -> (u32, u32) {
    size(raster, scales(raster, known(dots_per_inch), (dots, dots), width), width)
}

/// Red, green or blue (part 0, 1 or 2) of the picture on such a page, in the middle of white rows.
pub(super) fn plane(raster: &Raster, part: usize, dots_per_inch: Option<(f32, f32)>, dots: u32, width: u32) -> Vec<u8> {
    let size = square_size(raster, dots_per_inch, dots, width);
    resample_to_light(raster, size, width, |row, ink| raster.ink_of_part(part, row, ink))
}

/// How light the picture is on such a page.
pub(super) fn lightness_plane(raster: &Raster, dots_per_inch: Option<(f32, f32)>, dots: u32, width: u32) -> Vec<u8> {
    let size = square_size(raster, dots_per_inch, dots, width);
    resample_to_light(raster, size, width, |row, ink| raster.ink(row, ink))
}

/// A resolution that a scanner or a program could mean.
fn known(dots_per_inch: Option<(f32, f32)>) -> Option<(f64, f64)> {
    let plausible = 20.0..=10_000.0;
    dots_per_inch
        .filter(|(across, down)| plausible.contains(across) && plausible.contains(down))
        .map(|(across, down)| (f64::from(across), f64::from(down)))
}

fn is_fax(raster: &Raster) -> bool {
    FAX_WIDTHS.contains(&raster.width())
}

/// By how much to enlarge, across and down.
fn scales(raster: &Raster, dots_per_inch: Option<(f64, f64)>, page: (u32, u32), width: u32) -> (f64, f64) {
    let (fax_across, fax_down) = (f64::from(page.0), f64::from(page.1));
    let (mut across, mut down) = match dots_per_inch {
        Some((own_across, own_down)) => (same(fax_across / own_across), same(fax_down / own_down)),
        None if is_fax(raster) => {
            let own = if raster.height() < FINE_FROM_ROWS { Resolution::Standard } else { Resolution::Fine };
            (1.0, fax_down / f64::from(own.dots_per_inch().1))
        }
        None => {
            let across = f64::from(width) / f64::from(raster.width().max(1));
            (across, across * fax_down / fax_across)
        }
    };
    let too_wide = f64::from(raster.width()) * across / f64::from(width);
    let too_high = f64::from(raster.height()) * down / f64::from(MAX_ROWS);
    let too_much = too_wide.max(too_high);
    if too_much > 1.0 {
        across /= too_much;
        down /= too_much;
    }
    (across, down)
}

fn same(scale: f64) -> f64 {
    if (scale - 1.0).abs() < SAME_SCALE { 1.0 } else { scale }
}

/// Pels across and down of the picture at these scales.
fn size(raster: &Raster, (across, down): (f64, f64), width: u32) -> (u32, u32) {
    (scaled(raster.width(), across).min(width), scaled(raster.height(), down).min(MAX_ROWS))
}

fn scaled(count: u32, scale: f64) -> u32 {
    if count == 0 { 0 } else { ((f64::from(count) * scale).round() as u32).max(1) }
}

/// The bitmap in the middle of white rows.
fn set_in(bitmap: &Bitmap, width: u32) -> Bitmap {
    if bitmap.width() == width {
        return bitmap.clone();
    }
    let mut page = Bitmap::new(width);
    let margin = (width - bitmap.width()) / 2;
    for row in 0..bitmap.height() {
        set_row(bitmap.row(row), margin, page.push_white_row());
    }
    page
}

/// Puts a row's pels `margin` pels to the right on a white row.
fn set_row(row: &[u8], margin: u32, out: &mut [u8]) {
    let (first, shift) = (margin as usize / 8, margin % 8);
    for (at, octet) in row.iter().enumerate() {
        let pels = u16::from(*octet) << (8 - shift);
        let [left, right] = pels.to_be_bytes();
        out[first + at] |= left;
        if let Some(next) = out.get_mut(first + at + 1) {
            *next |= right;
        }
    }
}

/// Averages the raster to `wide` x `high` pels, makes them bilevel row by row, and sets them in white rows.
fn resample_to_bitmap(
    raster: &Raster,
    (wide, high): (u32, u32),
    width: u32,
    mut bilevel: impl FnMut(&[f32]) -> Vec<u8>,
) -> Bitmap {
    let mut page = Bitmap::new(width);
    let inks = |row, ink: &mut [u8]| raster.ink(row, ink);
    resample((raster.width(), raster.height()), (wide, high), inks, |ink| {
        set_row(&bilevel(ink), (width - wide) / 2, page.push_white_row());
    });
    page
}

fn dither_to_bitmap(raster: &Raster, (wide, high): (u32, u32), width: u32) -> Bitmap {
    let mut dither = Dither::new(wide);
    resample_to_bitmap(raster, (wide, high), width, |ink| dither.row(ink))
}

/// The same, to light: 255 is white.
fn resample_to_light(
    raster: &Raster,
    (wide, high): (u32, u32),
    width: u32,
    inks: impl FnMut(u32, &mut [u8]),
) -> Vec<u8> {
    let mut light = vec![255; width as usize * high as usize];
    let mut rows = light.chunks_exact_mut(width as usize);
    let margin = ((width - wide) / 2) as usize;
    resample((raster.width(), raster.height()), (wide, high), inks, |ink| {
        let row = rows.next().map_or(&mut [][..], |row| &mut row[margin..]);
        row.iter_mut().zip(ink).for_each(|(light, ink)| *light = !(ink.round() as u8));
    });
    light
}

/// Averages rows of ink to `wide` x `high` pels and gives them out row by row.
fn resample(
    (old_wide, old_high): (u32, u32),
    (wide, high): (u32, u32),
    mut inks: impl FnMut(u32, &mut [u8]),
    mut out: impl FnMut(&[f32]),
) {
    let columns = Spans::new(old_wide, wide);
    let rows = Spans::new(old_high, high);
    let mut ink = vec![0; old_wide as usize];
    let mut sums = vec![0.0f32; old_wide as usize];
    let mut means = vec![0.0f32; wide as usize];
    for (first, shares) in rows.each() {
        sums.fill(0.0);
        for (source, share) in (first..).zip(shares) {
            inks(source, &mut ink);
            sums.iter_mut().zip(&ink).for_each(|(sum, ink)| *sum += f32::from(*ink) * share);
        }
        for (mean, (first, shares)) in means.iter_mut().zip(columns.each()) {
            *mean = sums[first as usize..].iter().zip(shares).map(|(sum, share)| sum * share).sum();
        }
        out(&means);
    }
}

/// Which old places each new one covers.
struct Spans {
    /// The first old place of each new one, and where the shares of the next one begin.
    begins: Vec<(u32, usize)>,
    /// How much of the new place each old one is; those of one new place add up to one.
    shares: Vec<f32>,
}

impl Spans {
    fn new(old: u32, new: u32) -> Self {
        let mut spans = Self { begins: Vec::with_capacity(new as usize), shares: Vec::new() };
        let per_new = f64::from(old) / f64::from(new.max(1));
        for place in 0..new {
            let from = f64::from(place) * per_new;
            let to = (from + per_new).min(f64::from(old));
            let first = (from as u32).min(old - 1);
            let last = (to.ceil() as u32).clamp(first + 1, old);
            spans.shares.extend((first..last).map(|old| {
                let covered = f64::from(old + 1).min(to) - f64::from(old).max(from);
                (covered / per_new) as f32
            }));
            spans.begins.push((first, spans.shares.len()));
        }
        spans
    }

    /// For each new place the first old one and the shares from there on.
    fn each(&self) -> impl Iterator<Item = (u32, &[f32])> {
        let mut begin = 0;
        self.begins.iter().map(move |(first, end)| (*first, &self.shares[std::mem::replace(&mut begin, *end)..*end]))
    }
}

fn threshold_row(ink: &[f32], threshold: f32) -> Vec<u8> {
    pack(ink.iter().map(|ink| *ink >= threshold))
}

fn pack(pels: impl ExactSizeIterator<Item = bool>) -> Vec<u8> {
    let mut row = vec![0; pels.len().div_ceil(8)];
    pels.enumerate().filter(|(_, black)| *black).for_each(|(x, _)| row[x / 8] |= 0x80 >> (x % 8));
    row
}

/// Error diffusion with the weights of Floyd and Steinberg, every other row from the right.
struct Dither {
    /// Errors for this row and the next, one place more on each side.
    here: Vec<f32>,
    below: Vec<f32>,
    from_right: bool,
}

impl Dither {
    fn new(width: u32) -> Self {
        let errors = vec![0.0; width as usize + 2];
        Self { here: errors.clone(), below: errors, from_right: false }
    }

    fn row(&mut self, ink: &[f32]) -> Vec<u8> {
        let mut black = vec![false; ink.len()];
        for step in 0..ink.len() {
            let x = if self.from_right { ink.len() - 1 - step } else { step };
            let wanted = ink[x] + self.here[x + 1];
            black[x] = wanted >= 127.5;
            let error = wanted - if black[x] { 255.0 } else { 0.0 };
            let (ahead, behind) = if self.from_right { (x, x + 2) } else { (x + 2, x) };
            self.here[ahead] += error * (7.0 / 16.0);
            self.below[behind] += error * (3.0 / 16.0);
            self.below[x + 1] += error * (5.0 / 16.0);
            self.below[ahead] += error * (1.0 / 16.0);
        }
        self.from_right = !self.from_right;
        std::mem::swap(&mut self.here, &mut self.below);
        self.below.fill(0.0);
        pack(black.into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::super::raster::Grey;
    use super::*;

    fn bilevel(width: u32, height: u32, black: impl Fn(u32, u32) -> bool) -> Raster {
        let mut bitmap = Bitmap::white(width, height);
        for y in 0..height {
            (0..width).filter(|x| black(*x, y)).for_each(|x| bitmap.set(x, y, true));
        }
        Raster::Bilevel(bitmap)
    }

    #[test]
    fn a_fax_page_stays_as_it_is() {
        let raster = bilevel(1728, 100, |x, y| (x * y) % 7 == 0);
        for (dots, resolution) in [
            (Some((204.0, 196.0)), Resolution::Fine),
            (Some((200.0, 200.0)), Resolution::Fine),
            (Some((204.0, 98.0)), Resolution::Standard),
            (Some((200.0, 100.0)), Resolution::Standard),
            (None, Resolution::Standard),
        ] {
            let page = page(&raster, dots);
            assert_eq!((Raster::Bilevel(page.bitmap), page.resolution), (raster.clone(), resolution));
        }
    }

    #[test]
    fn a_narrower_page_is_set_in_the_middle() {
        let page = page(&bilevel(1700, 50, |x, _| x == 0 || x == 1699), Some((200.0, 200.0))).bitmap;
        assert_eq!((page.width(), page.height(), page.black_pels()), (1728, 50, 100));
        assert!(page.is_black(14, 0) && page.is_black(1713, 49));
    }

    #[test]
    fn a_b4_page_is_reduced_in_proportion_and_its_thin_lines_stay() {
        let lines = bilevel(2048, 1000, |x, y| x % 100 == 0 || y % 100 == 50 || x == 2047);
        let page = page(&lines, Some((204.0, 196.0))).bitmap;
        assert_eq!((page.width(), page.height()), (1728, 844));
        for row in 0..844 {
            let in_row = (0..1728).filter(|x| page.is_black(*x, row)).count();
            assert!(in_row >= 21, "row {row} has {in_row} of 21 lines and the right edge");
            assert!(page.is_black(1727, row));
        }
        for column in [20, 500, 1711] {
            assert!((0..844).filter(|y| page.is_black(column, *y)).count() >= 10);
        }
    }

    #[test]
    fn a_picture_of_300_dots_keeps_its_proportions() {
        let page = page(&bilevel(2550, 3300, |_, _| true), Some((300.0, 300.0)));
        assert_eq!(page.resolution, Resolution::Fine);
        assert_eq!(page.bitmap.width(), 1728);
        let inches = (f64::from(page.bitmap.height()) / 196.0) / (1728.0 / 204.0);
        assert!((inches - 11.0 / 8.5).abs() < 0.002, "{} rows", page.bitmap.height());
        assert_eq!(page.bitmap.black_pels(), u64::from(page.bitmap.height()) * 1728);
    }

    #[test]
    fn fax_pages_of_any_size_are_known() {
        for resolution in Resolution::ALL {
            for paper in PaperWidth::ALL {
                let raster = bilevel(resolution.pels(paper), 9, |x, y| x == y);
                let (across, down) = resolution.dots_per_inch();
                let page = page_as_is(&raster, Some((across as f32, down as f32))).expect("it is a fax page");
                assert_eq!((Raster::Bilevel(page.bitmap), page.resolution), (raster, resolution));
            }
        }
        let raster = bilevel(3456, 9, |_, _| false);
        let as_is = |raster: &Raster, dots| page_as_is(raster, dots).map(|page| (page.resolution, page.bitmap.width()));
        assert_eq!(as_is(&raster, Some((400.0, 400.0))), Some((Resolution::Inch400, 3456)));
        assert_eq!(as_is(&bilevel(4960, 9, |_, _| false), Some((600.0, 600.0))), Some((Resolution::Dpi600, 5184)));
        assert_eq!(as_is(&bilevel(1700, 9, |_, _| false), Some((200.0, 200.0))), None);
        for dots in [None, Some((200.0, 200.0)), Some((150.0, 150.0))] {
            assert_eq!(page_as_is(&raster, dots), None);
        }
    }

    #[test]
    fn grey_keeps_its_mean() {
        for light in [0u8, 32, 100, 127, 200, 255] {
            let page = page(&Raster::Grey(Grey::new(300, vec![light; 300 * 300])), Some((100.0, 100.0))).bitmap;
            let ink = page.black_pels() as f64 / (f64::from(page.height()) * 300.0 * 2.04);
            assert!((ink - (1.0 - f64::from(light) / 255.0)).abs() < 0.01, "light {light} gave {ink}");
        }
    }

    #[test]
    fn absurd_pictures_give_pages() {
        for (width, height) in [(1, 1), (1, 30_000), (10_000, 1), (9, 0)] {
            for dots in [None, Some((0.0, f32::NAN)), Some((20.0, 9999.0)), Some((9999.0, 20.0))] {
                let page = page(&bilevel(width, height, |_, _| true), dots).bitmap;
                assert_eq!(page.width(), 1728);
                assert!(page.height() <= MAX_ROWS && (page.height() > 0) == (height > 0), "{width}x{height} {dots:?}");
            }
        }
    }
}
