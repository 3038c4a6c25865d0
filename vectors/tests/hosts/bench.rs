//! An exchange, modems on terminals, fax machines, and a folder for everything.

use std::{
    fs,
    io::{BufRead, BufReader, pipe},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use answertone_hw::exchange::{Bell, Exchange};
use answertone_t30::image::{
    Bitmap, Coding, Page, Resolution,
    tiff::{FilePage, Profile, TiffDocument, WriteOptions, write},
};
use answertone_vectors::{
    not_run,
    program::{answertone, build_peer, target_folder},
    shared,
};

/// The bound keeps a broken test from hanging; nothing is measured by it.
pub(super) const PATIENCE: Duration = Duration::from_secs(150);

/// Calls side by side: hosts have clocks, and the machine must keep up.
const AT_ONCE: usize = 18;

/// Rows at the top of a page that a host's header may cover.
const HEADER_ROWS: usize = 24;

/// A call to be made, by name.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) run: fn(&Bench, Terms),
    pub(super) terms: Terms,
}

/// A way of making a call, by name.
pub(super) type Way = (&'static str, fn(&Bench, Terms));

/// What a call is made with.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// `v27ter`, `v29` or `v17`: our machine has these and slower ones, hosts are told so too.
    pub(super) modem: &'static str,
    pub(super) ecm: bool,
    /// The class of commands the host is to use.
    pub(super) class: &'static str,
}

/// Makes all calls side by side, unless their host cannot run here. Those that failed are named.
pub(super) fn together(cases: Vec<Case>, cannot_run: Option<&str>) {
    if let Some(why) = cannot_run {
        return not_run(cases.len(), why);
    }
    let failed: Vec<String> = cases.chunks(AT_ONCE).flat_map(side_by_side).collect();
    assert!(failed.is_empty(), "{} of {} calls failed: {failed:?}", failed.len(), cases.len());
}

/// Names of those that failed.
fn side_by_side(cases: &[Case]) -> Vec<String> {
    let calls = cases.iter().cloned().map(|case| {
        let name = case.name.clone();
        let call = thread::Builder::new().name(name.clone()).spawn(move || (case.run)(&Bench::new(), case.terms));
        (name, call.expect("a thread can be had"))
    });
    let calls: Vec<_> = calls.collect();
    calls.into_iter().filter_map(|(name, call)| call.join().is_err().then_some(name)).collect()
}

/// A process that ends when this is dropped.
pub(super) struct Process(Child);

impl Process {
    pub(super) fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display())))
    }

    /// Whether it ended well.
    pub(super) fn ends_well(&mut self, name: &str) -> bool {
        wait_for(name, || self.0.try_wait().expect("a child can be asked")).success()
    }
}

