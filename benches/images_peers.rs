//! Pages per second of our image coders and of other makers', the same page, one run: libtiff by its `tiffcp`, JBIG-KIT by
//! `pbmtojbg85` and `jbgtopbm85`, spandsp by the shared `peer-bench`. Prints a table with ratios; what is not installed is left out.
//!
//! The others run as programs. What `tiffcp` takes to copy the page uncoded and what an empty program takes is subtracted from
//! their times, which favours them: part of that work belongs to coding. Times are those of the processor alone, and the
//! shortest of a program's runs counts, so that other work of the computer weighs little; spandsp's are as its own bench tells.

use std::{
    env, fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use answertone_t30::image::{
    Bitmap, Coding, DecodeLimits, Page, PageDecoder, Resolution, RowEncoding, encode,
    tiff::{FilePage, Profile, WriteOptions, write},
};

const CODINGS: [Coding; 4] = [Coding::Mh, Coding::Mr, Coding::Mmr, Coding::Jbig];

/// Pages in a file, so that starting a program weighs little.
const PAGES: u32 = 20;

/// Runs of which the shortest counts: many short ones, so that one at least meets no other work of the computer.
const RUNS: usize = 25;

/// Our own coders run so long, and so many pages between two looks at the clock.
const LONG_ENOUGH: Duration = Duration::from_secs(1);
const AT_ONCE: u32 = 50;

fn main() {
    let Some(page) = chart_1() else {
        println!("the shared folder has no assets/4-tiff-jbig/itu1.pbm: nothing was measured");
        return;
    };
    let folder = env::temp_dir().join(format!("answertone-images-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the folder of temporary files takes folders");
    println!("ITU chart 1, 1728 x 2376, pages per second; ratio: ours to theirs\n{:<6} {:<7} {:>9}", "", "", "ours");
    let peers = spandsp(&folder, &page);
    for coding in CODINGS {
        let octets = encode(&page, RowEncoding::on_line(coding, 4));
        let ours = [pages_per_second(|| drop(encode(black_box(&page), RowEncoding::on_line(coding, 4)))), {
            pages_per_second(|| {
                let mut decoder = PageDecoder::new(page.width(), coding, DecodeLimits::default());
                decoder.push(black_box(&octets));
                drop(decoder.finish());
            })
        }];
        let theirs = if coding == Coding::Jbig { jbigkit(&folder, &page) } else { libtiff(&folder, &page, coding) };
        for (way, (what, ours)) in ["encode", "decode"].into_iter().zip(ours).enumerate() {
            let mut line = format!("{:<6} {what:<7} {ours:>9.1}", coding.name());
            let name = if coding == Coding::Jbig { "JBIG-KIT" } else { "libtiff" };
            if let Some(theirs) = theirs {
                line += &format!("   {name} {:>8.1} (ratio {:.2})", theirs[way], ours / theirs[way]);
            }
            let peer = peers.iter().find(|(name, _)| *name == format!("{} {what}", coding.name().to_uppercase()));
            if let Some((_, theirs)) = peer {
                line += &format!("   spandsp {theirs:>8.1} (ratio {:.2})", ours / theirs);
            }
            println!("{line}");
        }
    }
    fs::remove_dir_all(&folder).expect("our own folder can be removed");
}

fn chart_1() -> Option<Bitmap> {
    let pbm = fs::read(shared().join("assets/4-tiff-jbig/itu1.pbm")).ok()?;
    let pels = pbm.len().checked_sub(1728 / 8 * 2376)?;
    Some(Bitmap::from_octets(1728, pbm[pels..].to_vec()))
}

fn shared() -> PathBuf {
    env::var_os("ANSWERTONE_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")), PathBuf::from)
}

/// The mean of so many pages that the steps of the clock, some milliseconds, weigh little.
fn pages_per_second(mut run: impl FnMut()) -> f64 {
    let mut pages = 0;
    let mut taken = Duration::ZERO;
    while taken < LONG_ENOUGH {
        taken += time(|| (0..AT_ONCE).for_each(|_| run()));
        pages += AT_ONCE;
    }
    f64::from(pages) / taken.as_secs_f64()
}

fn time(run: impl FnOnce()) -> Duration {
    let begin = processor_time("thread-self");
    run();
    processor_time("thread-self").saturating_sub(begin)
}

/// The time the processor has worked for a task, as Linux tells; elsewhere nothing is measured.
fn processor_time(task: &str) -> Duration {
    let told = fs::read_to_string(format!("/proc/{task}/schedstat")).unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or_default())
}

