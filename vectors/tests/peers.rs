//! Calls with another maker's fax machine: our program on one end of a cable, a peer built on libspandsp on the other.
//!
//! The peers' sources are in the shared folder; they are copied and built in the target folder.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use answertone_dsp::{
    channel::{Channel, Impairments, Slip, Slips},
    pcm::SILENCE,
    units::Dbm0,
};
use answertone_t30::image::{
    Bitmap, Coding, Page, PaperWidth, Raster, Resolution,
    tiff::{FilePage, Profile, TiffDocument, WriteOptions, write},
};
use answertone_vectors::{
    ends::carried,
    not_run,
    process::ProcessEnd,
    program::{answertone, target_folder},
    shared,
    timing::{bursts, measures},
    wav::Recording,
};
use serde_json::Value;

const CHARTS: [&str; 5] = ["itu1", "itu2", "itu3", "itu4", "itu6"];

/// Peer's word and ours for the modems both may use, and the modem that must come of it.
const MODEMS: [(&str, &str); 3] = [("v27ter", "v27ter"), ("v27ter,v29", "v29"), ("v27ter,v29,v17", "v17")];

/// Our codings, the peer's, the one that must come of it, and whether it needs error correction.
const CODINGS: [(&str, &str, &str, bool); 3] =
    [("mh", "t4-1d", "mh", false), ("mh,mr", "t4-1d,t4-2d", "mr", false), ("mh,mr,mmr", "t4-1d,t4-2d,t6", "mmr", true)];

/// Longest a call may take in the world's time; a call of minutes takes less than a second.
const PATIENCE: &str = "100";

/// Blocks of the longest call over a line of ours: ten minutes.
const LONGEST_CALL: usize = 60_000;

/// Silence at the far end: takes what comes and gives zeros.
const NOBODY: &str = "{ cat >/dev/null <&3 & } 3<&0; exec cat /dev/zero";

/// Where everything is.
struct Bench {
    program: PathBuf,
    peers: PathBuf,
    work: PathBuf,
    /// The ITU-T charts as TIFF, fine resolution.
    charts: Vec<(PathBuf, Page)>,
}

/// What came of a call.
struct Call {
    result: Value,
    /// What the cable between the two said, where it was a program.
    cable: String,
    folder: PathBuf,
}

static BENCH: OnceLock<Result<Bench, String>> = OnceLock::new();
static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// The bench, unless something is missing: then it is said what, and that `cases` cases did not run.
fn bench(cases: usize) -> Option<&'static Bench> {
    let (source, images) = (shared("peer", cases)?, shared("assets/4-tiff-jbig", 0)?);
    let bench = BENCH.get_or_init(|| Bench::set_up(&source, &images));
    if let Err(why) = bench {
        not_run(cases, why);
    }
    bench.as_ref().ok()
}

impl Bench {
    fn set_up(source: &Path, images: &Path) -> Result<Self, String> {
        let target = target_folder();
        let work = target.join("peers");
        let peers = build_peers(source, &work.join("build"))?;
        let calls = work.join("calls");
        // Left over from an earlier run; absent the first time.
        let _ = fs::remove_dir_all(&calls);
        fs::create_dir_all(&calls).map_err(|error| format!("{}: {error}", calls.display()))?;
        let charts = CHARTS.map(|name| chart(&images.join(format!("{name}.pbm")), &calls));
        Ok(Self { program: answertone(), peers, work: calls, charts: charts.into() })
    }

