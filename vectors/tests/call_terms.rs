//! What two machines agree on beyond the usual: JBIG, higher resolutions, wider paper. At the seam, in virtual time.

#[path = "calls/ideal.rs"]
#[expect(dead_code, unused_imports, reason = "other tests use the rest")]
mod ideal;

use std::sync::Arc;

use answertone_t30::{
    frame::{BitField, Fcf, Modems, Width, bit},
    image::{Bitmap, Coding, Page, PaperWidth, Resolution, reduce_rows},
    session::{Codings, Config, Document, FrameSize, Outcome, Resolutions},
};
use ideal::{Call, CallResult, Fate, Passing};

/// A page with a frame around it, slanted lines and a screened patch.
fn page(resolution: Resolution, paper: PaperWidth, rows: u32) -> Arc<Page> {
    let width = resolution.pels(paper);
    let mut bitmap = Bitmap::white(width, rows);
    for row in 0..rows {
        let edge = row < 2 || row + 2 >= rows;
        let slanted = |x: u32| (x + 3 * row) % 97 < 3;
        let screened = |x: u32| (300..500).contains(&x) && x % 4 < 2 && row % 4 < 2;
        let black = |x: &u32| edge || *x < 2 || *x + 2 >= width || slanted(*x) || screened(*x);
        (0..width).filter(black).for_each(|x| bitmap.set(x, row, true));
    }
    Arc::new(Page { bitmap, resolution })
}

fn document(pages: impl IntoIterator<Item = Arc<Page>>) -> Document {
    Document { pages: pages.into_iter().collect(), first: 0 }
}

fn rich() -> Config {
    Config {
        modems: Modems::ALL,
        codings: Codings::ALL,
        resolutions: Resolutions::ALL,
        width: Width::A3,
        ..Config::default()
    }
}

fn run(caller: &Config, document: Document, answerer: &Config) -> CallResult {
    let call = Call::new(caller, document, answerer).run();
    assert_eq!(call.caller.outcome, Some(Outcome::Completed), "{}", call.transcript());
    assert_eq!(call.answerer.outcome, Some(Outcome::Completed), "{}", call.transcript());
    call
}

#[test]
fn every_resolution_and_width_arrives_pel_for_pel() {
    for ecm in [false, true] {
        for coding in [Codings::MH, Codings::MH | Codings::MR, Codings::USUAL, Codings::ALL] {
            let config = Config { ecm, codings: coding, ..rich() };
            let highest = |resolution: &Resolution| resolution.dots_per_inch().1 > 400;
            let pages = Resolution::ALL
                .into_iter()
                .filter(|resolution| ecm || !highest(resolution))
                .flat_map(|resolution| PaperWidth::ALL.into_iter().map(move |paper| page(resolution, paper, 60)));
            let document = document(pages);
            let call = run(&config, document.clone(), &config);
            let received: Vec<&Page> = call.answerer.received.iter().map(|page| &page.page).collect();
            assert_eq!(received.len(), document.pages.len());
            assert!(received.iter().zip(&document.pages).all(|(received, sent)| *received == &**sent));
        }
    }
}

#[test]
fn jbig_is_used_when_both_have_it_and_error_correction() {
    let machine = |codings, ecm| Config { codings, ecm, ..rich() };
    for (caller, answerer, ecm, agreed) in [
        (Codings::ALL, Codings::ALL, true, Coding::Jbig),
        (Codings::ALL, Codings::USUAL, true, Coding::Mmr),
        (Codings::MH | Codings::JBIG, Codings::ALL, true, Coding::Jbig),
        (Codings::ALL, Codings::ALL, false, Coding::Mr),
        (Codings::MH | Codings::JBIG, Codings::ALL, false, Coding::Mh),
    ] {
        for frame_size in [FrameSize::Long, FrameSize::Short] {
            let document = document([page(Resolution::Fine, PaperWidth::A4, 700)]);
            let answerer = Config { frame_size, ..machine(answerer, ecm) };
            let call = run(&machine(caller, ecm), document.clone(), &answerer);
            assert_eq!(call.caller.report.terms.map(|terms| terms.coding), Some(agreed));
            assert_eq!(call.answerer.report.terms, call.caller.report.terms);
            assert_eq!(call.caller.report.terms.map(|terms| terms.one_stripe), Some(agreed == Coding::Jbig));
            assert!(call.answerer.received[0].page == *document.pages[0]);
            assert!(call.answerer.received[0].ended);
        }
    }
}