impl Process {
    /// Kilobytes of memory that the process has, and its open files.
    pub(super) fn holds(&self) -> (usize, usize) {
        let folder = format!("/proc/{}", self.0.id());
        let status = fs::read_to_string(format!("{folder}/status")).expect("the process runs");
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        let files = fs::read_dir(format!("{folder}/fd")).expect("the process runs").count();
        (memory.and_then(|number| number.parse().ok()).expect("memory is told"), files)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until there is something.
pub(super) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

pub(super) struct Bench {
    folder: PathBuf,
    exchange: Exchange,
}

impl Bench {
    pub(super) fn new() -> Self {
        let name = thread::current().name().unwrap_or("hosts").replace(|letter: char| !letter.is_alphanumeric(), "-");
        let folder = std::env::temp_dir().join(format!("answertone-{}-{name}", std::process::id()));
        // Left over from an earlier run with the same number; absent nearly always.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("there is room for files");
        // Hosts run as users of their own.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("the folder is ours");
        let bell = Bell { every: Duration::from_secs(2) };
        let exchange = Exchange::start(&folder.join("exchange"), bell).expect("a socket can be made");
        Self { folder, exchange }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn line(&self, query: &str) -> String {
        format!("exchange:{}?{query}", self.path("exchange").display())
    }

    /// A modem with a number; its terminal is there when this returns.
    pub(super) fn modem(&self, number: &str) -> (Process, PathBuf) {
        self.modem_on(&self.line(&format!("number={number}")))
    }

    /// A modem on a line.
    pub(super) fn modem_on(&self, line: &str) -> (Process, PathBuf) {
        let mut command = Command::new(answertone());
        command.args(["pty", "--line", line, "--mode", "666"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(self.log("modem"));
        let mut process = Process(command.spawn().expect("the program starts"));
        let mut said = String::new();
        let from = process.0.stdout.take().expect("it was asked for");
        BufReader::new(from).read_line(&mut said).expect("the modem says where it is");
        (process, PathBuf::from(said.trim_end()))
    }

    /// A modem whose line is a cable to another maker's fax machine; none where that is missing.
    pub(super) fn modem_beside_peer(&self, options: &[&str]) -> Option<[(Process, PathBuf); 2]> {
        let peer = peer()?;
        let ((from_modem, to_peer), (from_peer, to_modem)) = (pipe().ok()?, pipe().ok()?);
        let mut theirs = Command::new(peer);
        theirs.args(["--stdio", "--result"]).arg(self.path("peer.json")).args(options);
        let theirs = theirs.stdin(from_modem).stdout(to_modem).stderr(self.log("peer")).spawn();
        let link = self.path("terminal");
        let mut ours = Command::new(answertone());
        ours.args(["pty", "--line", "stdio:", "--mode", "666", "--link"]).arg(&link);
        let ours = ours.stdin(from_peer).stdout(to_peer).stderr(self.log("modem")).spawn();
        let terminal = wait_for("the terminal", || fs::read_link(&link).ok());
        let theirs = Process(theirs.expect("the peer starts"));
        Some([(Process(ours.expect("the program starts")), terminal), (theirs, self.path("peer.tif"))])
    }

    /// Our own fax machine on a call.
    pub(super) fn machine(&self, query: &str, what: [&str; 2], terms: Terms) -> Process {
        self.machine_with(query, what, terms, &[])
    }

    /// The same with more options.
    pub(super) fn machine_with(&self, query: &str, what: [&str; 2], terms: Terms, more: &[&str]) -> Process {
        let mut command = Command::new(answertone());
        command.args(["call", "--line", &self.line(query), what[0], what[1]]);
        command.args(["--ecm", if terms.ecm { "on" } else { "off" }, "--modems", terms.modems()]);
        command.args(more).arg("--transcript").arg(self.path("transcript.txt"));
        Process::start(command.stdout(Stdio::null()).stderr(self.log("machine")))
    }

    /// Waits until somebody has a number.
    pub(super) fn await_number(&self, number: &str) {
        wait_for(number, || self.exchange.numbers().contains(&number.to_owned()).then_some(()));
    }

    /// A log that [`Bench::told`] shows when a call failed.
    pub(super) fn log(&self, name: &str) -> Stdio {
        Stdio::from(fs::File::create(self.path(&format!("{name}.log"))).expect("there is room for files"))
    }

    /// The end of what all programs said.
    pub(super) fn told(&self) -> String {
        let mut told = String::new();
        for entry in fs::read_dir(&self.folder).expect("the folder is there").flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|kind| kind == "log" || kind == "txt") {
                let text = fs::read(&path).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                let lines: Vec<&str> = text.lines().collect();
                let last = lines[lines.len().saturating_sub(25)..].join("\n");
                told += &format!("--- {}\n{last}\n", path.display());
            }
        }
        told
    }

    /// Pages, each in a file of its own.
    pub(super) fn write_pages(&self, pages: &[Page]) -> Vec<PathBuf> {
        let paths = (1..=pages.len()).map(|number| self.path(&format!("sent{number}.tif")));
        paths.zip(pages).map(|(path, page)| write_tiff(path, &[FilePage::from(page)])).collect()
    }

    /// Pages in one file.
    pub(super) fn write_document(&self, pages: &[Page]) -> PathBuf {
        write_tiff(self.path("sent.tif"), &pages.iter().map(FilePage::from).collect::<Vec<_>>())
    }

    /// These files hold these pages, but for what a host's header may cover.
    pub(super) fn assert_arrived(&self, files: &[PathBuf], sent: &[Page]) {
        let read = |file: &PathBuf| TiffDocument::open(&fs::read(file).ok()?).ok()?.fax_pages().ok();
        let got: Vec<Page> = files.iter().filter_map(read).flatten().collect();
        assert_eq!(got.len(), sent.len(), "pages that arrived\n{}", self.told());
        for (number, (got, sent)) in got.iter().zip(sent).enumerate() {
            assert!(ends_in(got, sent), "page {}: pels differ\n{}", number + 1, self.told());
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // What is there of a call that failed is of use.
        if thread::panicking() {
            return;
        }
        // A folder that stays costs some room in the temporary folder, no more.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Terms {
    /// Our machine's modems.
    fn modems(&self) -> &'static str {
        match self.modem {
            "v27ter" => "v27ter",
            "v29" => "v27ter,v29",
            _ => "v27ter,v29,v17",
        }
    }
}

fn ends_in(received: &Page, sent: &Page) -> bool {
    let rows = &sent.bitmap.octets()[HEADER_ROWS * sent.bitmap.stride()..];
    received.bitmap.octets().ends_with(rows)
}

fn write_tiff(path: PathBuf, pages: &[FilePage<'_>]) -> PathBuf {
    let file = write(pages, &WriteOptions::plain(Profile::F(Coding::Mh))).expect("pages fit a file");
    fs::write(&path, file).expect("there is room for files");
    path
}

/// The peer, built once.
fn peer() -> Option<&'static Path> {
    static PEER: OnceLock<Option<PathBuf>> = OnceLock::new();
    PEER.get_or_init(|| build_peer(&shared("peer", 1)?, &target_folder().join("hosts")).ok()).as_deref()
}

/// Two short pages, no row like the one before.
pub(super) fn two_pages() -> [Page; 2] {
    [page(5), page(11)]
}

fn page(slant: u32) -> Page {
    let (width, height) = (1728, 200);
    let mut bitmap = Bitmap::white(width, height);
    for y in 0..height {
        for x in (y * slant % 64..width).step_by(120 + y as usize % 5) {
            (x..(x + 9).min(width)).for_each(|x| bitmap.set(x, y, true));
        }
    }
    Page { bitmap, resolution: Resolution::Fine }
}