    /// One call: our options, the peer's command and the cable's options.
    fn call(&self, ours: &str, theirs: &str, cable: &str) -> Call {
        let folder = self.work.join(FOLDERS.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir_all(&folder).expect("the work folder takes folders");
        let program = self.program.display();
        let ours = format!("{program} call --line stdio: --result ours.json --transcript ours.txt {ours}");
        let cable = Command::new("timeout")
            .arg(PATIENCE)
            .arg(self.peers.join("peer-cable"))
            .args(cable.split_whitespace())
            .args([ours.as_str(), theirs])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .output()
            .expect("peer-cable was built");
        let result = fs::read_to_string(folder.join("ours.json")).unwrap_or_default();
        let result = serde_json::from_str(&result).unwrap_or(Value::Null);
        Call { result, cable: String::from_utf8_lossy(&cable.stderr).into_owned(), folder }
    }

    /// The same over a line of ours.
    fn call_over(&self, ours: &str, theirs: &str, line: &Impairments<'_>) -> Call {
        let folder = self.work.join(FOLDERS.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir_all(&folder).expect("the work folder takes folders");
        let program = self.program.display();
        let ours = format!("exec {program} call --line stdio: --result ours.json --transcript ours.txt {ours}");
        let start = |command: &str| ProcessEnd::start(Command::new("sh").args(["-c", command]).current_dir(&folder));
        let mut ends = [start(&ours), start(&format!("exec {theirs}"))];
        let (mut lines, mut said) = ([1, 2].map(|seed| Channel::new(line, seed)), [SILENCE; 2]);
        for _ in 0..LONGEST_CALL {
            let heard = [carried(&mut lines[0], &said[1], &said[0]), carried(&mut lines[1], &said[0], &said[1])];
            said = [ends[0].block(&heard[0]), ends[1].block(&heard[1])];
            if ends.iter().any(ProcessEnd::has_hung_up) {
                break;
            }
        }
        for end in &mut ends {
            end.end();
        }
        let result = fs::read_to_string(folder.join("ours.json")).unwrap_or_default();
        Call { result: serde_json::from_str(&result).unwrap_or(Value::Null), cable: String::new(), folder }
    }

    fn peer(&self, options: &str) -> String {
        format!("{}/peer-fax --stdio --result theirs.json {options}", self.peers.display())
    }

    /// Our own program as the far end.
    fn ourselves(&self, options: &str) -> String {
        format!("{} call --line stdio: --result theirs.json {options}", self.program.display())
    }

    fn we_send(&self, chart: usize, ours: &str, theirs: &str, cable: &str) -> Call {
        let document = self.charts[chart].0.display();
        self.call(&format!("--send {document} {ours}"), &self.peer(&format!("--receive got.tif {theirs}")), cable)
    }

    fn we_receive(&self, chart: usize, ours: &str, theirs: &str, cable: &str) -> Call {
        let document = self.charts[chart].0.display();
        self.call(&format!("--receive got.tif {ours}"), &self.peer(&format!("--send {document} {theirs}")), cable)
    }
}

impl Call {
    fn pages(&self) -> Vec<Page> {
        let file = fs::read(self.folder.join("got.tif")).unwrap_or_default();
        TiffDocument::open(&file).and_then(|document| document.fax_pages()).unwrap_or_default()
    }

    /// The first page's pels as they are in the file.
    fn raster(&self) -> Option<Bitmap> {
        let file = fs::read(self.folder.join("got.tif")).ok()?;
        match TiffDocument::open(&file).ok()?.page(0).ok()?.raster {
            Raster::Bilevel(bitmap) => Some(bitmap),
            _ => None,
        }
    }

    fn theirs(&self) -> Value {
        let theirs = fs::read_to_string(self.folder.join("theirs.json")).unwrap_or_default();
        serde_json::from_str(&theirs).unwrap_or(Value::Null)
    }

    /// All that is known, for a failed assertion.
    fn story(&self) -> String {
        let transcript = fs::read_to_string(self.folder.join("ours.txt")).unwrap_or_default();
        format!("ours: {}\ntheirs: {}\n{transcript}\n{}", self.result, self.theirs(), self.cable)
    }

    fn assert_delivered(&self, what: &str, sent: &Page) {
        assert_eq!(self.result["ok"], true, "{what}\n{}", self.story());
        assert_eq!(self.theirs()["ok"], true, "{what}\n{}", self.story());
        let pages = self.pages();
        assert_eq!(pages.len(), 1, "{what}\n{}", self.story());
        assert!(pages[0].bitmap == sent.bitmap, "{what}: pels differ\n{}", self.story());
    }

    fn assert_failed(&self, what: &str, cause: &str) {
        assert_eq!(self.result["ok"], false, "{what}\n{}", self.story());
        assert_eq!(self.result["failure"]["cause"], cause, "{what}\n{}", self.story());
    }
}

fn build_peers(source: &Path, build: &Path) -> Result<PathBuf, String> {
    fs::create_dir_all(build).map_err(|error| format!("{}: {error}", build.display()))?;
    for entry in fs::read_dir(source).map_err(|error| format!("{}: {error}", source.display()))?.flatten() {
        let (from, to) = (entry.path(), build.join(entry.file_name()));
        if from.is_file() && fs::read(&from).ok() != fs::read(&to).ok() {
            fs::copy(&from, &to).map_err(|error| format!("{}: {error}", to.display()))?;
        }
    }
    let made = Command::new("make").args(["bin/peer-fax", "bin/peer-cable"]).current_dir(build).output();
    match made {
        Ok(made) if made.status.success() => Ok(build.join("bin")),
        Ok(_) => Err("the peers do not build; install libspandsp-dev and libtiff-dev".to_owned()),
        Err(error) => Err(format!("make does not run ({error}); install build-essential")),
    }
}

/// A chart from a portable bitmap as a TIFF file and a page.
fn chart(from: &Path, folder: &Path) -> (PathBuf, Page) {
    let page =
        Page { bitmap: portable_bitmap(&fs::read(from).expect("the chart is there")), resolution: Resolution::Fine };
    let name = from.file_stem().expect("a chart has a name");
    let path = folder.join(name).with_extension("tif");
    write_tiff(&path, &[FilePage::from(&page)]);
    (path, page)
}

fn write_tiff(path: &Path, pages: &[FilePage<'_>]) {
    let file = write(pages, &WriteOptions::plain(Profile::F(Coding::Mmr))).expect("a chart fits a TIFF file");
    fs::write(path, file).expect("the work folder takes files");
}

/// Reads a raw portable bitmap: `P4`, comments, width, height, rows with black as 1.
fn portable_bitmap(file: &[u8]) -> Bitmap {
    let mut numbers = Vec::new();
    let mut at = 2;
    while numbers.len() < 2 {
        let end = at + file[at..].iter().position(|octet| octet.is_ascii_whitespace()).expect("a header has an end");
        let word = std::str::from_utf8(&file[at..end]).expect("a header is text");
        if word.starts_with('#') {
            at += file[at..].iter().position(|octet| *octet == b'\n').expect("a comment has an end");
        } else {
            numbers.extend(word.parse::<u32>());
            at = end;
        }
        at += 1;
    }
    let mut bitmap = Bitmap::new(numbers[0]);
    let stride = bitmap.stride();
    file[at..].chunks_exact(stride).take(numbers[1] as usize).for_each(|row| bitmap.push_row(row));
    bitmap
}

/// Runs cases on two threads.
fn on_two_threads<T: Sync>(cases: &[T], run: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            run(case);
        }
    };
    thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
}

/// Every way of sending a page once: sender, modems, error correction, coding, chart.
fn matrix() -> Vec<(bool, usize, bool, usize, usize)> {
    let mut cases = Vec::new();
    for we_send in [true, false] {
        for modem in 0..MODEMS.len() {
            for (coding, (.., needs_ecm)) in CODINGS.iter().enumerate() {
                for ecm in [true, false] {
                    if ecm || !needs_ecm {
                        cases.push((we_send, modem, ecm, coding, cases.len() % CHARTS.len()));
                    }
                }
            }
        }
    }
    cases
}

#[test]
fn charts_cross_to_and_from_the_peer_by_every_modem_and_coding() {
    let cases = matrix();
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, modem, ecm, coding, chart)| {
        let ((modems, modem), (ours, theirs, coding, _)) = (MODEMS[modem], CODINGS[coding]);
        let ecm_word = if ecm { "on" } else { "off" };
        let what = format!("we send: {we_send}, {modems}, ECM {ecm_word}, {coding}, {}", CHARTS[chart]);
        let ours = format!("--modems {modems} --ecm {ecm_word} --codings {ours}");
        let theirs = format!("--modems {modems} --ecm {ecm_word} --compressions {theirs}");
        let call = if we_send {
            bench.we_send(chart, &ours, &theirs, "")
        } else {
            bench.we_receive(chart, &ours, &theirs, "")
        };
        call.assert_delivered(&what, &bench.charts[chart].1);
        let result = &call.result;
        assert_eq!(result["modem"], modem, "{what}\n{}", call.story());
        assert_eq!(result["coding"], coding, "{what}\n{}", call.story());
        assert_eq!(result["ecm"], ecm, "{what}\n{}", call.story());
    });
}

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