#[test]
fn pages_are_reduced_to_what_the_other_machine_has() {
    use {PaperWidth::*, Resolution::*};
    for (resolution, paper, theirs, width, agreed) in [
        (Superfine, A4, Resolutions::FINE, Width::A4, (Fine, 1728)),
        (Superfine, A4, Resolutions::STANDARD, Width::A4, (Standard, 1728)),
        (Dpi300, A4, Resolutions::FINE, Width::A4, (Fine, 1728)),
        (Dpi400, A4, Resolutions::DPI_300, Width::A4, (Dpi300, 2592)),
        (Dpi400, A4, Resolutions::SUPERFINE, Width::A4, (Superfine, 1728)),
        (Dpi300, A4, Resolutions::SUPERFINE, Width::A4, (Fine, 1728)),
        (Fine, A3, Resolutions::FINE, Width::A4, (Fine, 1728)),
        (Fine, A3, Resolutions::FINE, Width::B4, (Fine, 2048)),
        (Dpi400, A3, Resolutions::STANDARD, Width::A4, (Standard, 1728)),
        (Fine, A4, Resolutions::ALL, Width::A3, (Fine, 1728)),
        (Dpi600, A4, Resolutions::DPI_300X600, Width::A4, (Dpi300x600, 2592)),
        (Dpi600, B4, Resolutions::DPI_400, Width::A4, (Dpi400, 3456)),
        (Dpi300x600, A4, Resolutions::DPI_300, Width::A4, (Dpi300, 2592)),
        (Dpi300x600, A4, Resolutions::SUPERFINE, Width::A4, (Superfine, 1728)),
        (Dpi400x800, A4, Resolutions::DPI_400, Width::A4, (Dpi400, 3456)),
        (Dpi600x1200, A4, Resolutions::DPI_600, Width::A4, (Dpi600, 5184)),
        (Dpi1200, A4, Resolutions::ALL, Width::A3, (Dpi1200, 10368)),
        (Dpi1200, A4, Resolutions::FINE, Width::A4, (Fine, 1728)),
        (Inch400, A4, Resolutions::DPI_300, Width::A4, (Dpi300, 2592)),
    ] {
        let sent = page(resolution, paper, 800);
        let answerer = Config { resolutions: theirs, width, ..rich() };
        let call = run(&rich(), document([Arc::clone(&sent)]), &answerer);
        let received = &call.answerer.received[0].page;
        assert_eq!((received.resolution, received.bitmap.width()), agreed, "{resolution:?} {paper:?}");
        let inches = |page: &Page| {
            let (across, down) = page.resolution.dots_per_inch();
            (f64::from(page.bitmap.width()) / f64::from(across), f64::from(page.bitmap.height()) / f64::from(down))
        };
        let ((sent_wide, sent_high), (wide, high)) = (inches(&sent), inches(received));
        let shape = (wide / high) / (sent_wide / sent_high);
        assert!((shape - 1.0).abs() < 0.03, "{resolution:?} {paper:?}: shape changed by {shape}");
        let bottom = received.bitmap.height() - 1;
        let black: Vec<u32> = (0..received.bitmap.width()).filter(|x| received.bitmap.is_black(*x, 0)).collect();
        let (left, right) = (black[0], black[black.len() - 1]);
        // Paper of the inch is up to 2 % wider.
        assert!(black.len() as f32 > 0.97 * received.bitmap.width() as f32, "{resolution:?} {paper:?}: the top");
        assert!(black.iter().all(|x| received.bitmap.is_black(*x, bottom)), "{resolution:?} {paper:?}: the bottom");
        for y in 0..=bottom {
            assert!(received.bitmap.is_black(left, y) && received.bitmap.is_black(right, y), "{resolution:?} row {y}");
        }
    }
}