/// The shortest time of a program; none when it does not run.
fn program(command: impl Fn() -> Command) -> Option<Duration> {
    (0..RUNS).map(|_| time_of_program(command())).min().flatten()
}

fn time_of_program(mut command: Command) -> Option<Duration> {
    let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().ok()?;
    let id = child.id().to_string();
    // Once it has ended and before it is waited for, its time is all there.
    let is_running = || fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while is_running() {
        thread::sleep(Duration::from_millis(1));
    }
    let taken = processor_time(&id);
    child.wait().ok()?.success().then_some(taken)
}

fn tiffcp(compression: &str, from: &Path, to: &Path) -> Option<Duration> {
    program(|| {
        let mut command = Command::new("tiffcp");
        command.args(["-c", compression]).arg(from).arg(to);
        command
    })
}

/// Encoding and decoding by libtiff.
fn libtiff(folder: &Path, page: &Bitmap, coding: Coding) -> Option<[f64; 2]> {
    let compression = match coding {
        Coding::Mh => "g3:1d",
        Coding::Mr => "g3:2d",
        _ => "g4",
    };
    let [first, plain, coded, again] =
        ["first.tif", "plain.tif", "coded.tif", "again.tif"].map(|name| folder.join(name));
    let page = Page { bitmap: page.clone(), resolution: Resolution::Fine };
    let pages: Vec<FilePage<'_>> = (0..PAGES).map(|_| FilePage::from(&page)).collect();
    fs::write(&first, write(&pages, &WriteOptions::plain(Profile::F(Coding::Mmr))).ok()?).ok()?;
    tiffcp("none", &first, &plain)?;
    let copy = tiffcp("none", &plain, &again)?;
    let times = [tiffcp(compression, &plain, &coded)?, tiffcp("none", &coded, &again)?];
    Some(times.map(|time| f64::from(PAGES) / time.saturating_sub(copy).as_secs_f64().max(1e-6)))
}

/// Encoding and decoding by JBIG-KIT's T.85 programs.
fn jbigkit(folder: &Path, page: &Bitmap) -> Option<[f64; 2]> {
    let [pbm, coded, again] = ["page.pbm", "page.t85", "again.pbm"].map(|name| folder.join(name));
    let mut file = format!("P4\n{} {}\n", page.width(), page.height()).into_bytes();
    file.extend(page.octets());
    fs::write(&pbm, file).ok()?;
    let run = |name: &'static str, from: &Path, to: &Path| {
        program(|| {
            let mut command = Command::new(name);
            command.arg(from).arg(to);
            command
        })
    };
    let start = program(|| Command::new("true"))?;
    let times = [run("pbmtojbg85", &pbm, &coded)?, run("jbgtopbm85", &coded, &again)?];
    Some(times.map(|time| 1.0 / time.saturating_sub(start).as_secs_f64().max(1e-6)))
}

/// What the shared peer-bench says, built on the spot; nothing when it does not build.
fn spandsp(folder: &Path, page: &Bitmap) -> Vec<(String, f64)> {
    measured_by_spandsp(folder, page).unwrap_or_default()
}

fn measured_by_spandsp(folder: &Path, page: &Bitmap) -> Option<Vec<(String, f64)>> {
    let build = folder.join("peer");
    fs::create_dir_all(&build).ok()?;
    for entry in fs::read_dir(shared().join("peer")).ok()?.flatten().filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), build.join(entry.file_name())).ok()?;
    }
    Command::new("make").arg("bin/peer-bench").current_dir(&build).output().ok()?;
    libtiff(folder, page, Coding::Mmr)?;
    let one = folder.join("one.tif");
    let first = format!("{},0", folder.join("plain.tif").display());
    Command::new("tiffcp").args(["-c", "none", &first]).arg(&one).status().ok()?;
    let told =
        Command::new(build.join("bin/peer-bench")).args(["--only", "images", "--page"]).arg(&one).output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    Some(told.lines().filter_map(figure).collect())
}

/// `{"name":"MH encode ...", ... "pages_per_s":164.9}`
fn figure(line: &str) -> Option<(String, f64)> {
    let name = line.split("\"name\":\"").nth(1)?.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let value = line.split("\"pages_per_s\":").nth(1)?.trim_end_matches(['}', ',', ' ']);
    Some((name, value.parse().ok()?))
}
