//! The built program as the machine under test: `answertone call --line stdio:`, frames of 160 samples over pipes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block};
use answertone_t30::{
    image::{
        Coding,
        tiff::{FilePage, Profile, WriteOptions, write},
    },
    session::Document,
};
use answertone_vectors::{
    ends,
    process::ProcessEnd,
    program::{answertone, target_folder},
};
use serde_json::Value;

use super::{on_air::Machine, words};

/// Silence on the line before the program hangs up, at most: a tenth of a second, to know that a carrier has gone.
const LONGEST_TAIL: usize = 800;

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// A process with the line on its standard input and output.
pub(crate) struct Program {
    process: ProcessEnd,
    folder: PathBuf,
    calls: bool,
    /// Samples of silence both ways at the end of the call.
    tail: usize,
}

/// Whether the program has options for the settings and shows what the case looks at.
pub(crate) fn can_run(line: &str) -> bool {
    let within = |words: &[&str]| line.split(' ').any(|word| words.iter().any(|other| word.starts_with(other)));
    match line.split(' ').next() {
        Some("answering" | "calling") => !within(&["kept", "only-polled", "retrain", "resends=1", "resends=3"]),
        Some("peer") => !within(&["route", "fnv"]),
        _ => true,
    }
}

impl Program {
    pub(crate) fn start(calls: bool, settings: &str) -> Self {
        let folder = target_folder().join("conformance").join(FOLDERS.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir_all(&folder).expect("the target folder takes folders");
        let (_, documents) = words::configure(settings, |_, _| ends::page(0));
        let mut command = Command::new(answertone());
        command
            .args(["call", "--line", "stdio:", "--result", "result.json", "--transcript", "call.txt"])
            .args(["--role", if calls { "caller" } else { "answerer" }])
            .args(settings.split_whitespace().flat_map(options_of))
            .args(if settings.contains("modems=") { &[][..] } else { &["--modems", "v27ter,v29"] })
            .args(if settings.contains("dis-tries=") { &[][..] } else { &["--dis-tries", "0"] })
            .args(documents.iter().enumerate().flat_map(|(n, document)| document_options(&folder, n, document)))
            .args(if calls && !settings.contains("poll") { &[][..] } else { &["--receive", "received.tif"] })
            .current_dir(&folder);
        Self { process: ProcessEnd::start(&mut command), folder, calls, tail: 0 }
    }

    fn result(&self) -> Value {
        let result = fs::read_to_string(self.folder.join("result.json")).unwrap_or_default();
        serde_json::from_str(&result).unwrap_or(Value::Null)
    }
}

impl Machine for Program {
    fn block(&mut self, rx: &Block) -> Block {
        let tx = self.process.block(rx);
        let quiet = |block: &Block| block.iter().rev().take_while(|sample| **sample == 0).count();
        let both = quiet(&tx).min(quiet(rx));
        self.tail = if both == BLOCK_SAMPLES { self.tail + both } else { both };
        tx
    }

    fn calls(&self) -> bool {
        self.calls
    }

    fn is_over(&self) -> bool {
        self.process.has_hung_up()
    }

    fn trace(&mut self) -> Vec<String> {
        let path = self.folder.join("call.txt");
        fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Also that what it calls itself in all its words is the same, and that it hangs up when it has said all.
    fn outcome(&mut self) -> String {
        let status = self.process.end();
        let result = self.result();
        let ok = result["ok"] == true;
        let is_plain = ok && result["unknown_frames"] == 0;
        assert_eq!((status.code(), result["t30_status"] == "OK"), (Some(i32::from(!ok)), is_plain), "{result}");
        let failure = &result["failure"];
        let timer = failure["timer"].as_str().map_or(String::new(), |timer| format!(" {timer}"));
        let waited = !timer.is_empty();
        assert!(waited || self.tail <= LONGEST_TAIL, "{} samples of silence before it hung up", self.tail);
        if ok { "completed".to_owned() } else { format!("failed {}{timer}", failure["cause"].as_str().unwrap_or("")) }
    }

    fn pages(&self) -> String {
        self.result()["pages"].to_string()
    }

    fn known(&self, what: &str) -> Option<String> {
        let field = if what == "address" { "remote_internet_address".to_owned() } else { format!("remote_{what}") };
        let known = self.result()[field].as_str()?.to_owned();
        let pairs = || known.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned());
        Some(if what == "nsf" { pairs().collect::<Vec<_>>().join(" ") } else { known.clone() })
    }
}

/// The program's options for a setting of scripts.
fn options_of(setting: &str) -> Vec<String> {
    let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
    let option = |name: &str| vec![format!("--{name}"), value.to_owned()];
    match (key, value) {
        ("modems", "v17") => vec!["--modems".into(), "v27ter,v29,v17".into()],
        ("modems", "v29") => vec!["--modems".into(), "v27ter,v29".into()],
        ("resends", "0") => vec!["--no-retransmit".into()],
        ("take-refused" | "crp" | "operator", _) => vec![format!("--{key}")],
        ("standard" | "poll" | "pages" | "then" | "rows", _) => Vec::new(),
        _ => option(key),
    }
}

/// Writes a document and names it.
fn document_options(folder: &Path, number: usize, document: &Document) -> [String; 2] {
    let name = format!("document-{number}.tif");
    let pages: Vec<FilePage<'_>> = document.pages.iter().map(|page| FilePage::from(&**page)).collect();
    let tiff = write(&pages, &WriteOptions::plain(Profile::F(Coding::Mmr))).expect("pages fit a file");
    fs::write(folder.join(&name), tiff).expect("the folder takes files");
    [if number == 0 { "--send" } else { "--then-send" }.to_owned(), name]
}
