//! A browser without a window, led by its own protocol over two pipes.

use std::{
    env,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

/// For one step. The bound only keeps a broken test from hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// For what a page says of itself after a step that never ended.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// One browser with one page open.
pub(crate) struct Browser {
    child: Child,
    to: Sender<Vec<u8>>,
    from: Receiver<Value>,
    session: String,
    asked: u64,
    _profile: TempDir,
}

impl Browser {
    /// Starts it; none where there is none.
    pub(crate) fn start() -> Option<Self> {
        let folders = env::var_os("PATH")?;
        env::split_paths(&folders).find(|folder| folder.join("chromium").exists())?;
        let profile = tempfile::tempdir().unwrap();
        let [to, from] = ["to", "from"].map(|name| profile.path().join(name));
        for pipe in [&to, &from] {
            assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        }
        let script = "exec chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
                      --hide-scrollbars --remote-debugging-pipe --user-data-dir=\"$0/profile\" about:blank 3<\"$1\" 4>\"$2\"";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(profile.path()).arg(&to).arg(&from);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut browser =
            Self { child, to: writer(to), from: reader(from), session: String::new(), asked: 0, _profile: profile };
        browser.open_page();
        Some(browser)
    }

    fn open_page(&mut self) {
        let target = self.ask("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        self.session = self.ask("Target.attachToTarget", attach)["sessionId"].as_str().unwrap().to_owned();
        self.ask("Page.enable", json!({}));
        self.ask("DOM.enable", json!({}));
        self.size(1280, 900);
    }

    /// Asks the browser for something that it can give.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        self.try_to(method, params).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    fn try_to(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let asked = self.say(method, &params);
        self.answer(asked, PATIENCE).unwrap_or_else(|| {
            let page = self.page();
            panic!("{method} {:.200}: no answer in {PATIENCE:?} at {page}", params.to_string())
        })
    }

    /// Sends a message, and gives the number by which its answer is known.
    fn say(&mut self, method: &str, params: &Value) -> u64 {
        self.asked += 1;
        let mut message = json!({"id": self.asked, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut octets = message.to_string().into_bytes();
        octets.push(0);
        self.to.send(octets).expect("the browser is gone");
        self.asked
    }

    /// The answer to a message; none when it does not come in time.
    fn answer(&mut self, asked: u64, patience: Duration) -> Option<Result<Value, Value>> {
        let until = Instant::now() + patience;
        loop {
            let message = match self.from.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("the browser is gone"),
            };
            if message["id"] == asked {
                let error = &message["error"];
                return Some(if error.is_null() { Ok(message["result"].clone()) } else { Err(error.clone()) });
            }
            // A question holds up the page, and with it the answer that is awaited.
            if message["method"] == "Page.javascriptDialogOpening" {
                self.say("Page.handleJavaScriptDialog", &json!({"accept": true}));
            }
        }
    }

    /// Where the browser is and what can be read there, as far as it still says so.
    fn page(&mut self) -> String {
        let expression = "location.href + '\\n' + (document.body?.innerText ?? '')";
        let asked = self.say("Runtime.evaluate", &json!({"expression": expression, "returnByValue": true}));
        match self.answer(asked, LAST_WORDS) {
            Some(Ok(found)) => found["result"]["value"].as_str().unwrap_or("a page without a text").to_owned(),
            _ => "a page that does not answer".to_owned(),
        }
    }

    /// The value of an expression in the page, of a promise once it is kept; null while one page gives way to the next.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        self.try_to("Runtime.evaluate", params).map_or(Value::Null, |found| found["result"]["value"].clone())
    }

    /// Waits until an expression is true.
    pub(crate) fn wait(&mut self, expression: &str) {
        let until = Instant::now() + PATIENCE;
        while self.value(&format!("!!({expression})")) != true {
            if Instant::now() >= until {
                panic!("{expression} did not come true in {PATIENCE:?} at {}", self.page());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Goes to an address and waits for the page.
    pub(crate) fn go(&mut self, url: &str) {
        self.value("window.old = true");
        self.ask("Page.navigate", json!({"url": url}));
        self.wait("!window.old && document.readyState === 'complete'");
    }

    /// Clicks on what a selector finds first, and waits for the page that follows.
    pub(crate) fn follow(&mut self, selector: &str) {
        self.wait(&format!("document.querySelector({selector:?})"));
        self.value(&format!("window.old = true; document.querySelector({selector:?}).click()"));
        self.wait("!window.old && document.readyState === 'complete'");
    }

    /// Writes into a field.
    pub(crate) fn fill(&mut self, selector: &str, text: &str) {
        let found = self.value(&format!("!!(document.querySelector({selector:?}).value = {text:?})"));
        assert_eq!(found, true, "{selector}");
    }

    /// Chooses a file in a field for files.
    pub(crate) fn choose(&mut self, selector: &str, file: &Path) {
        let root = self.ask("DOM.getDocument", json!({}))["root"]["nodeId"].clone();
        let node = self.ask("DOM.querySelector", json!({"nodeId": root, "selector": selector}))["nodeId"].clone();
        self.ask("DOM.setFileInputFiles", json!({"nodeId": node, "files": [file]}));
    }

    /// What can be read.
    pub(crate) fn text(&mut self) -> String {
        self.value("document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// The size of the window.
    pub(crate) fn size(&mut self, width: u32, height: u32) {
        let params = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.ask("Emulation.setDeviceMetricsOverride", params);
    }

    /// Light or dark.
    pub(crate) fn scheme(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.ask("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Keeps a picture of the page.
    pub(crate) fn picture(&mut self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let shot = self.ask("Page.captureScreenshot", json!({"format": "png", "captureBeyondViewport": false}));
        let octets = BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, octets).unwrap();
        path
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the browser is told. A thread of its own writes it: a browser that does not read must not hold up the test.
fn writer(path: PathBuf) -> Sender<Vec<u8>> {
    let (give, take) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        let mut to = OpenOptions::new().write(true).open(path).unwrap();
        while let Ok(octets) = take.recv() {
            if to.write_all(&octets).is_err() {
                return;
            }
        }
    });
    give
}

/// What the browser says, as it says it.
fn reader(path: PathBuf) -> Receiver<Value> {
    let (give, take) = mpsc::channel();
    thread::spawn(move || {
        let mut from = BufReader::new(File::open(path).unwrap());
        let mut octets = vec![];
        while from.read_until(0, &mut octets).is_ok_and(|count| count > 0) {
            octets.pop();
            let Ok(message) = serde_json::from_slice(&octets) else { return };
            if give.send(message).is_err() {
                return;
            }
            octets.clear();
        }
    });
    take
}