#[test]
fn pictures_cross_between_two_of_ours_in_colour_and_others_get_them_dithered() {
    let Some(bench) = bench(3) else { return };
    let width = 300;
    let pels: Vec<u8> = (0..width * 400).flat_map(|at: u32| [(at % width) as u8, (at / width) as u8, 90]).collect();
    let document = bench.work.join("colours.tif");
    fs::write(&document, rgb_file(width, &pels)).expect("the work folder takes files");
    let send = format!("--send {} --codings mh,mr,mmr,jpeg", document.display());
    let call = bench.call("--receive got.tif --codings mh,mr,mmr,jpeg", &bench.ourselves(&send), "--noise -60");
    assert_eq!((&call.result["ok"], &call.result["coding"]), (&true.into(), &"jpeg".into()), "{}", call.story());
    let file = fs::read(call.folder.join("got.tif")).expect("a page came");
    let page = TiffDocument::open(&file).and_then(|document| document.page(0)).expect("the file is read");
    let Raster::Colour(got) = page.raster else { panic!("no colours\n{}", call.story()) };
    // The picture stands in the middle of the page's width: 300 pels at 50 to the inch become 1200 at 200.
    assert_eq!((got.width(), got.height()), (1728, 1600));
    for (x, y) in [(10, 10), (150, 200), (290, 250), (100, 100)] {
        let is = got.row(y * 4 + 2)[(264 + x * 4 + 2) as usize];
        let should = [x as u8, y as u8, 90];
        assert!(is.iter().zip(should).all(|(is, should)| is.abs_diff(should) < 25), "{x} {y}: {is:?} {should:?}");
    }
    for ecm in ["on", "off"] {
        let call = bench.call(&format!("{send} --ecm {ecm}"), &bench.peer("--receive got.tif"), "");
        assert_eq!(call.result["ok"], true, "{}", call.story());
        let pages = call.pages();
        let black = pages[0].bitmap.black_pels() as f64 / (1200.0 * f64::from(pages[0].bitmap.height()));
        // Half of the red, most of the green: as dark as the picture's mean.
        assert!((0.3..0.6).contains(&black), "{black} of the picture is black");
    }
}

