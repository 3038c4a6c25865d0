//! The gateway dies at its n-th operation on the store, or at its n-th page, for every n: nothing may be lost, nothing but
//! the page in flight may come twice, and the sender is told once.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use answertone_gateway::{
    config::Config,
    service::{Happening, Options, Service},
};

use crate::{
    daemon::{Sink, wait_for},
    mail::{submit, text_mail},
    pages::{Seen, fax_pages, rendered},
};

const FOLDER: &str = "ANSWERTONE_TEST_FOLDER";
const OPERATION: &str = "ANSWERTONE_TEST_DIES_AT_OPERATION";
const PAGE: &str = "ANSWERTONE_TEST_DIES_AT_PAGE";
/// Every so many-th operation; 1 for all of them.
const EVERY: &str = "ANSWERTONE_TEST_EVERY";
const USUALLY_EVERY: usize = 13;

/// Where the gateway dies.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Nowhere,
    Operation(usize),
    Page(usize),
}

impl Fault {
    fn is_odd(self) -> bool {
        matches!(self, Self::Operation(n) | Self::Page(n) if n % 2 == 1)
    }
}

/// The gateway as a process of its own, begun by the test below.
#[test]
#[ignore = "no test: the process that the tests beside it start and kill"]
fn gateway_that_dies() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let config = Config::read(&Path::new(&folder).join("answertone.toml")).unwrap();
    let at = |name| std::env::var(name).ok().and_then(|n| n.parse::<usize>().ok());
    let dies_at = move |n: Option<usize>, count: &AtomicUsize| {
        if n.is_some_and(|n| count.fetch_add(1, Ordering::Relaxed) + 1 == n) {
            // SIGKILL: nothing is put right on the way out.
            let _ = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
        }
    };
    let (operation, page) = (at(OPERATION), at(PAGE));
    let operations = AtomicUsize::new(0);
    let (to, mut happenings) = tokio::sync::mpsc::unbounded_channel();
    let options = Options {
        happenings: Some(to),
        operations: Some(Arc::new(move || dies_at(operation, &operations))),
        ..Options::default()
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let _service = Service::start(config, options).await.unwrap();
        let pages = AtomicUsize::new(0);
        while let Some(happening) = happenings.recv().await {
            if matches!(happening, Happening::PageSent { .. } | Happening::PageKept { .. }) {
                dies_at(page, &pages);
            }
        }
    });
}

fn start(folder: &Path, fault: Fault) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "injected::gateway_that_dies"]).env(FOLDER, folder);
    match fault {
        Fault::Nowhere => {}
        Fault::Operation(n) => drop(command.env(OPERATION, n.to_string())),
        Fault::Page(n) => drop(command.env(PAGE, n.to_string())),
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Whether the gateway died of the fault; else all was over before it came to that. At every other place pages lie in a
/// folder of their own.
fn one(fault: Fault, url: Option<&str>) -> bool {
    let (sink, dir, port) = (Sink::new(), tempfile::tempdir().unwrap(), Sink::free_port());
    let (store, url) = (dir.path().join("store"), url.unwrap_or_default());
    let pages = if fault.is_odd() { format!("file://{}/pages", dir.path().display()) } else { String::new() };
    let config = format!(
        "hostname = \"fax.example\"\n[smtp]\nlisten = [\"127.0.0.1:{port}\"]\n[relay]\nport = {}\ntls = \"none\"\nretry_s = [1]\n\
         [store]\ndir = {store:?}\nurl = {url:?}\npages = {pages:?}\nlease_s = 1\n[identity]\nstation = \"+1 555 0100\"\n[offramp]\nattempts = 20\n\
         retry_s = [0]\n[onramp]\nmailbox = \"office@office.example\"\n[[line]]\nname = \"sim\"\nuri = \"sim:?far=onramp&snr=35\"\n",
        sink.port
    );
    std::fs::write(dir.path().join("answertone.toml"), config).unwrap();
    let mail = text_mail("injected", "The first page.\x0cThe second page.");
    let mut submitted = false;
    let mut submit_to = |child: &mut Child| {
        while !submitted && child.try_wait().unwrap().is_none() {
            let to = "FAX=+15550100@fax.example";
            submitted = submit(port, "me@office.example", to, " NOTIFY=SUCCESS,FAILURE", &mail).is_ok();
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    let told = || sink.distinct().iter().filter(|mail| mail.contains("report-type")).count();
    let mut child = start(dir.path(), fault);
    submit_to(&mut child);
    let complete = || sink.find("Message-Context: fax-message").is_some() && told() > 0;
    wait_for("an end", || complete() || child.try_wait().unwrap().is_some());
    let died = child.try_wait().unwrap().is_some();
    let mut second = died.then(|| start(dir.path(), Fault::Nowhere));
    if let Some(second) = &mut second {
        submit_to(second);
    }
    wait_for("fax and notice", complete);
    let mut seen = Seen::default();
    seen.expect(0, rendered(&mail));
    for mail in sink.distinct().iter().filter(|mail| mail.contains("Message-Context: fax-message")) {
        seen.arrived(&fax_pages(mail));
    }
    assert!(seen.repeated() <= 1, "{fault:?}: more than the page in flight came twice");
    assert_eq!(told(), 1, "{fault:?}: the sender is told once");
    for mut child in [Some(child), second].into_iter().flatten() {
        let _ = child.kill();
        let _ = child.wait();
    }
    died
}

fn every() -> usize {
    std::env::var(EVERY).ok().and_then(|every| every.parse().ok()).unwrap_or(USUALLY_EVERY)
}

#[test]
fn dying_at_any_operation_or_page_loses_nothing_and_tells_the_sender_once() {
    let mut operation = 1;
    while one(Fault::Operation(operation), None) {
        operation += every();
    }
    let mut page = 1;
    while one(Fault::Page(page), None) {
        page += 1;
    }
    println!("died at every {}. of {operation} operations and at each of {} pages", every(), page - 1);
    assert!(operation > USUALLY_EVERY && page > 4, "there is more to die at");
}

#[test]
fn dying_at_any_operation_on_postgres_loses_nothing_either() {
    let Some(server) = crate::postgres::Server::start(1) else { return };
    let mut operation = 1;
    while one(Fault::Operation(operation), Some(&server.database(&format!("died{operation}")))) {
        operation += 2 * every();
    }
    println!("died at every {}. of {operation} operations", 2 * every());
}
