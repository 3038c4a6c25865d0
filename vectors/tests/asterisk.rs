//! Calls over AudioSocket with another maker's fax machine that speaks it as Asterisk does, from both sides, by the wall
//! clock and frame for frame, one at a time and twenty at once.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use answertone_t30::image::{
    Bitmap, Coding, Page, Resolution,
    tiff::{FilePage, Profile, TiffDocument, WriteOptions, write},
};
use answertone_vectors::{
    not_run,
    program::{answertone, build_peer, target_folder},
    shared,
};
use serde_json::Value;

/// Calls at once to one port.
const AT_ONCE: usize = 20;

/// Programs, and a folder with `page.tif` in it.
struct Bench {
    program: PathBuf,
    peer: PathBuf,
    folder: PathBuf,
    page: Page,
}

static BENCH: OnceLock<Result<Bench, String>> = OnceLock::new();

/// The bench, unless something is missing: then it is said what, and that `cases` cases did not run.
fn bench(cases: usize) -> Option<&'static Bench> {
    let source = shared("peer", cases)?;
    let bench = BENCH.get_or_init(|| Bench::set_up(&source));
    if let Err(why) = bench {
        not_run(cases, why);
    }
    bench.as_ref().ok()
}

impl Bench {
    fn set_up(source: &Path) -> Result<Self, String> {
        let folder = target_folder().join("asterisk");
        // Left over from an earlier run; absent the first time.
        let _ = fs::remove_dir_all(&folder);
        let (program, peer) = (answertone(), build_peer(source, &folder.join("build"))?);
        let page = page();
        let file = write(&[FilePage::from(&page)], &WriteOptions::plain(Profile::F(Coding::Mmr)));
        fs::write(folder.join("page.tif"), file.expect("a page fits a file")).map_err(|error| error.to_string())?;
        Ok(Self { program, peer, folder, page })
    }

    /// Our program on a call.
    fn ours(&self, line: &str, what: &str) -> Child {
        self.start(&self.program, &format!("call --line {line} {what}"))
    }

    /// The peer on a call.
    fn peer(&self, what: &str) -> Child {
        self.start(&self.peer, what)
    }

    fn start(&self, program: &Path, words: &str) -> Child {
        let mut command = Command::new(program);
        command.args(words.split_whitespace()).current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program is there")
    }

    fn result(&self, name: &str) -> Value {
        let text = fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn assert_received(&self, name: &str, what: &str) {
        let file = fs::read(self.folder.join(name)).unwrap_or_else(|error| panic!("{what}: {name}: {error}"));
        let pages = TiffDocument::open(&file).and_then(|document| document.fax_pages());
        let received = pages.expect("a received document is a TIFF file").swap_remove(0);
        assert!(received.bitmap == self.page.bitmap, "{what}: pels differ");
    }
}

/// A short page whose every row differs from the last.
fn page() -> Page {
    let (width, height) = (1728, 200);
    let mut bitmap = Bitmap::white(width, height);
    for y in 0..height {
        for x in (y * 7 % 64..width).step_by(64 + y as usize % 5) {
            (x..(x + 9).min(width)).for_each(|x| bitmap.set(x, y, true));
        }
    }
    Page { bitmap, resolution: Resolution::Fine }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("there are ports").local_addr().expect("it is bound").port()
}

/// Waits for both ends; both must be content.
fn content(what: &str, ends: [Child; 2]) {
    for mut end in ends {
        assert!(end.wait().expect("a process ends").success(), "{what}");
    }
}

/// Time for who listens to listen.
fn settle() {
    thread::sleep(Duration::from_millis(500));
}

fn crosses(bench: &Bench, we_listen: bool, we_send: bool, paced: bool) {
    let what = format!("we listen: {we_listen}, we send: {we_send}, by the clock: {paced}");
    let (pace, fast) = if paced { ("real", "") } else { ("free", "--fast") };
    let name = format!("{we_listen}-{we_send}-{paced}");
    let (ours, theirs) = if we_send {
        (format!("--send page.tif --result {name}.json"), format!("--receive {name}.tif"))
    } else {
        (format!("--receive {name}.tif --result {name}.json"), "--send page.tif".to_owned())
    };
    let port = free_port();
    let call = |side: &str| bench.ours(&format!("audiosocket:{side}=127.0.0.1:{port}&pace={pace}"), &ours);
    let ends = if we_listen {
        let ours = call("listen");
        settle();
        [ours, bench.peer(&format!("{theirs} --audiosocket 127.0.0.1:{port} {fast}"))]
    } else {
        let peer = bench.peer(&format!("{theirs} --listen {port} {fast}"));
        settle();
        [peer, call("connect")]
    };
    content(&what, ends);
    bench.assert_received(&format!("{name}.tif"), &what);
    let result = bench.result(&format!("{name}.json"));
    assert_eq!((&result["ok"], &result["pages"]), (&Value::Bool(true), &Value::from(1)), "{what}: {result}");
    println!("{what}: {}", result["transport"]);
}

#[test]
fn pages_cross_from_either_side_and_at_either_pace() {
    let Some(bench) = bench(8) else { return };
    thread::scope(|scope| {
        for paced in [true, false] {
            for (we_listen, we_send) in [(true, true), (true, false), (false, true), (false, false)] {
                scope.spawn(move || crosses(bench, we_listen, we_send, paced));
            }
        }
    });
}

#[test]
fn twenty_calls_at_once_come_to_one_port() {
    let Some(bench) = bench(AT_ONCE) else { return };
    let port = free_port();
    let config = format!(
        "[smtp]\nlisten = [\"127.0.0.1:0\"]\n[relay]\nport = 9\ntls = \"none\"\n[store]\ndir = \"store\"\n\
         [[line]]\nname = \"asterisk\"\nuri = \"audiosocket:listen=127.0.0.1:{port}\"\n"
    );
    fs::write(bench.folder.join("twenty.toml"), config).expect("the folder takes files");
    let mut gateway = bench.start(&bench.program, "serve --config twenty.toml");
    settle();
    settle();
    let calls: Vec<Child> = (0..AT_ONCE)
        .map(|number| {
            let uuid = format!("ffff1555{number:04}ffffffffffffffffffff");
            bench.peer(&format!("--send page.tif --audiosocket 127.0.0.1:{port} --uuid {uuid} --result {number}.json"))
        })
        .collect();
    let content =
        calls.into_iter().map(|mut call| call.wait()).filter(|end| end.as_ref().is_ok_and(|end| end.success()));
    assert_eq!(content.count(), AT_ONCE);
    let list = Command::new(&bench.program)
        .args(["queue", "--json", "--config", "twenty.toml", "list"])
        .current_dir(&bench.folder)
        .output()
        .expect("the program is there");
    let list: Value = serde_json::from_slice(&list.stdout).expect("the queue is JSON");
    let mails = list["mail"].as_array().map_or(0, Vec::len);
    // The process was started here and is stopped by its own number.
    gateway.kill().expect("the gateway still runs");
    gateway.wait().expect("it has ended");
    assert!(mails >= AT_ONCE - 1, "{mails} mails; the last one may still be on its way: {list}");
}