/// A TIFF file of sRGB samples, 50 to the inch.
fn rgb_file(width: u32, pels: &[u8]) -> Vec<u8> {
    let rows = pels.len() as u32 / 3 / width;
    let tags: [(u16, u16, u32, u32); 12] = [
        (256, 4, 1, width),
        (257, 4, 1, rows),
        (258, 3, 3, 158),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 180),
        (277, 3, 1, 3),
        (278, 4, 1, rows),
        (279, 4, 1, pels.len() as u32),
        (282, 5, 1, 164),
        (283, 5, 1, 172),
        (296, 3, 1, 2),
    ];
    let mut file = b"II*\0\x08\0\0\0\x0c\0".to_vec();
    for (tag, kind, count, value) in tags {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend([0; 4]);
    [8u16; 3].iter().for_each(|bits| file.extend(bits.to_le_bytes()));
    [50u32, 1, 50, 1].iter().for_each(|number| file.extend(number.to_le_bytes()));
    file.extend(pels);
    file
}

#[test]
fn drop_outs_and_echo_cost_frames_but_no_pels() {
    let cables =
        ["--drop 40:14000 --gain -8", "--drop 250:17000", "--echo -15 --law u --noise -58", "--law a --delay-ms 300"];
    let cases: Vec<(bool, &str)> = [true, false].into_iter().flat_map(|way| cables.map(|cable| (way, cable))).collect();
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, cable)| {
        let modems = "--modems v27ter,v29";
        let call =
            if we_send { bench.we_send(1, modems, modems, cable) } else { bench.we_receive(1, modems, modems, cable) };
        call.assert_delivered(&format!("we send: {we_send}, {cable}"), &bench.charts[1].1);
    });
}

