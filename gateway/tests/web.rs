//! The operator's page as people use it, in a browser; and as machines do, by HTTP.

mod browser;
mod load;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use answertone_gateway::ifax::pdf_of_pages;
use answertone_t30::image::{Bitmap, Page, Resolution};
use browser::{Browser, PATIENCE};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_answertone");

/// What a step gives that the system does not bound by itself.
fn within<T: Send + 'static>(what: &str, step: impl FnOnce() -> T + Send + 'static) -> T {
    let (give, take) = mpsc::channel();
    thread::spawn(move || give.send(step()));
    take.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{what}: {error} after {PATIENCE:?} at most"))
}

/// The configuration of a gateway with a page and these lines.
fn config_of(folder: &Path, lines: &str) -> PathBuf {
    let (store, logs) = (folder.join("store"), folder.join("logs"));
    let config = format!(
        "hostname = \"fax.example\"\n[smtp]\nlisten = []\n[relay]\nport = 1\ntls = \"none\"\n[store]\ndir = {store:?}\n\
         [identity]\nstation = \"+1 555 0100\"\n[offramp]\nretry_s = [3600]\n\
         [onramp]\nmailbox = \"anna@office.example\"\n[web]\nlisten = [\"127.0.0.1:0\"]\noperators = [\"anna\"]\n\
         [log]\nformat = \"json\"\ntranscripts = {logs:?}\nrecordings = {logs:?}\n{lines}"
    );
    let path = folder.join("answertone.toml");
    fs::write(&path, config).unwrap();
    path
}

fn set_user(config: &Path, user: &str, password: &str) {
    let mut command = Command::new(PROGRAM);
    let mailbox = format!("{user}@office.example");
    command.args(["user", "set", user, "--password", "--mailbox", &mailbox, "--config"]).arg(config);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    assert!(within("user set", move || child.wait().unwrap()).success());
}

/// A gateway with its page.
struct Gateway {
    child: Child,
    folder: TempDir,
    /// Such as `127.0.0.1:40000`.
    host: String,
}

impl Gateway {
    fn start(line: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config_of(folder.path(), &format!("[[line]]\nname = \"one\"\nuri = {line:?}\n"));
        set_user(&config, "anna", "correct horse");
        set_user(&config, "bert", "battery staple");
        Self::serve(folder, &config)
    }

