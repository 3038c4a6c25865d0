//! The built program as the machine under test: `answertone call --line stdio:`, frames of 160 samples over pipes.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use answertone_dsp::pcm::{BLOCK_SAMPLES, Block, SILENCE};
use answertone_t30::{
    image::{
        Coding,
        tiff::{FilePage, Profile, WriteOptions, write},
    },
    session::Document,
};
use answertone_vectors::{
    ends,
    program::{answertone, target_folder},
};
use serde_json::Value;

use super::{on_air::Machine, words};

/// Samples of a frame.
const FRAME: usize = 2 * BLOCK_SAMPLES;

/// Silence on the line before the program hangs up, at most: a tenth of a second, to know that a carrier has gone.
const LONGEST_TAIL: usize = 800;

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

/// A process with the line on its standard input and output.
pub(crate) struct Program {
    child: Child,
    /// None once we hung up.
    to: Option<ChildStdin>,
    from: ChildStdout,
    folder: PathBuf,
    calls: bool,
    /// What it said last and is not told yet, and what it is to hear.
    said: [i16; FRAME],
    heard: Vec<i16>,
    hung_up: bool,
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
        let mut child = Command::new(answertone())
            .args(["call", "--line", "stdio:", "--result", "result.json", "--transcript", "call.txt"])
            .args(["--role", if calls { "caller" } else { "answerer" }])
            .args(settings.split_whitespace().flat_map(options_of))
            .args(if settings.contains("modems=") { &[][..] } else { &["--modems", "v27ter,v29"] })
            .args(if settings.contains("dis-tries=") { &[][..] } else { &["--dis-tries", "0"] })
            .args(documents.iter().enumerate().flat_map(|(n, document)| document_options(&folder, n, document)))
            .args(if calls && !settings.contains("poll") { &[][..] } else { &["--receive", "received.tif"] })
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let (to, from) = (child.stdin.take(), child.stdout.take().expect("piped"));
        let (said, heard) = ([0; FRAME], Vec::with_capacity(FRAME));
        Self { child, to, from, folder, calls, said, heard, hung_up: false, tail: 0 }
    }

    /// The program speaks first, then listens.
    fn read_frame(&mut self) {
        let mut octets = [0; 2 * FRAME];
        self.hung_up = self.hung_up || self.from.read_exact(&mut octets).is_err();
        if self.hung_up {
            self.said = [0; FRAME];
            return;
        }
        for (sample, octets) in self.said.iter_mut().zip(octets.chunks_exact(2)) {
            *sample = i16::from_le_bytes([octets[0], octets[1]]);
        }
        let sound = self.said.iter().rposition(|sample| *sample != 0);
        self.tail = sound.map_or(self.tail + FRAME, |last| FRAME - 1 - last);
    }

    fn write_frame(&mut self) {
        if let Some(last) = self.heard.iter().rposition(|sample| *sample != 0) {
            self.tail = self.tail.min(FRAME - 1 - last);
        }
        let octets: Vec<u8> = self.heard.drain(..).flat_map(i16::to_le_bytes).collect();
        // A program that has hung up reads no more.
        if self.to.as_mut().is_some_and(|to| to.write_all(&octets).is_err()) {
            self.to = None;
        }
    }

    fn result(&self) -> Value {
        let result = fs::read_to_string(self.folder.join("result.json")).unwrap_or_default();
        serde_json::from_str(&result).unwrap_or(Value::Null)
    }
}

impl Machine for Program {
    fn block(&mut self, rx: &Block) -> Block {
        let second = !self.heard.is_empty();
        if !second {
            self.read_frame();
        }
        self.heard.extend_from_slice(rx);
        let mut tx = SILENCE;
        tx.copy_from_slice(&self.said[usize::from(second) * BLOCK_SAMPLES..][..BLOCK_SAMPLES]);
        if second {
            self.write_frame();
        }
        tx
    }

    fn calls(&self) -> bool {
        self.calls
    }

    fn is_over(&self) -> bool {
        self.hung_up
    }

    fn trace(&mut self) -> Vec<String> {
        let path = self.folder.join("call.txt");
        fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Also that what it calls itself in all its words is the same, and that it hangs up when it has said all.
    fn outcome(&mut self) -> String {
        self.to = None;
        let status = self.child.wait().expect("it ends");
        let result = self.result();
        let ok = result["ok"] == true;
        assert_eq!((status.code(), result["t30_status"] == "OK"), (Some(i32::from(!ok)), ok), "{result}");
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

impl Drop for Program {
    fn drop(&mut self) {
        self.to = None;
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
        ("take-refused" | "crp", _) => vec![format!("--{key}")],
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