/// Slips of an octet every few seconds both ways, with noise, over a cable of our own between the two processes.
#[test]
fn slips_cost_frames_but_no_pels() {
    let cases = [(true, "v29"), (false, "v29"), (true, "v27ter"), (false, "v27ter")];
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, modem)| {
        let modems = if modem == "v29" { "--modems v27ter,v29" } else { "--modems v27ter" };
        let document = bench.charts[1].0.display();
        let (send, receive) = (format!("--send {document} {modems}"), format!("--receive got.tif {modems}"));
        let (ours, theirs) = if we_send { (&send, &receive) } else { (&receive, &send) };
        let slips = Slips { slip: Slip::InTurn, first: 20_000, every: Some(24_000) };
        let line = Impairments { slips: Some(slips), noise: Some(Dbm0(-50.0)), ..Impairments::default() };
        let call = bench.call_over(ours, &bench.peer(theirs), &line);
        call.assert_delivered(&format!("we send: {we_send}, {modem}"), &bench.charts[1].1);
        println!("we send: {we_send}, {modem}: {} slips bridged, {}", call.result["slips"], call.result["page"]);
    });
}

/// What T.30's clauses say of time is kept by us with the peer at the other end too; the peer's own times are printed.
#[test]
fn times_are_kept_with_the_peer() {
    let cases = [(true, "on"), (false, "on"), (true, "off"), (false, "off")];
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, ecm)| {
        let (ecm, cable) = (format!("--ecm {ecm}"), "--record call.wav");
        let call = if we_send { bench.we_send(1, &ecm, &ecm, cable) } else { bench.we_receive(1, &ecm, &ecm, cable) };
        let sides = Recording::read(&call.folder.join("call.wav")).expect("the cable records").telephone();
        let (ours, theirs): (Vec<_>, Vec<_>) =
            measures(&bursts(&sides)).into_iter().partition(|measure| measure.channel == 0);
        let broken: Vec<_> = ours.iter().filter(|measure| !measure.holds()).collect();
        assert!(ours.len() >= 6 && broken.is_empty(), "{} times: {broken:#?}\n{}", ours.len(), call.story());
        let broken: Vec<_> = theirs.iter().filter(|measure| !measure.holds()).collect();
        println!(
            "we send: {we_send}, {ecm}: {} of the peer's {} times break a clause: {broken:?}",
            broken.len(),
            theirs.len()
        );
    });
}

#[test]
fn the_protection_tone_disturbs_neither_end() {
    let cases = [(true, "v29"), (false, "v29"), (true, "v17"), (false, "v17")];
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, modem)| {
        let modems = if modem == "v29" { "--modems v27ter,v29 --tep" } else { "--modems v27ter,v29,v17 --tep" };
        let call = if we_send { bench.we_send(1, modems, modems, "") } else { bench.we_receive(1, modems, modems, "") };
        call.assert_delivered(&format!("we send: {we_send}, {modem}"), &bench.charts[1].1);
        assert_eq!(call.result["modem"], modem, "{}", call.story());
    });
}

