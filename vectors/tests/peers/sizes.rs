//! Every paper width and resolution.

use std::fs;

use answertone_t30::image::{Bitmap, Page, PaperWidth, Resolution, tiff::FilePage};

use super::bench::{bench, on_two_threads, write_tiff};

/// A page of that resolution and paper with lines, dots and letters of all sizes.
fn drawn(resolution: Resolution, paper: PaperWidth) -> Page {
    let mut bitmap = Bitmap::white(resolution.pels(paper), resolution.dots_per_inch().1 * 2);
    let (width, height) = (bitmap.width(), bitmap.height());
    for y in 0..height {
        let black = |x: &u32| {
            let letters = (x / 9 + y / 11).is_multiple_of(13) && (x / 200 + y / 100).is_multiple_of(2);
            letters || x.is_multiple_of(300) || (y % 150 < 3 && x % 7 < 5)
        };
        (0..width).filter(black).for_each(|x| bitmap.set(x, y, true));
    }
    bitmap.set(width - 1, height - 1, true);
    Page { bitmap, resolution }
}

#[test]
fn every_width_and_resolution_crosses_to_and_from_the_peer() {
    use Resolution::{
        Dpi300, Dpi300x600, Dpi400, Dpi400x800, Dpi600, Dpi600x1200, Dpi1200, Fine, Inch200, Inch200x400, Inch400,
        Standard, Superfine,
    };
    let sizes = [
        (Standard, PaperWidth::A4),
        (Standard, PaperWidth::A3),
        (Fine, PaperWidth::B4),
        (Fine, PaperWidth::A3),
        (Superfine, PaperWidth::A4),
        (Superfine, PaperWidth::B4),
        (Dpi300, PaperWidth::A4),
        (Dpi400, PaperWidth::A4),
        (Dpi400, PaperWidth::A3),
        (Inch200, PaperWidth::A4),
        (Inch200x400, PaperWidth::A4),
        (Inch400, PaperWidth::B4),
        (Dpi600, PaperWidth::A4),
        (Dpi600, PaperWidth::A3),
        (Dpi1200, PaperWidth::A4),
        (Dpi300x600, PaperWidth::B4),
        (Dpi400x800, PaperWidth::A4),
        (Dpi600x1200, PaperWidth::A4),
    ];
    let ways = [Way::ToPeer, Way::FromPeer, Way::Ourselves];
    // The peer reduces nothing: it has no terms for a page of which it has no resolution.
    let can = |(way, (resolution, _)): &(Way, (Resolution, PaperWidth))| {
        *way != Way::FromPeer || agreed_with(*way, *resolution) == resolution.metric()
    };
    let cases: Vec<_> = ways.into_iter().flat_map(|way| sizes.map(|size| (way, size))).filter(can).collect();
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(way, (resolution, paper))| {
        let what = format!("{way:?}, {}, {paper:?}", resolution.name());
        let page = drawn(resolution, paper);
        let document = bench.work.join(format!("{way:?}-{}-{paper:?}.tif", resolution.name()));
        write_tiff(&document, &[FilePage::from(&page)]);
        let document = document.display();
        let most = "--resolution 1200 --width a3 --codings mh,mr,mmr,jbig";
        let (send, receive) = (format!("--send {document}"), "--receive got.tif");
        let call = match way {
            Way::ToPeer => bench.call(&format!("{send} {most}"), &bench.peer(receive), ""),
            Way::FromPeer => bench.call(&format!("{receive} {most}"), &bench.peer(&send), ""),
            Way::Ourselves => bench.call(&format!("{receive} {most}"), &bench.ourselves(&format!("{send} {most}")), ""),
        };
        assert_eq!(call.result["ok"], true, "{what}\n{}", call.story());
        let agreed = (call.result["x_dpi"].as_u64(), call.result["y_lpi"].as_u64(), call.result["width"].as_u64());
        let expected = agreed_with(way, resolution);
        let ((across, down), width) = (expected.dots_per_inch(), expected.pels(paper));
        let own = (Some(u64::from(across)), Some(u64::from(down)), Some(u64::from(width)));
        println!("{what}: {agreed:?} {}", call.result["coding"]);
        assert_eq!(agreed, own, "{what}\n{}", call.story());
        if expected.metric() == resolution.metric() {
            assert!(call.raster() == Some(page.bitmap.clone()), "{what}: pels differ\n{}", call.story());
        }
    });
}

#[test]
fn print_is_drawn_as_fine_as_both_ends_take_it() {
    let Some(bench) = bench(4) else { return };
    let text = bench.work.join("print.txt");
    fs::write(&text, "Fine print, 0123456789, {}[]()\n".repeat(30)).expect("the work folder takes files");
    let cross = |ours: &str, theirs: &str| {
        let send = format!("--send {} --resolution {theirs}", text.display());
        let call = bench.call(&format!("--receive got.tif --resolution {ours}"), &bench.ourselves(&send), "");
        assert_eq!(call.result["ok"], true, "{}", call.story());
        (call.result["y_lpi"].as_u64(), call.raster().expect("a page came"))
    };
    let (rows, finest) = cross("400", "400");
    assert_eq!((rows, finest.width()), (Some(391), 3456));
    // A machine that takes no more gets the page drawn for it, not the finer one reduced.
    let (rows, drawn) = cross("fine", "fine");
    assert_eq!((rows, drawn.width()), (Some(196), 1728));
    assert!(cross("fine", "400") == (Some(196), drawn));
    let (rows, superfine) = cross("superfine", "600");
    assert_eq!((rows, superfine.width()), (Some(391), 1728));
}

/// What comes of a page of that resolution: the peer prefers the millimetre, and its highest resolution is 600 x 600.
fn agreed_with(way: Way, resolution: Resolution) -> Resolution {
    match resolution {
        _ if way == Way::Ourselves => resolution,
        Resolution::Dpi1200 | Resolution::Dpi600x1200 => Resolution::Dpi600,
        Resolution::Dpi300x600 => Resolution::Dpi300,
        Resolution::Dpi400x800 => Resolution::Dpi400,
        other => other.metric(),
    }
}

/// Who sends to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    ToPeer,
    FromPeer,
    Ourselves,
}
