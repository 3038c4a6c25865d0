//! efax: a program for one modem and one user. It has no error correction.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use answertone_t30::image::Page;
use answertone_vectors::program::installed;

use super::bench::{Bench, Case, Process, Terms, Way, two_pages, wait_for};

const WAYS: [Way; 6] = [
    ("efax to our machine", to_ours),
    ("our machine to efax", from_ours),
    ("efax to efax", to_itself),
    ("efax to the peer", to_peer),
    ("the peer to efax", from_peer),
    ("efax to a simulated line", to_simulated),
];

/// Why efax cannot be run here, if so.
pub(super) fn cannot_run() -> Option<&'static str> {
    if installed("efax").is_some() { None } else { Some("efax is not installed") }
}

/// Each way once, each modem at least once; Class 2.0 and 2 with our machine.
pub(super) fn few() -> Vec<Case> {
    let modems = ["v17", "v29", "v27ter", "v17", "v29", "v17"];
    let first = WAYS.iter().zip(modems).map(|(way, modem)| case(way, modem, "1"));
    let second = [case(&WAYS[0], "v17", "2.0"), case(&WAYS[1], "v17", "2.0"), case(&WAYS[0], "v29", "2")];
    first.chain(second).collect()
}

/// Each way by each modem in each class.
pub(super) fn all() -> Vec<Case> {
    let terms = ["1", "2", "2.0"].into_iter().flat_map(|class| ["v27ter", "v29", "v17"].map(|modem| (modem, class)));
    WAYS.iter().flat_map(|way| terms.clone().map(|(modem, class)| case(way, modem, class))).collect()
}

fn case(way: &Way, modem: &'static str, class: &'static str) -> Case {
    let terms = Terms { modem, ecm: false, class };
    Case { name: format!("{}, {modem}, class {class}", way.0), run: way.1, terms }
}

/// efax's numbers of rates: 4800, 9600 by V.29, 14400.
fn rate(terms: Terms) -> &'static str {
    match terms.modem {
        "v27ter" => "1",
        "v29" => "3",
        _ => "5",
    }
}

fn efax(bench: &Bench, terminal: &Path, terms: Terms, log: &str) -> Command {
    let mut command = Command::new("efax");
    command.current_dir(bench.path("")).arg("-d").arg(terminal).args(["-v", "ewinchmrt", "-l", "5550100"]);
    // efax's names of the classes.
    let class = if terms.class == "2.0" { "0" } else { terms.class };
    command.arg(format!("-o{class}")).args(["-c", &format!("1,{},0,2,0,0,0,0", rate(terms))]);
    command.stderr(bench.log(log)).stdout(Stdio::null());
    command
}

fn sends(bench: &Bench, terminal: &Path, number: &str, files: &[PathBuf], terms: Terms) {
    let mut command = efax(bench, terminal, terms, "efax-sends");
    command.args(["-h", " ", "-t", &format!("T{number}")]).args(files);
    assert!(Process::start(&mut command).ends_well("efax"), "efax is not content\n{}", bench.told());
}

/// efax waits for a call; it is ready when this returns.
fn waits(bench: &Bench, terminal: &Path, terms: Terms) -> Process {
    let mut command = efax(bench, terminal, terms, "efax-receives");
    let process = Process::start(command.args(["-w", "-iS0=1", "-r", "got"]));
    let log = bench.path("efax-receives.log");
    wait_for("efax", || fs::read_to_string(&log).ok().filter(|text| text.contains("waiting for activity")));
    process
}

/// The files of pages that efax receives.
fn received(bench: &Bench) -> [PathBuf; 2] {
    [bench.path("got.001"), bench.path("got.002")]
}

/// These pages and a white row more: efax leaves out the row that no end-of-line code follows.
fn longer(pages: &[Page]) -> Vec<Page> {
    let mut pages = pages.to_vec();
    pages.iter_mut().for_each(|page| {
        page.bitmap.push_white_row();
    });
    pages
}

fn to_ours(bench: &Bench, terms: Terms) {
    let (pages, got) = (two_pages(), bench.path("got.tif"));
    let mut ours = bench.machine("number=200", ["--receive", &got.to_string_lossy()], terms);
    let (_modem, terminal) = bench.modem("100");
    sends(bench, &terminal, "200", &bench.write_pages(&longer(&pages)), terms);
    assert!(ours.ends_well("our machine"), "{}", bench.told());
    bench.assert_arrived(&[got], &pages);
}

fn from_ours(bench: &Bench, terms: Terms) {
    let pages = two_pages();
    let file = bench.write_document(&pages);
    let (_modem, terminal) = bench.modem("100");
    let mut efax = waits(bench, &terminal, terms);
    let mut ours = bench.machine("number=200&dial=100", ["--send", &file.to_string_lossy()], terms);
    assert!(ours.ends_well("our machine"), "{}", bench.told());
    assert!(efax.ends_well("efax"), "{}", bench.told());
    bench.assert_arrived(&received(bench), &pages);
}

fn to_itself(bench: &Bench, terms: Terms) {
    let pages = two_pages();
    let ((_called, called), (_calling, calling)) = (bench.modem("100"), bench.modem("101"));
    let mut receiver = waits(bench, &called, terms);
    sends(bench, &calling, "100", &bench.write_pages(&longer(&pages)), terms);
    assert!(receiver.ends_well("efax"), "{}", bench.told());
    bench.assert_arrived(&received(bench), &pages);
}

fn to_peer(bench: &Bench, terms: Terms) {
    let (pages, got) = (two_pages(), bench.path("peer.tif"));
    let receive = ["--receive", &got.to_string_lossy(), "--ecm", "off"];
    let Some([(modem, terminal), (mut peer, _)]) = bench.modem_beside_peer(&receive) else { return };
    sends(bench, &terminal, "200", &bench.write_pages(&longer(&pages)), terms);
    // The end of its input is the end of the peer's call.
    drop(modem);
    assert!(peer.ends_well("the peer"), "{}", bench.told());
    bench.assert_arrived(&[got], &pages);
}

fn from_peer(bench: &Bench, terms: Terms) {
    let pages = two_pages();
    let file = bench.write_document(&pages);
    let send = ["--send", &file.to_string_lossy(), "--ecm", "off"];
    let Some([(modem, terminal), (mut peer, _)]) = bench.modem_beside_peer(&send) else { return };
    // Without a bell efax answers at once.
    let mut efax = Process::start(efax(bench, &terminal, terms, "efax-receives").args(["-r", "got"]));
    assert!(efax.ends_well("efax"), "{}", bench.told());
    // The end of its input is the end of the peer's call.
    drop(modem);
    assert!(peer.ends_well("the peer"), "{}", bench.told());
    bench.assert_arrived(&received(bench), &pages);
}

/// The far end of a simulated line takes whatever comes and judges it.
fn to_simulated(bench: &Bench, terms: Terms) {
    let (_modem, terminal) = bench.modem_on("sim:");
    sends(bench, &terminal, "200", &bench.write_pages(&longer(&two_pages())), terms);
}