#[test]
fn several_pages_cross_in_both_directions() {
    let cases = [(true, "on"), (true, "off"), (false, "on"), (false, "off")];
    let Some(bench) = bench(cases.len()) else { return };
    let document = bench.work.join("three.tif");
    let pages: Vec<FilePage<'_>> = bench.charts[..3].iter().map(|(_, page)| FilePage::from(page)).collect();
    write_tiff(&document, &pages);
    let document = document.display();
    on_two_threads(&cases, |&(we_send, ecm)| {
        let call = if we_send {
            bench.call(
                &format!("--send {document} --ecm {ecm}"),
                &bench.peer(&format!("--receive got.tif --ecm {ecm}")),
                "",
            )
        } else {
            bench.call(
                &format!("--receive got.tif --ecm {ecm}"),
                &bench.peer(&format!("--send {document} --ecm {ecm}")),
                "",
            )
        };
        assert_eq!(call.result["ok"], true, "{}", call.story());
        let received = call.pages();
        assert_eq!(received.len(), 3, "{}", call.story());
        for (received, (_, sent)) in received.iter().zip(&bench.charts) {
            assert!(received.bitmap == sent.bitmap, "pels differ\n{}", call.story());
        }
    });
}

#[test]
fn noise_makes_the_rate_fall_and_the_page_still_arrives() {
    // Signals arrive at -34 dBm0. Louder ones would need noise above -45 dBm0, which the peer takes for a carrier.
    let cases = [(true, "-50"), (true, "-49"), (false, "-50"), (false, "-48")];
    let Some(bench) = bench(cases.len()) else { return };
    on_two_threads(&cases, |&(we_send, noise)| {
        let modems = "--modems v27ter,v29";
        let cable = format!("--gain -20 --noise {noise} --seed 5");
        let call = if we_send {
            bench.we_send(0, modems, modems, &cable)
        } else {
            bench.we_receive(0, modems, modems, &cable)
        };
        let what = format!("we send: {we_send}, noise {noise} dBm0");
        call.assert_delivered(&what, &bench.charts[0].1);
        println!("{what}: {} bit/s after {} trainings", call.result["bit_rate"], call.result["trainings"]);
        assert!(call.result["bit_rate"].as_u64().expect("a rate was agreed") < 9600, "{what}\n{}", call.story());
    });
}

#[test]
fn a_peer_that_hangs_up_in_any_phase_is_a_lost_line() {
    // Seconds of call after which the peer hangs up: tones, commands, training check, page, after the page.
    let cuts = [1, 5, 7, 9, 15, 18];
    let Some(bench) = bench(2 * cuts.len()) else { return };
    let cases: Vec<(bool, u32)> = [true, false].into_iter().flat_map(|side| cuts.map(|cut| (side, cut))).collect();
    on_two_threads(&cases, |&(we_send, cut)| {
        let chart = bench.charts[1].0.display();
        let (ours, theirs) = if we_send {
            (format!("--send {chart}"), "--receive got.tif".to_owned())
        } else {
            ("--receive got.tif".to_owned(), format!("--send {chart}"))
        };
        let call = bench.call(&ours, &bench.peer(&format!("{theirs} --timeout {cut}")), "");
        call.assert_failed(&format!("we send: {we_send}, cut after {cut} s"), "line_lost");
        assert_eq!(call.result["failure"]["side"], "line", "{}", call.story());
    });
}

#[test]
fn a_first_page_stays_when_the_peer_hangs_up_in_the_second() {
    let Some(bench) = bench(1) else { return };
    let document = bench.work.join("two.tif");
    let pages: Vec<FilePage<'_>> = bench.charts[..2].iter().map(|(_, page)| FilePage::from(page)).collect();
    write_tiff(&document, &pages);
    let peer = bench.peer(&format!("--send {} --timeout 33", document.display()));
    let call = bench.call("--receive got.tif", &peer, "");
    call.assert_failed("cut in the second page", "line_lost");
    let received = call.pages();
    assert_eq!(received.len(), 1, "{}", call.story());
    assert!(received[0].bitmap == bench.charts[0].1.bitmap, "pels differ\n{}", call.story());
}

