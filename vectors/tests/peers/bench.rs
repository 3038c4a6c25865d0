//! The cable with our program on one end and the peer on the other.

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
    channel::{Channel, Impairments},
    pcm::SILENCE,
};
use answertone_t30::image::{
    Bitmap, Coding, Page, Raster, Resolution,
    tiff::{FilePage, Profile, TiffDocument, WriteOptions, write},
};
use answertone_vectors::{
    ends::carried,
    not_run,
    process::ProcessEnd,
    program::{answertone, target_folder},
    shared,
};
use serde_json::Value;

pub(crate) const CHARTS: [&str; 5] = ["itu1", "itu2", "itu3", "itu4", "itu6"];

/// Peer's word and ours for the modems both may use, and the modem that must come of it.
pub(crate) const MODEMS: [(&str, &str); 3] = [("v27ter", "v27ter"), ("v27ter,v29", "v29"), ("v27ter,v29,v17", "v17")];

/// Our codings, the peer's, the one that must come of it, and whether it needs error correction.
pub(crate) const CODINGS: [(&str, &str, &str, bool); 3] =
    [("mh", "t4-1d", "mh", false), ("mh,mr", "t4-1d,t4-2d", "mr", false), ("mh,mr,mmr", "t4-1d,t4-2d,t6", "mmr", true)];

/// Longest a call may take in the world's time; a call of minutes takes less than a second.
pub(crate) const PATIENCE: &str = "100";

/// Blocks of the longest call over a line of ours: ten minutes.
pub(crate) const LONGEST_CALL: usize = 60_000;

/// Silence at the far end: takes what comes and gives zeros.
pub(crate) const NOBODY: &str = "{ cat >/dev/null <&3 & } 3<&0; exec cat /dev/zero";

/// Where everything is.
pub(crate) struct Bench {
    pub(crate) program: PathBuf,
    pub(crate) peers: PathBuf,
    pub(crate) work: PathBuf,
    /// The ITU-T charts as TIFF, fine resolution.
    pub(crate) charts: Vec<(PathBuf, Page)>,
}

/// What came of a call.
pub(crate) struct Call {
    pub(crate) result: Value,
    /// What the cable between the two said, where it was a program.
    pub(crate) cable: String,
    pub(crate) folder: PathBuf,
}

static BENCH: OnceLock<Result<Bench, String>> = OnceLock::new();
static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// The bench, unless something is missing: then it is said what, and that `cases` cases did not run.
pub(crate) fn bench(cases: usize) -> Option<&'static Bench> {
    let (source, images) = (shared("peer", cases)?, shared("assets/4-tiff-jbig", 0)?);
    let bench = BENCH.get_or_init(|| Bench::set_up(&source, &images));
    if let Err(why) = bench {
        not_run(cases, why);
    }
    bench.as_ref().ok()
}

impl Bench {
    pub(crate) fn set_up(source: &Path, images: &Path) -> Result<Self, String> {
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
    pub(crate) fn call(&self, ours: &str, theirs: &str, cable: &str) -> Call {
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
    pub(crate) fn call_over(&self, ours: &str, theirs: &str, line: &Impairments<'_>) -> Call {
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

    pub(crate) fn peer(&self, options: &str) -> String {
        format!("{}/peer-fax --stdio --result theirs.json {options}", self.peers.display())
    }

    /// Our own program as the far end.
    pub(crate) fn ourselves(&self, options: &str) -> String {
        format!("{} call --line stdio: --result theirs.json {options}", self.program.display())
    }

    pub(crate) fn we_send(&self, chart: usize, ours: &str, theirs: &str, cable: &str) -> Call {
        let document = self.charts[chart].0.display();
        self.call(&format!("--send {document} {ours}"), &self.peer(&format!("--receive got.tif {theirs}")), cable)
    }

    pub(crate) fn we_receive(&self, chart: usize, ours: &str, theirs: &str, cable: &str) -> Call {
        let document = self.charts[chart].0.display();
        self.call(&format!("--receive got.tif {ours}"), &self.peer(&format!("--send {document} {theirs}")), cable)
    }
}

impl Call {
    pub(crate) fn pages(&self) -> Vec<Page> {
        let file = fs::read(self.folder.join("got.tif")).unwrap_or_default();
        TiffDocument::open(&file).and_then(|document| document.fax_pages()).unwrap_or_default()
    }

    /// The first page's pels as they are in the file.
    pub(crate) fn raster(&self) -> Option<Bitmap> {
        let file = fs::read(self.folder.join("got.tif")).ok()?;
        match TiffDocument::open(&file).ok()?.page(0).ok()?.raster {
            Raster::Bilevel(bitmap) => Some(bitmap),
            _ => None,
        }
    }

    pub(crate) fn theirs(&self) -> Value {
        let theirs = fs::read_to_string(self.folder.join("theirs.json")).unwrap_or_default();
        serde_json::from_str(&theirs).unwrap_or(Value::Null)
    }

    /// All that is known, for a failed assertion.
    pub(crate) fn story(&self) -> String {
        let transcript = fs::read_to_string(self.folder.join("ours.txt")).unwrap_or_default();
        format!("ours: {}\ntheirs: {}\n{transcript}\n{}", self.result, self.theirs(), self.cable)
    }

    pub(crate) fn assert_delivered(&self, what: &str, sent: &Page) {
        assert_eq!(self.result["ok"], true, "{what}\n{}", self.story());
        assert_eq!(self.theirs()["ok"], true, "{what}\n{}", self.story());
        let pages = self.pages();
        assert_eq!(pages.len(), 1, "{what}\n{}", self.story());
        assert!(pages[0].bitmap == sent.bitmap, "{what}: pels differ\n{}", self.story());
    }

    pub(crate) fn assert_failed(&self, what: &str, cause: &str) {
        assert_eq!(self.result["ok"], false, "{what}\n{}", self.story());
        assert_eq!(self.result["failure"]["cause"], cause, "{what}\n{}", self.story());
    }
}

pub(crate) fn build_peers(source: &Path, build: &Path) -> Result<PathBuf, String> {
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
pub(crate) fn chart(from: &Path, folder: &Path) -> (PathBuf, Page) {
    let page =
        Page { bitmap: portable_bitmap(&fs::read(from).expect("the chart is there")), resolution: Resolution::Fine };
    let name = from.file_stem().expect("a chart has a name");
    let path = folder.join(name).with_extension("tif");
    write_tiff(&path, &[FilePage::from(&page)]);
    (path, page)
}

pub(crate) fn write_tiff(path: &Path, pages: &[FilePage<'_>]) {
    let file = write(pages, &WriteOptions::plain(Profile::F(Coding::Mmr))).expect("a chart fits a TIFF file");
    fs::write(path, file).expect("the work folder takes files");
}

/// Reads a raw portable bitmap: `P4`, comments, width, height, rows with black as 1.
pub(crate) fn portable_bitmap(file: &[u8]) -> Bitmap {
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
pub(crate) fn on_two_threads<T: Sync>(cases: &[T], run: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            run(case);
        }
    };
    thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
}