    fn serve(folder: TempDir, config: &Path) -> Self {
        let log = fs::File::create(folder.path().join("log.json")).unwrap();
        let mut command = Command::new(PROGRAM);
        let mut child =
            command.arg("serve").arg("--config").arg(config).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let said = within("the first line of serve", move || {
            let mut said = String::new();
            stdout.read_line(&mut said).map(|_| said).unwrap()
        });
        let host = said.trim().rsplit_once("http://").unwrap_or_else(|| panic!("{said:?}")).1;
        Self { child, host: host.trim_end_matches('/').to_owned(), folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// The head and the body of an answer to a request.
    fn http(&self, request: &str) -> String {
        String::from_utf8(self.octets(request)).unwrap()
    }

    fn octets(&self, request: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (line, rest) = request.split_once("\r\n").unwrap_or((request, ""));
        let whole = format!("{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{rest}\r\n", self.host);
        stream.write_all(whole.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log.json")).unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A page with slanted bars, as a PDF: no row is like the one above, so that it takes its time on the line.
fn letter(folder: &Path) -> PathBuf {
    let mut bitmap = Bitmap::white(1728, 2200);
    for y in (200..2100).filter(|y| y / 60 % 2 == 0) {
        (200..1500).filter(|x| (x + y) / 20 % 3 != 0).for_each(|x| bitmap.set(x, y, true));
    }
    let page = Arc::new(Page { bitmap, resolution: Resolution::Fine });
    let path = folder.join("letter.pdf");
    fs::write(&path, pdf_of_pages([&*page].into_iter())).unwrap();
    path
}

fn log_in(browser: &mut Browser, gateway: &Gateway, user: &str, password: &str) {
    browser.go(&gateway.url("/"));
    assert!(browser.text().contains("Log in to Answertone"));
    browser.fill("input[name=name]", user);
    browser.fill("input[name=password]", password);
    browser.follow("form button");
}

/// `axe-core`, where the makefile has fetched it.
fn axe() -> Option<String> {
    let named = std::env::var_os("ANSWERTONE_AXE").map(PathBuf::from);
    let path = named.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("../axe/axe.min.js"));
    fs::read_to_string(path).ok()
}

/// What axe finds wrong with the page that is open.
fn barriers(browser: &mut Browser, axe: &str) -> String {
    browser.value(&format!("{axe}; true"));
    let found = browser.value(
        "axe.run().then((found) => found.violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.html).join(' | ')).join('\\n'))",
    );
    found.as_str().expect("axe gives a text").to_owned()
}

fn send(browser: &mut Browser, gateway: &Gateway, document: &Path, number: &str) {
    browser.go(&gateway.url("/send"));
    browser.fill("input[name=to]", number);
    browser.fill("input[name=subject]", "A letter with bars");
    browser.choose("input[type=file]", document);
    browser.wait("document.querySelector('[data-chosen] li')");
    browser.follow("main form button.primary");
}

#[test]
fn a_fax_is_sent_watched_found_and_cancelled_in_a_browser() {
    let Some(mut browser) = Browser::start() else {
        answertone_vectors::not_run(12, "the operator's page in a browser; install chromium");
        return;
    };
    let gateway = Gateway::start("sim:?far=onramp&snr=35&pace=real");
    let document = letter(gateway.folder.path());

    browser.go(&gateway.url("/queue"));
    browser.picture("login");
    browser.fill("input[name=name]", "anna");
    browser.fill("input[name=password]", "wrong");
    browser.follow("form button");
    assert!(browser.text().contains("Name or password is wrong"));
    log_in(&mut browser, &gateway, "anna", "correct horse");
    assert!(browser.text().contains("Idle"));

    send(&mut browser, &gateway, &document, "+15550101");
    assert!(browser.value("location.pathname").as_str().unwrap().starts_with("/jobs/"), "{}", browser.text());

    // Live: the answering side has the points and the page that grows.
    browser.go(&gateway.url("/"));
    browser.wait("document.querySelectorAll('a[href^=\"/calls/\"]').length === 2");
    browser.picture("now");
    browser.follow("a[href^=\"/calls/fax-\"]");
    browser.wait("document.querySelectorAll('.points circle').length > 20");
    let rows = "(document.querySelector('.paper img')?.naturalHeight ?? 0)";
    browser.wait(&format!("{rows} > 20"));
    let before = browser.value(rows).as_i64().unwrap();
    browser.wait(&format!("{rows} > {before}"));
    browser.picture("call");
    browser.scheme("dark");
    browser.picture("call-dark");
    browser.scheme("light");
    browser.size(390, 800);
    browser.picture("call-phone");
    browser.size(1280, 900);
    // So has the sending side, whose modem hears no page.
    browser.go(&gateway.url("/"));
    browser.follow("a[href^=\"/calls/call-\"]");
    browser.wait(&format!("{rows} > 20"));
    browser.picture("call-sending");

    // A second one waits, and is cancelled.
    send(&mut browser, &gateway, &document, "+15550102");
    browser.picture("job");
    browser.follow("form[action$=cancel] button");
    browser.wait("document.querySelector('.state.cancelled')");

    // It arrives.
    browser.go(&gateway.url("/jobs/1"));
    browser.wait("document.querySelector('.state.done')");
    browser.picture("job-done");
    browser.go(&gateway.url("/inbox"));
    browser.wait("document.querySelector('.state.complete')");
    browser.picture("inbox");
    browser.follow("table a");
    browser.wait("document.querySelector('.sheets img')?.naturalWidth > 400");
    browser.picture("fax");
    let pdf = "fetch(document.querySelector('a[href$=\"fax.pdf\"]').href).then((answer) => answer.text()).then((text) => text.slice(0, 5))";
    assert_eq!(browser.value(pdf), "%PDF-");
    browser.go(&gateway.url("/search?q=bars"));
    assert!(browser.text().contains("+15550101"));
    browser.go(&gateway.url("/search?q=%25"));
    assert!(!browser.text().contains("+15550101"), "a sign of patterns is a sign like others");

    // Everything can be read without scripts, by keyboard and screen reader, on a telephone and in the dark.
    let paths = [
        "/",
        "/send",
        "/queue?tab=all",
        "/jobs/1",
        "/inbox",
        "/inbox/1",
        "/search?q=555",
        "/destinations",
        "/destinations/+15550101",
        "/log",
        "/score",
        "/users",
        "/configuration",
    ];
    let axe = axe();
    if axe.is_none() {
        answertone_vectors::not_run(2 * paths.len(), "pages through axe-core; `make test` fetches it");
    }
    for path in paths {
        for scheme in ["light", "dark"] {
            browser.scheme(scheme);
            browser.go(&gateway.url(path));
            let name = path.split(['?', '+']).next().unwrap().replace('/', "-");
            browser.picture(&format!("page{name}-{scheme}"));
            if let Some(axe) = &axe {
                assert_eq!(barriers(&mut browser, axe), "", "{path} {scheme}");
            }
        }
        browser.scheme("light");
        browser.size(390, 800);
        let wide = browser.value("document.documentElement.scrollWidth").as_i64().unwrap();
        assert!(wide <= 390, "{path} is {wide} wide on a telephone");
        browser.picture(&format!("phone{}", path.split(['?', '+']).next().unwrap().replace('/', "-")));
        browser.size(1280, 900);
    }
    browser.ask("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": true}));
    browser.ask("Page.navigate", serde_json::json!({"url": gateway.url("/queue?tab=all")}));
    browser.ask("Emulation.setScriptExecutionDisabled", serde_json::json!({"value": false}));
    browser.wait("document.body?.innerText.includes('+15550102')");

    // Somebody else sees none of it, and may do none of it.
    browser.go(&gateway.url("/"));
    browser.follow(".who button");
    log_in(&mut browser, &gateway, "bert", "battery staple");
    browser.go(&gateway.url("/queue?tab=all"));
    assert!(browser.text().contains("Nothing here."));
    for (path, status) in [
        ("/jobs/1", 404),
        ("/inbox/1", 404),
        ("/inbox/1/pages/1", 404),
        ("/jobs/1/pages/0", 404),
        ("/users", 403),
        ("/log", 403),
        ("/log.csv", 403),
        ("/score", 403),
        ("/configuration", 403),
        ("/destinations", 403),
        ("/calls/call-1-1", 404),
    ] {
        let status_of = format!("fetch({path:?}).then((answer) => answer.status)");
        assert_eq!(browser.value(&status_of), status, "{path}");
    }
    browser.go(&gateway.url("/users"));
    browser.picture("refused");
    assert!(browser.text().contains("not for you"));
    let forged = "fetch('/jobs/1/cancel', {method: 'POST', body: new URLSearchParams({token: 'x'})}).then((answer) => answer.status)";
    assert_eq!(browser.value(forged), 403);
    let token = "document.querySelector('input[name=token]').value";
    browser.go(&gateway.url("/queue"));
    let others = format!(
        "fetch('/jobs/2/retry', {{method: 'POST', body: new URLSearchParams({{token: {token}}})}}).then((answer) => answer.status)"
    );
    assert_eq!(browser.value(&others), 404);

    // What the machines see of all that.
    let metrics = gateway.http("GET /metrics");
    assert!(metrics.contains("answertone_calls_total{way=\"in\",cause=\"none\"} 1"), "{metrics}");
    assert!(metrics.contains("answertone_pages_total{way=\"out\"} 1"), "{metrics}");
    let call = gateway
        .log()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find(|line: &serde_json::Value| line["message"] == "call over" && line["way"] == "out");
    assert_eq!(call.unwrap()["span"]["call"], "call-1-1");
    let transcript = fs::read_to_string(gateway.folder.path().join("logs/fax-1.txt")).unwrap();
    assert!(transcript.contains("DCS") && transcript.contains("MCF"), "{transcript}");
    assert!(gateway.folder.path().join("logs/call-1-1.wav").exists());
}

#[test]
fn a_call_by_t38_is_seen_live_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(load::fill(folder.path(), 1, 1));
    let config = config_of(folder.path(), &load::lines("t38", 1));
    set_user(&config, "anna", "correct horse");
    let gateway = Gateway::serve(folder, &config);
    let cookie = load::session(&gateway);
    let seen = |what: &str, is: &dyn Fn(&str) -> bool| {
        let begun = Instant::now();
        loop {
            let pages: Vec<String> =
                load::live_calls(&gateway, &cookie).iter().map(|call| load::page(&gateway, &cookie, call)).collect();
            if pages.len() == 2 && pages.iter().all(|page| is(page)) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{what}: {pages:?}\n{}", gateway.log());
            thread::sleep(Duration::from_millis(200));
        }
    };
    let packets =
        |page: &str| page.contains("Packets of T.38") && !page.contains("dBm0") && !page.contains("class=\"points\"");
    seen("packets in place of a level", &packets);
    seen("the modem and the page as it grows", &|page| {
        packets(page) && page.contains("V.17 14400 bit/s") && page.contains("page.png?at=1-")
    });
}

#[test]
fn the_door_is_shut_to_who_does_not_come_by_it() {
    let gateway = Gateway::start("sim:?far=onramp");
    assert!(gateway.http("GET /healthz").ends_with("alive\n"));
    assert!(gateway.http("GET /readyz").ends_with("ready\n"));
    let login = gateway.http("GET /login");
    for header in [
        "content-security-policy: default-src 'none'",
        "x-frame-options: DENY",
        "x-content-type-options: nosniff",
        "HttpOnly; SameSite=Strict",
    ] {
        assert!(login.contains(header), "{header}: {login}");
    }
    for path in ["/", "/queue", "/jobs/1", "/inbox/1/fax.pdf", "/log.csv", "/calls/x/page.png"] {
        let answer = gateway.http(&format!("GET {path}"));
        assert!(answer.starts_with("HTTP/1.1 303") && answer.contains("location: /login"), "{path}: {answer}");
    }
    let form = |extra: &str, body: &str| {
        gateway.http(&format!(
            "POST /login\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{extra}\r\n{body}",
            body.len()
        ))
    };
    assert!(
        form("", "name=anna&password=correct+horse").starts_with("HTTP/1.1 403"),
        "without the form there is no login"
    );
    assert!(form("Origin: http://evil.example\r\n", "name=anna&password=x").starts_with("HTTP/1.1 403"));
    let answers: Vec<_> =
        (0..11).map(|_| form("Cookie: answertone_form=f\r\n", "form=f&name=nobody&password=x")).collect();
    assert!(answers[0].starts_with("HTTP/1.1 401"), "{}", answers[0]);
    assert!(answers[10].starts_with("HTTP/1.1 429"), "{}", answers[10]);
    assert!(gateway.http("GET /metrics\r\nX-Forwarded-For: 192.0.2.1\r\n").starts_with("HTTP/1.1 403"));
    assert!(gateway.http("GET /no-such-page").contains("404"));
}
