//! The page under load: 1,000 jobs in the list, 50 live calls, ten who watch them. Measures and prints.

use std::{
    fmt::Write as _,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use answertone_gateway::store::{NewMessage, NewRecipient, Store};

use super::{Gateway, config_of, set_user};

const JOBS: usize = 1000;
/// Calls between two lines of the gateway: each is two live calls.
const PAIRS: usize = 25;
const WATCHERS: usize = 10;
/// Stretches of time, by turns without and with watchers.
const STRETCHES: usize = 6;
const STRETCH: Duration = Duration::from_secs(15);
/// Times that each page is asked for.
const TIMES: usize = 20;

/// Messages in the queue, each to so many numbers.
pub(crate) async fn fill(folder: &Path, messages: usize, recipients: usize) {
    let store = Store::open(&folder.join("store")).await.unwrap();
    for message in 0..messages {
        let number = |recipient: usize| format!("+1555{:05}", message * recipients + recipient);
        let recipients =
            (0..recipients).map(|recipient| NewRecipient { number: number(recipient), ..NewRecipient::default() });
        let new = NewMessage {
            identity: Some(format!("message {message}")),
            mail_from: "anna@office.example".into(),
            raw: letter(message),
            recipients: recipients.collect(),
            ..NewMessage::default()
        };
        store.accept(&new).await.unwrap();
    }
}

/// Pages of text, so that a call takes minutes.
fn letter(number: usize) -> Vec<u8> {
    let mut text = format!("Subject: Letter {number}\r\nContent-Type: text/plain\r\n\r\n");
    for line in 0..600 {
        let _ = write!(text, "{line} of a letter that is read by nobody, and takes its time on the line.\r\n");
    }
    text.into_bytes()
}

/// Pairs of lines that are connected, on ports that are free now.
pub(crate) fn lines(scheme: &str, pairs: usize) -> String {
    let mut lines = String::new();
    for pair in 0..pairs {
        let sockets: Vec<_> = (0..2).map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
        let [one, other] = [0, 1].map(|end: usize| sockets[end].local_addr().unwrap());
        for (name, purpose, local, remote) in [("out", "send", one, other), ("in", "receive", other, one)] {
            let uri = format!("{scheme}:local={local}&remote={remote}");
            let _ = write!(lines, "[[line]]\nname = \"{name} {pair}\"\nuri = \"{uri}\"\nuse = \"{purpose}\"\n");
        }
    }
    lines
}

/// A cookie of a session.
pub(crate) fn session(gateway: &Gateway) -> String {
    let body = "form=f&name=anna&password=correct+horse";
    let answer = gateway.http(&format!(
        "POST /login\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nCookie: answertone_form=f\r\n\r\n{body}",
        body.len()
    ));
    let cookie =
        answer.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).find(|cookie| !cookie.contains("form"));
    cookie.unwrap_or_else(|| panic!("{answer}")).split(';').next().unwrap().to_owned()
}

pub(crate) fn page(gateway: &Gateway, cookie: &str, path: &str) -> String {
    gateway.http(&format!("GET {path}\r\nCookie: {cookie}\r\n"))
}

/// A number of /metrics.
fn metric(gateway: &Gateway, name: &str) -> f64 {
    let text = gateway.http("GET /metrics");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name}: {text}")).trim().parse().unwrap()
}

pub(crate) fn live_calls(gateway: &Gateway, cookie: &str) -> Vec<String> {
    let text = page(gateway, cookie, "/");
    let mut calls: Vec<String> = text
        .split("href=\"")
        .filter(|part| part.starts_with("/calls/"))
        .map(|part| part.split('"').next().unwrap().to_owned())
        .collect();
    calls.dedup();
    calls
}

