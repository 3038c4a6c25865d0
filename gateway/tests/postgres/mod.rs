//! A PostgreSQL server of the test's own, at a socket in a folder of its own; gone with it.

use std::{
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub(crate) struct Server {
    child: Child,
    programs: PathBuf,
    folder: TempDir,
}

impl Server {
    /// None, and the cases said that do not run, where there is no PostgreSQL or it cannot be run by this user.
    pub(crate) fn start(cases: usize) -> Option<Self> {
        let not_run = |why: &str| println!("not run: {cases} cases, {why}");
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
        let child = as_itself(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, programs, folder };
        let until = Instant::now() + Duration::from_secs(60);
        while !server.run("select 1", "postgres") {
            assert!(Instant::now() < until, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    fn run(&self, statement: &str, database: &str) -> bool {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-q", "-U", "postgres", "-d", database, "-c", statement, "-h"]).arg(self.folder.path());
        psql.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// A new database's URL.
    pub(crate) fn database(&self, name: &str) -> String {
        assert!(self.run(&format!("create database {name}"), "postgres"), "{name}");
        format!("postgres://postgres@localhost/{name}?host={}", self.folder.path().display())
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
