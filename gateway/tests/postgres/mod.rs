//! A PostgreSQL server of the test's own, at a socket in a folder of its own; gone with it.

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

pub(crate) struct Server {
    child: Child,
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

/// The port that names the socket; nothing listens there.
const USUAL_PORT: u16 = 5432;

impl Server {
    /// None, and the cases said that do not run, where there is no PostgreSQL or it cannot be run by this user.
    pub(crate) fn start(cases: usize) -> Option<Self> {
        Self::start_at(USUAL_PORT, cases, |_| vec!["listen_addresses=".into()])
    }

    /// One that speaks TLS at a port of this machine, with a certificate for `localhost` by an authority of its own.
    #[allow(dead_code, reason = "used by the tests of the store only")]
    pub(crate) fn start_with_tls(cases: usize) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_at(port, cases, |folder| {
            certify(folder);
            let file = |key: &str, name: &str| format!("{key}={}", folder.join(name).display());
            let (certificate, key) = (file("ssl_cert_file", "server.pem"), file("ssl_key_file", "server.key"));
            vec!["listen_addresses=localhost".into(), "ssl=on".into(), certificate, key]
        })
    }

    fn start_at(port: u16, cases: usize, settings: impl Fn(&Path) -> Vec<String>) -> Option<Self> {
        let not_run = |why: &str| answertone_vectors::not_run(cases, why);
        let Some(programs) = programs() else {
            not_run("there is no PostgreSQL here");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let data = folder.path().join("data");
        if let Some((user, group)) = other_user() {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let init = as_itself(&programs.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--pgdata"])
            .arg(&data)
            .output();
        if !init.as_ref().is_ok_and(|out| out.status.success()) {
            not_run("initdb cannot be run by this user");
            return None;
        }
        let mut settings = settings(folder.path());
        settings.extend([format!("port={port}"), "fsync=off".into(), "max_connections=60".into()]);
        let child = as_itself(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, programs, folder, port };
        let until = Instant::now() + Duration::from_secs(60);
        while !server.run("select 1", "postgres") {
            assert!(Instant::now() < until, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    fn run(&self, statement: &str, database: &str) -> bool {
        let mut psql = Command::new(self.programs.join("psql"));
        let port = self.port.to_string();
        psql.args(["-q", "-U", "postgres", "-p", &port, "-d", database, "-c", statement, "-h"]).arg(self.folder.path());
        psql.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// A new database's URL.
    pub(crate) fn database(&self, name: &str) -> String {
        assert!(self.run(&format!("create database {name}"), "postgres"), "{name}");
        format!("postgres://postgres@localhost:{}/{name}?host={}", self.port, self.folder.path().display())
    }
}

impl Server {
    /// A database's URL by TCP and TLS, trusting the authority in that file of the server's folder.
    #[allow(dead_code, reason = "used by the tests of the store only")]
    pub(crate) fn by_tls(&self, name: &str, host: &str, authority: &str) -> String {
        let authority = self.folder.path().join(authority).display().to_string();
        format!("postgres://postgres@{host}:{}/{name}?sslmode=verify-full&sslrootcert={authority}", self.port)
    }
}

/// An authority, another one that has nothing to do with it, and the server's certificate by the first.
fn certify(folder: &Path) {
    let authority = |name: &str| {
        let (mut params, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(folder.join(name), params.self_signed(&key).unwrap().pem()).unwrap();
        Issuer::new(params, key)
    };
    let (ours, _) = (authority("authority.pem"), authority("another.pem"));
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
    fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
    fs::set_permissions(folder.join("server.key"), Permissions::from_mode(0o600)).unwrap();
    if let Some((user, group)) = other_user() {
        chown(folder.join("server.key"), Some(user), Some(group)).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGINT: a fast end that leaves no shared memory behind.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<_> = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    folders.retain(|folder| folder.join("initdb").exists());
    folders.sort();
    folders.pop()
}

/// PostgreSQL does not run as root: user and group that it runs as then.
fn other_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").ok()?.uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields: Vec<_> = users.lines().find(|line| line.starts_with("postgres:"))?.split(':').collect();
    Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
}

fn as_itself(program: &Path) -> Command {
    match other_user() {
        None => Command::new(program),
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups").arg(program);
            command
        }
    }
}
