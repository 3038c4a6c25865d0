//! A PulseAudio of the test's own, without hardware, in a folder of its own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

/// A running server; it ends with this.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    process: Child,
}

impl Server {
    /// Starts one; nothing where its programs are missing.
    pub(crate) fn start() -> Option<Self> {
        if !has_programs() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for name in ["pulse", "state"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("cookie"), []).unwrap();
        let socket = folder.path().join("native");
        let mut command = Command::new("pulseaudio");
        command
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no"])
            .args(["--high-priority=no", "--disallow-exit=yes"])
            .arg(format!("--log-target=file:{}", folder.path().join("log").display()))
            .arg("-L")
            .arg(format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = environment(folder.path(), &mut command).spawn().unwrap();
        let server = Self { folder, process };
        server.await_socket(&socket);
        Some(server)
    }

    fn await_socket(&self, socket: &Path) {
        for _ in 0..600 {
            if socket.exists() && self.pactl(&["info"]).is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("the sound server does not start: {:?}", fs::read_to_string(self.folder.path().join("log")));
    }

    /// Runs a command against this server.
    pub(crate) fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        environment(self.folder.path(), command)
    }

    /// Adds a null sink; its module's number.
    pub(crate) fn add_sink(&self, name: &str, rate: u32, channels: u32) -> String {
        let map = if channels == 1 { "mono" } else { "front-left,front-right" };
        let arguments = [
            "load-module".to_owned(),
            "module-null-sink".to_owned(),
            format!("sink_name={name}"),
            "format=s16le".to_owned(),
            format!("rate={rate}"),
            format!("channels={channels}"),
            format!("channel_map={map}"),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.pactl(&arguments).expect("a null sink can be added").trim().to_owned()
    }

    /// Takes a sink away.
    pub(crate) fn remove(&self, module: &str) {
        self.pactl(&["unload-module", module]).expect("a sink can be taken away");
    }

    /// Stops the server where it is, or lets it go on: what a device that sticks is to who uses it.
    #[allow(dead_code, reason = "used by the tests of the gateway only")]
    pub(crate) fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// What the server says to a command; nothing if it refuses.
    pub(crate) fn pactl(&self, arguments: &[&str]) -> Option<String> {
        let output = self.environment(Command::new("pactl").args(arguments)).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether a server can be started and told what to do.
pub(crate) fn has_programs() -> bool {
    let there = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    there("pulseaudio") && there("pactl")
}

/// Whether ALSA's pulse plugin is installed: in its variable's folder, else where distributions have it.
pub(crate) fn has_alsa_plugin() -> bool {
    let libraries = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
    let below = libraries.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let folders = below.map(|entry| entry.path().join("alsa-lib"));
    let usual = libraries.iter().map(|folder| Path::new(folder).join("alsa-lib"));
    let named = env::var_os("ALSA_PLUGIN_DIR").map(PathBuf::from);
    named.into_iter().chain(usual).chain(folders).any(|folder| folder.join("libasound_module_pcm_pulse.so").exists())
}

fn environment<'a>(folder: &Path, command: &'a mut Command) -> &'a mut Command {
    command
        .env("XDG_RUNTIME_DIR", folder)
        .env("PULSE_RUNTIME_PATH", folder.join("pulse"))
        .env("PULSE_STATE_PATH", folder.join("state"))
        .env("PULSE_COOKIE", folder.join("cookie"))
        .env("PULSE_SERVER", format!("unix:{}", folder.join("native").display()))
}