/// Bits 44 and 45: a page goes as it is where the other machine takes both kinds, and as its equal where it does not.
#[test]
fn inch_and_millimetre_are_equals() {
    use Resolution::{Dpi300, Dpi400, Fine, Inch200, Inch200x400, Inch400, Superfine};
    let both = [bit::INCH, bit::METRIC_PREFERRED];
    for (preferred, sent, agreed) in [
        (&both[..], Fine, Fine),
        (&both, Inch200, Inch200),
        (&both, Inch200x400, Inch200x400),
        (&both, Inch400, Inch400),
        (&both[..1], Fine, Inch200),
        (&both[..1], Superfine, Inch200x400),
        (&both[..1], Dpi400, Inch400),
        (&both[..1], Dpi300, Dpi300),
        (&both[1..], Inch200, Fine),
        (&both[1..], Inch400, Dpi400),
        (&[], Inch200, Fine),
    ] {
        let sent = page(sent, PaperWidth::A4, 60);
        let preferring = |passing: Passing<'_>| match passing {
            Passing::Frame { octets, .. } if octets.get(2) == Some(&Fcf::Dis.code(false)) => {
                let mut bits = BitField::read(&octets[3..]).without(&both);
                preferred.iter().for_each(|bit| bits.set(*bit));
                Fate::Instead(ideal::frame(Fcf::Dis, false, bits.octets()))
            }
            _ => Fate::Pass,
        };
        let call = Call::new(&rich(), document([Arc::clone(&sent)]), &rich()).with_faults(preferring).run();
        let received = &call.answerer.received[0].page;
        assert_eq!(received.resolution, agreed, "{preferred:?} {sent:?}");
        assert!(received.bitmap == sent.bitmap);
    }
}

#[test]
fn rows_that_are_whole_multiples_keep_every_black_pel() {
    let sent = page(Resolution::Superfine, PaperWidth::B4, 801);
    for (resolution, factor) in [(Resolution::Fine, 2), (Resolution::Standard, 4)] {
        let reduced = Arc::clone(&sent).at(resolution, PaperWidth::B4);
        assert!(reduced.bitmap == reduce_rows(&sent.bitmap, factor));
        for (x, y) in (0..2048).flat_map(|x| (0..801).map(move |y| (x, y))) {
            assert!(!sent.bitmap.is_black(x, y) || reduced.bitmap.is_black(x, y / factor));
        }
    }
}

#[test]
fn what_is_not_wanted_is_not_offered() {
    let document = || document([page(Resolution::Fine, PaperWidth::A4, 60)]);
    let offered = |config: &Config| {
        let call = run(&rich(), document(), config);
        call.caller.report.peer.capabilities.expect("DIS was heard")
    };
    let usual = offered(&Config::default());
    for bit in [bit::SUPERFINE, bit::DPI_300, bit::DPI_400, bit::DPI_600, bit::LONG_K, bit::T85, bit::T85_STRIPES] {
        assert!(!usual.has(bit), "bit {bit}");
    }
    let all = offered(&rich());
    let finer = [bit::SUPERFINE, bit::DPI_300, bit::DPI_400, bit::INCH, bit::METRIC_PREFERRED];
    let highest = [bit::DPI_600, bit::DPI_1200, bit::DPI_300X600, bit::DPI_400X800, bit::DPI_600X1200, bit::LONG_K];
    for bit in [bit::FINE, bit::T85, bit::T85_STRIPES].into_iter().chain(finer).chain(highest) {
        assert!(all.has(bit), "bit {bit}");
    }
    let without_ecm = offered(&Config { ecm: false, ..rich() });
    for bit in [bit::T85, bit::T85_STRIPES].into_iter().chain(highest) {
        assert!(!without_ecm.has(bit), "bit {bit}");
    }
    assert!(finer.iter().all(|bit| without_ecm.has(*bit)));
}

/// A machine with the basic T.85 gets stripes of 128 rows.
#[test]
fn stripes_are_those_that_the_other_machine_takes() {
    let sent = page(Resolution::Fine, PaperWidth::A4, 700);
    let basic = |passing: Passing<'_>| match passing {
        Passing::Frame { octets, .. } if octets.get(2) == Some(&Fcf::Dis.code(false)) => {
            let bits = BitField::read(&octets[3..]).without(&[bit::T85_STRIPES]);
            Fate::Instead(ideal::frame(Fcf::Dis, false, bits.octets()))
        }
        _ => Fate::Pass,
    };
    let octets = |call: CallResult| {
        assert!(call.answerer.received[0].page == *sent);
        let terms = call.answerer.report.terms.expect("terms were agreed");
        assert_eq!(terms.coding, Coding::Jbig);
        (terms.one_stripe, call.caller.report.pages[0].octets)
    };
    let with_basic = octets(Call::new(&rich(), document([Arc::clone(&sent)]), &rich()).with_faults(basic).run());
    let with_stripes = octets(run(&rich(), document([Arc::clone(&sent)]), &rich()));
    assert_eq!((with_basic.0, with_stripes.0), (false, true));
    assert!(with_stripes.1 < with_basic.1, "{with_stripes:?} {with_basic:?}");
}
