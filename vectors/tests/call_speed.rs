//! How long a call takes on the line, and how much of that no machine could save.

use std::{fs, sync::Arc};

use answertone_dsp::{
    channel::{Channel, Impairments},
    pcm::{BLOCK_SAMPLES, SILENCE},
};
use answertone_t30::{
    frame::Modems,
    image::{Bitmap, Coding, Page, Resolution, RowEncoding, encode},
    session::{Codings, Config, Document, Outcome, Session},
    time::LineTime,
};
use answertone_vectors::ends::{End, carried, page};
use answertone_vectors::shared;

/// Line time of a call between two of the peer, with the same page on the same terms, in seconds.
const PEER_SECONDS: f64 = 26.9;

/// A chart in PBM, as wide as a fax page.
fn chart(octets: &[u8]) -> Arc<Page> {
    let mut fields = octets.splitn(3, |octet| octet.is_ascii_whitespace());
    assert_eq!(fields.next(), Some(&b"P4"[..]), "a PBM file of bits");
    let width: u32 = number(fields.next());
    let rest = fields.next().expect("height and rows");
    let end = rest.iter().position(u8::is_ascii_whitespace).expect("rows behind the height");
    let (height, rows) = (number(Some(&rest[..end])), &rest[end + 1..]);
    let mut bitmap = Bitmap::white(width, height);
    for (y, row) in (0..height).zip(rows.chunks(width.div_ceil(8) as usize)) {
        (0..width).filter(|x| row[*x as usize / 8] << (x % 8) & 0x80 != 0).for_each(|x| bitmap.set(x, y, true));
    }
    Arc::new(Page { bitmap, resolution: Resolution::Fine })
}

fn number(text: Option<&[u8]>) -> u32 {
    std::str::from_utf8(text.expect("a number")).expect("ASCII").parse().expect("a number")
}

/// The call's ends and its line time in seconds.
fn call(page: &Arc<Page>, codings: Codings) -> (End, End, f64) {
    let config = Arc::new(Config { modems: Modems::ALL, codings, ..Config::default() });
    let document = Document { pages: vec![Arc::clone(page)], first: 0 };
    let mut calling = End::new(Session::calling(config.clone(), document, LineTime::ZERO));
    let mut answering = End::new(Session::answering(config, LineTime::ZERO));
    let mut lines = [Channel::new(&Impairments::default(), 1), Channel::new(&Impairments::default(), 2)];
    let (mut from_caller, mut from_answerer, mut blocks) = (SILENCE, SILENCE, 0);
    while calling.outcome.is_none() || answering.outcome.is_none() {
        let to_caller = carried(&mut lines[0], &from_answerer, &from_caller);
        let to_answerer = carried(&mut lines[1], &from_caller, &from_answerer);
        from_caller = calling.block(&to_caller);
        from_answerer = answering.block(&to_answerer);
        blocks += 1;
        assert!(blocks < 60_000, "the call does not end\n{}", calling.trace.join("\n"));
    }
    (calling, answering, (blocks * BLOCK_SAMPLES) as f64 / 8000.0)
}

/// What the clauses leave of a call with one page with error correction at 14400 bit/s when everything is as short as
/// they allow, in seconds: signals of V.21 after 0.85 s of flags, gaps of 55 ms, a training check of 1.35 s.
fn floor(octets: usize) -> f64 {
    let gaps = 9.0 * 0.055;
    // NSF and CSI are not said; DIS of 7 octets, DCS of 4, CFR, PPS with 4 more, MCF, DCN; 5 octets and a flag each.
    let said = [7, 4, 0, 4, 0, 0].iter().map(|field| 0.85 + (f64::from(*field) + 6.0) * 8.0 / 300.0).sum::<f64>();
    let training = 1.393 + 1.35 + 0.142 + 0.2;
    let frames = octets.div_ceil(256) as f64;
    let page = frames * (256.0 + 7.0) * 8.0 / 14400.0 + 3.0 * 6.0 * 8.0 / 14400.0;
    1.8 + 2.6 + gaps + said + training + page
}

#[test]
fn a_chart_takes_no_longer_than_between_two_of_the_peer() {
    let Some(path) = shared("assets/4-tiff-jbig/itu1.pbm", 1) else { return };
    let chart = chart(&fs::read(path).expect("the chart is readable"));
    let octets = encode(&chart.bitmap, RowEncoding::on_line(Coding::Mmr, 4)).len();
    let (calling, answering, seconds) = call(&chart, Codings::USUAL);
    assert_eq!(calling.outcome, Some(Outcome::Completed), "{}", calling.trace.join("\n"));
    assert!(answering.pages[0].bitmap == chart.bitmap, "pels differ");
    println!("{}\n--\n{}", calling.trace.join("\n"), answering.trace.join("\n"));
    let floor = floor(octets);
    println!(
        "chart 1, {octets} octets of MMR at 14400 bit/s: {seconds:.2} s; floor {floor:.2} s; the peer {PEER_SECONDS} s"
    );
    assert!(seconds <= PEER_SECONDS && seconds >= floor, "{seconds:.2} s");
}

#[test]
fn a_small_page_costs_what_the_clauses_take() {
    let (page, octets) = (page(0), 0);
    let (calling, _, seconds) = call(&page, Codings::ALL);
    assert_eq!(calling.outcome, Some(Outcome::Completed), "{}", calling.trace.join("\n"));
    assert!(seconds < floor(octets) + 4.0, "{seconds:.2} s");
}