/// Times of a page in milliseconds, from the shortest to the longest.
fn times(gateway: &Gateway, cookie: &str, path: &str) -> Vec<f64> {
    let mut times: Vec<f64> = (0..TIMES)
        .map(|_| {
            let begun = Instant::now();
            let answer = page(gateway, cookie, path);
            assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {}", &answer[..answer.len().min(200)]);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

/// What a browser does that shows a live call: the page, and the picture of the fax as it grows.
fn watch(gateway: &Gateway, cookie: &str, call: &str, until: &AtomicBool, seen: &AtomicUsize) {
    while !until.load(Relaxed) {
        let text = page(gateway, cookie, call);
        if let Some(picture) =
            text.split("src=\"").find_map(|part| part.starts_with("/calls/").then(|| part.split('"').next().unwrap()))
        {
            page_of_picture(gateway, cookie, picture);
        }
        seen.fetch_add(1, Relaxed);
        thread::sleep(Duration::from_millis(500));
    }
}

fn page_of_picture(gateway: &Gateway, cookie: &str, path: &str) {
    gateway.octets(&format!("GET {path}\r\nCookie: {cookie}\r\n"));
}

/// Blocks, late blocks, and how late all were together in microseconds.
fn punctuality(gateway: &Gateway) -> [f64; 3] {
    ["blocks_total", "late_blocks_total", "lateness_microseconds_total"]
        .map(|name| metric(gateway, &format!("answertone_engine_{name}")))
}

#[test]
#[ignore = "it measures and prints for minutes; run it by its name with --ignored --nocapture"]
fn a_thousand_jobs_fifty_calls_and_ten_who_watch() {
    let folder = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(fill(folder.path(), JOBS / PAIRS, PAIRS));
    let config = config_of(folder.path(), &lines("rtp", PAIRS));
    set_user(&config, "anna", "correct horse");
    let gateway = Gateway::serve(folder, &config);
    let cookie = session(&gateway);
    let begun = Instant::now();
    while live_calls(&gateway, &cookie).len() < 2 * PAIRS && begun.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_secs(1));
    }
    let calls = live_calls(&gateway, &cookie);
    println!("{JOBS} jobs, {} live calls", calls.len());
    assert_eq!(calls.len(), 2 * PAIRS, "{}", gateway.log());

    println!("{:<28} {:>9} {:>9} {:>9}", "page, ms", "median", "19 of 20", "longest");
    let paths = [
        "/",
        "/queue",
        "/queue?tab=all",
        "/queue?tab=all&page=2",
        "/jobs/1",
        "/send",
        "/inbox",
        "/search?q=555",
        "/destinations",
        "/log",
        "/score",
        "/users",
        "/configuration",
        &calls[0],
    ];
    for path in paths {
        let times = times(&gateway, &cookie, path);
        println!("{path:<28} {:>9.1} {:>9.1} {:>9.1}", times[TIMES / 2], times[TIMES - 2], times[TIMES - 1]);
    }

    println!("{:<28} {:>9} {:>12} {:>15} {:>8}", "engine", "blocks", "10 ms late", "mean lateness", "looks");
    for stretch in 0..STRETCHES {
        let (watchers, until, seen) = (stretch % 2 * WATCHERS, AtomicBool::new(false), AtomicUsize::new(0));
        let before = punctuality(&gateway);
        thread::scope(|scope| {
            for watcher in 0..watchers {
                let call = &calls[watcher * calls.len() / WATCHERS];
                let (gateway, cookie, until, seen) = (&gateway, &cookie, &until, &seen);
                scope.spawn(move || watch(gateway, cookie, call, until, seen));
            }
            thread::sleep(STRETCH);
            until.store(true, Relaxed);
        });
        let after = punctuality(&gateway);
        let [blocks, late, total] = std::array::from_fn(|place| after[place] - before[place]);
        let name = format!("{watchers} watchers");
        let (share, mean) = (100.0 * late / blocks, total / blocks / 1000.0);
        println!("{name:<28} {blocks:>9} {share:>10.3} % {mean:>12.3} ms {:>8}", seen.load(Relaxed));
        assert!(blocks > 0.0, "the calls went by the engine");
    }
    println!("latest block of all: {:.1} ms", 1e3 * metric(&gateway, "answertone_engine_worst_lateness_seconds"));
}
