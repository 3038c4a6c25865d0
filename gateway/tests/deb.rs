//! The Debian package: made, installed, started as its own user, and purged, in a root of its own that is thrown away.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

/// Installs the package on top of this system without touching it: everything written goes to memory. Says where the
/// page is, and goes on when it is told to by a line.
const INSTALL: &str = r#"
set -eu
mount -t tmpfs none "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$2/upper,workdir=$2/work" "$2/root"
mount -t proc proc "$2/root/proc"
mount --rbind /dev "$2/root/dev"
cp "$1" "$2/root/package.deb"
exec chroot "$2/root" sh -c '
set -eu
export DEBIAN_FRONTEND=noninteractive
mkdir -p /tmp && mount -t tmpfs none /tmp
dpkg -i /package.deb >/dev/null
test "$(stat -c %U:%a /var/lib/answertone)" = answertone:750
test "$(stat -c %G:%a /etc/answertone/answertone.toml)" = answertone:640
bash -n /usr/share/bash-completion/completions/answertone
gzip -dc /usr/share/man/man1/answertone-serve.1.gz | grep -qFe "\-\-config"
if command -v systemd-analyze >/dev/null; then
  systemd-analyze verify /usr/lib/systemd/system/answertone.service
fi
sed -i -e "s/127.0.0.1:2525/127.0.0.1:0/" -e "s/127.0.0.1:8025/127.0.0.1:0/" /etc/answertone/answertone.toml
cd /var/lib/answertone
setpriv --reuid answertone --regid answertone --init-groups /usr/bin/answertone serve --config /etc/answertone/answertone.toml &
read go
kill -TERM $!
wait $!
test -f /var/lib/answertone/answertone.sqlite
dpkg --purge answertone >/dev/null
test ! -e /var/lib/answertone -a ! -e /usr/bin/answertone -a ! -e /etc/answertone/answertone.toml
echo purged
'"#;

fn can_have_a_root_of_its_own() -> bool {
    let script = "mount -t tmpfs none \"$0\" && mkdir \"$0/u\" \"$0/w\" \"$0/r\" && \
                  mount -t overlay overlay -o \"lowerdir=/,upperdir=$0/u,workdir=$0/w\" \"$0/r\" && chroot \"$0/r\" dpkg --version";
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script]).arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[test]
fn the_package_is_installed_started_as_its_own_user_and_purged() {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian/build.sh");
    if Command::new("dpkg-deb").arg("--version").stdout(Stdio::null()).status().is_err() {
        return eprintln!("not run: 1 case of the Debian package; this is not a Debian system");
    }
    let mut build = Command::new("sh");
    build.arg(script).arg(env!("CARGO_BIN_EXE_answertone")).arg(folder.path()).env("COMPRESSION", "none");
    let built = build.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let package = String::from_utf8(built.stdout).unwrap().trim().to_owned();
    assert!(package.ends_with(".deb") && fs::metadata(&package).unwrap().len() > 1 << 20);

    if !can_have_a_root_of_its_own() {
        return eprintln!(
            "not run: 1 case of installing the package; it needs root, unshare and an overlay of the file system"
        );
    }
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", INSTALL, "install"]).arg(&package).arg(&root);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let page = loop {
        let mut line = String::new();
        assert!(said.read_line(&mut line).unwrap() > 0, "the gateway did not start");
        if let Some((_, host)) = line.trim().rsplit_once("http://") {
            break host.trim_end_matches('/').to_owned();
        }
    };
    let mut stream = TcpStream::connect(&page).unwrap();
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ready\n"), "{answer}");

    writeln!(child.stdin.take().unwrap(), "go").unwrap();
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success() && rest.ends_with("purged\n"), "{rest}");
}
