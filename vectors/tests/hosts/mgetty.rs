//! mgetty and its `sendfax`, which leave T.30 to the modem. Debian's packages of them cannot be installed beside HylaFAX's,
//! so `make test` unpacks them into a folder of the build.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use answertone_t30::image::{Bitmap, Page};
use answertone_vectors::program::target_folder;

use super::bench::{Bench, Case, Process, Terms, Way, two_pages, wait_for};

const WAYS: [Way; 2] = [("mgetty's sendfax to our machine", to_ours), ("our machine to mgetty", from_ours)];

/// Each way in each class that mgetty speaks.
pub(super) fn all() -> Vec<Case> {
    let terms = [("c2.0", "v17", true), ("cls2", "v29", false)];
    let cases = WAYS.iter().flat_map(|way| terms.map(|terms| (way, terms)));
    let case = |(way, (class, modem, ecm)): (&Way, (&'static str, &'static str, bool))| Case {
        name: format!("{}, {modem}, {class}", way.0),
        run: way.1,
        terms: Terms { modem, ecm, class },
    };
    cases.map(case).collect()
}

/// Where the packages are unpacked.
fn unpacked(program: &str) -> PathBuf {
    let built = target_folder();
    built.parent().unwrap_or(&built).join("mgetty").join(program)
}

/// Why mgetty cannot be run here, if so.
pub(super) fn cannot_run() -> Option<&'static str> {
    if !unpacked("usr/sbin/sendfax").exists() || !unpacked("sbin/mgetty").exists() {
        return Some("mgetty is not unpacked: make mgetty");
    }
    let apart = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    if apart.is_ok_and(|status| status.success()) {
        None
    } else {
        Some("mgetty writes to fixed folders, which only root may put others in the place of")
    }
}

/// Runs a program with spool, logs and locks of this test's own in the place of the machine's.
const APART: &str = r#"
mkdir -p "$BENCH/spool/fax/incoming" "$BENCH/varlog/mgetty/fax" "$BENCH/lock"
mount --bind "$BENCH/spool" /var/spool
mount --bind "$BENCH/varlog" /var/log
mount --bind "$BENCH/lock" /var/lock
exec "$@"
"#;

fn apart(bench: &Bench, program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-euc", APART, "sh"]).arg(unpacked(program)).env("BENCH", bench.path(""));
    command.current_dir(bench.path("")).stdout(Stdio::null());
    command
}

/// The terminal as mgetty names it: below `/dev`.
fn device(terminal: &Path) -> &Path {
    terminal.strip_prefix("/dev").expect("terminals are devices")
}

fn to_ours(bench: &Bench, terms: Terms) {
    let (pages, got) = (two_pages(), bench.path("got.tif"));
    let mut ours = bench.machine("number=200", ["--receive", &got.to_string_lossy()], terms);
    let (_modem, terminal) = bench.modem("100");
    let mut command = apart(bench, "usr/sbin/sendfax");
    command.args(["-x", "5", "-C", terms.class, "-l"]).arg(device(&terminal)).arg("200");
    command.args(write_g3(bench, &pages)).stderr(bench.log("sendfax"));
    assert!(Process::start(&mut command).ends_well("sendfax"), "{}", told(bench));
    assert!(ours.ends_well("our machine"), "{}", told(bench));
    bench.assert_arrived(&[got], &pages);
}

fn from_ours(bench: &Bench, terms: Terms) {
    let pages = two_pages();
    let file = bench.write_document(&pages);
    let (_modem, terminal) = bench.modem("100");
    let mut command = apart(bench, "sbin/mgetty");
    command.args(["-F", "-x", "5", "-n", "1", "-C", terms.class]).arg(device(&terminal));
    let mut mgetty = Process::start(command.stderr(bench.log("mgetty")));
    let log = bench.path("varlog/mgetty");
    wait_for("mgetty", || read_all(&log).filter(|text| text.contains("waiting...")));
    let mut ours = bench.machine("number=200&dial=100", ["--send", &file.to_string_lossy()], terms);
    assert!(ours.ends_well("our machine"), "{}", told(bench));
    mgetty.ends_well("mgetty");
    let incoming = fs::read_dir(bench.path("spool/fax/incoming")).expect("the spool has it").flatten();
    let mut files: Vec<PathBuf> = incoming.map(|entry| entry.path()).collect();
    files.sort();
    assert_eq!(files.len(), pages.len(), "{}", told(bench));
    for (file, sent) in files.iter().zip(&pages) {
        assert!(read_g3(file).octets() == sent.bitmap.octets(), "pels differ\n{}", told(bench));
    }
}

/// What mgetty and the others wrote down.
fn told(bench: &Bench) -> String {
    let logs = ["varlog/mgetty", "varlog/mgetty/fax"].map(|folder| read_all(&bench.path(folder)).unwrap_or_default());
    let lines: Vec<&str> = logs.iter().flat_map(|log| log.lines()).collect();
    lines[lines.len().saturating_sub(60)..].join("\n") + &bench.told()
}

/// All files of a folder, one behind the other.
fn read_all(folder: &Path) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let texts = entries.filter_map(|entry| fs::read(entry.path()).ok());
    Some(texts.map(|text| String::from_utf8_lossy(&text).into_owned()).collect())
}

/// Pages in mgetty's form, by its own converter.
fn write_g3(bench: &Bench, pages: &[Page]) -> Vec<PathBuf> {
    let write = |(number, page): (usize, &Page)| {
        let (pbm, g3) = (bench.path(&format!("sent{number}.pbm")), bench.path(&format!("sent{number}.g3")));
        fs::write(&pbm, to_pbm(&page.bitmap)).expect("there is room for files");
        let out = fs::File::create(&g3).expect("there is room for files");
        let converted = Command::new(unpacked("usr/bin/pbm2g3")).arg(&pbm).stdout(out).status();
        assert!(converted.is_ok_and(|status| status.success()), "pbm2g3 fails");
        g3
    };
    pages.iter().enumerate().map(write).collect()
}

/// A page in mgetty's form, by its own converter.
fn read_g3(file: &Path) -> Bitmap {
    let converted = Command::new(unpacked("usr/bin/g32pbm")).arg(file).output().expect("the converter starts");
    from_pbm(&converted.stdout).expect("it makes a bitmap")
}

fn to_pbm(bitmap: &Bitmap) -> Vec<u8> {
    let header = format!("P4\n{} {}\n", bitmap.width(), bitmap.height()).into_bytes();
    header.into_iter().chain(bitmap.octets().iter().copied()).collect()
}

fn from_pbm(file: &[u8]) -> Option<Bitmap> {
    let mut fields = file.splitn(4, |octet| octet.is_ascii_whitespace());
    let mut number = || std::str::from_utf8(fields.next()?).ok();
    let (kind, width, height) = (number()?, number()?.parse().ok()?, number()?.parse().ok()?);
    let octets = fields.next()?;
    let mut bitmap = Bitmap::white(width, height);
    for y in 0..height {
        for x in 0..width {
            let place = y as usize * width.div_ceil(8) as usize + x as usize / 8;
            bitmap.set(x, y, octets.get(place)? >> (7 - x % 8) & 1 == 1);
        }
    }
    (kind == "P4").then_some(bitmap)
}
