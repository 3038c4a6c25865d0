//! A browser without a window, led by its own protocol over two pipes.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The bound only keeps a broken test from hanging.
const PATIENCE: Duration = Duration::from_secs(180);

/// One browser with one page open.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: String,
    asked: u64,
    _profile: TempDir,
}

impl Browser {
    /// Starts it; none where there is none.
    pub(crate) fn start() -> Option<Self> {
        let profile = tempfile::tempdir().unwrap();
        let [to, from] = ["to", "from"].map(|name| profile.path().join(name));
        for pipe in [&to, &from] {
            assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
        }
        Command::new("chromium").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
        let script = "exec chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
                      --hide-scrollbars --remote-debugging-pipe --user-data-dir=\"$0/profile\" about:blank 3<\"$1\" 4>\"$2\"";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(profile.path()).arg(&to).arg(&from);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // In the order in which the shell opens its ends.
        let to = OpenOptions::new().write(true).open(to).unwrap();
        let from = BufReader::new(File::open(from).unwrap());
        let mut browser = Self { child, to, from, session: String::new(), asked: 0, _profile: profile };
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
        self.asked += 1;
        let mut message = json!({"id": self.asked, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(message.to_string().as_bytes()).unwrap();
        self.to.write_all(&[0]).unwrap();
        loop {
            let mut octets = vec![];
            self.from.read_until(0, &mut octets).unwrap();
            octets.pop();
            let answer: Value =
                serde_json::from_slice(&octets).unwrap_or_else(|_| panic!("{method}: the browser is gone"));
            if answer["id"] == self.asked {
                return if answer["error"].is_null() {
                    Ok(answer["result"].clone())
                } else {
                    Err(answer["error"].clone())
                };
            }
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
                let text = self.value("document.body && document.body.innerText");
                panic!("{expression} did not come true at {}: {text}", self.value("location.href"));
            }
            std::thread::sleep(Duration::from_millis(50));
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