#[test]
fn a_password_opens_the_peer_and_a_wrong_one_is_refused() {
    let Some(bench) = bench(2) else { return };
    let call = bench.we_send(1, "--pwd 1234", "--expect-pwd 1234", "");
    call.assert_delivered("right password", &bench.charts[1].1);
    let call = bench.we_send(1, "--pwd 4321", "--expect-pwd 1234", "");
    // The peer says DCN and hangs up while our training check is on the line, where nobody hears it.
    call.assert_failed("wrong password", "line_lost");
    assert_eq!(call.theirs()["status_text"], "Password not accepted", "{}", call.story());
}

#[test]
fn documents_are_polled_in_both_directions() {
    let Some(bench) = bench(5) else { return };
    let (document, sent) = (bench.charts[1].0.display(), &bench.charts[1].1);
    for ecm in ["on", "off"] {
        let ours = format!("--role caller --receive got.tif --ident US --sep 77 --pwd 1234 --ecm {ecm}");
        let theirs = format!("--polarity answerer --send {document} --expect-pwd 1234 --ecm {ecm}");
        let call = bench.call(&ours, &bench.peer(&theirs), "");
        call.assert_delivered(&format!("we poll, ECM {ecm}"), sent);
        assert_eq!(call.theirs()["remote_pwd"], "1234", "{}", call.story());
        let ours = format!("--role answerer --send {document} --expect-pwd 1234 --ecm {ecm}");
        let theirs = format!("--polarity caller --receive got.tif --pwd 1234 --ecm {ecm}");
        let call = bench.call(&ours, &bench.peer(&theirs), "");
        call.assert_delivered(&format!("we are polled, ECM {ecm}"), sent);
        assert_eq!(call.result["remote_pwd"], "1234", "{}", call.story());
    }
    let call = bench.call("--role caller --receive got.tif", &bench.peer("--polarity answerer --receive got.tif"), "");
    call.assert_failed("nothing to poll", "nothing_to_poll");
}

#[test]
fn two_documents_cross_in_a_call_with_their_subaddress() {
    let Some(bench) = bench(2) else { return };
    let documents = format!("--send {} --then-send {}", bench.charts[0].0.display(), bench.charts[1].0.display());
    for we_send in [true, false] {
        let sender = format!("{documents} --sub 6377001 --sid 42");
        let (ours, theirs) = match we_send {
            true => (sender, "--receive got.tif".to_owned()),
            false => ("--receive got.tif".to_owned(), sender),
        };
        let call = bench.call(&ours, &bench.peer(&theirs), "");
        assert_eq!(call.result["ok"], true, "{}", call.story());
        let told = if we_send { call.theirs() } else { call.result.clone() };
        assert_eq!((&told["remote_sub"], &told["remote_sid"]), (&"6377001".into(), &"42".into()), "{}", call.story());
        let received = call.pages();
        assert_eq!(received.len(), 2, "{}", call.story());
        for (received, (_, sent)) in received.iter().zip(&bench.charts) {
            assert!(received.bitmap == sent.bitmap, "pels differ\n{}", call.story());
        }
    }
}

#[test]
fn a_caller_without_our_password_is_sent_away() {
    let Some(bench) = bench(1) else { return };
    // The peer gives its password only when it polls.
    let call = bench.we_receive(1, "--expect-pwd 1234", "--pwd 1234", "");
    call.assert_failed("no password", "password_refused");
    assert_eq!(call.theirs()["ok"], false, "{}", call.story());
    assert_eq!(call.pages().len(), 0, "{}", call.story());
}

#[test]
fn nobody_at_the_far_end_is_told_by_timer() {
    let Some(bench) = bench(3) else { return };
    let chart = bench.charts[0].0.display();
    let call = bench.call(&format!("--send {chart}"), NOBODY, "");
    call.assert_failed("we call", "no_fax_heard");
    assert_eq!(call.result["failure"]["timer"], "T0", "{}", call.story());
    for (tries, timer) in [("", "T4"), ("--dis-tries 0", "T1")] {
        let call = bench.call(&format!("--receive got.tif {tries}"), NOBODY, "");
        call.assert_failed("we answer", "no_fax_heard");
        assert_eq!(call.result["failure"]["timer"], timer, "{}", call.story());
    }
}
