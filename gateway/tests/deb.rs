//! The Debian package: made, installed, started as its own user, and purged, in a root of its own that is thrown away.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
};

use answertone_vectors::not_run;

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
gzip -dc /usr/share/man/man1/answertone-serve.1.gz | grep -qF "\\-\\-config"
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

/// Boots the system with the package in it: a systemd of its own installs, starts, stops and purges it, without a network.
/// Everything written goes to memory. Says what was said there.
const BOOT: &str = r#"
set -eu
mount -t tmpfs none "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$2/upper,workdir=$2/work" "$2/root"
cp "$1" "$2/root/package.deb"
cat >"$2/root/booted.sh" <<'SCRIPT'
exec >/said 2>&1
set -eu
export DEBIAN_FRONTEND=noninteractive
dpkg -i /package.deb
until bash -c 'exec 3<>/dev/tcp/127.0.0.1/8025; printf "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:8025\r\nConnection: close\r\n\r\n" >&3; cat <&3'; do
  systemctl is-active answertone
  sleep 0.2
done
systemctl is-enabled answertone
systemctl show answertone -p User -p NRestarts -p ActiveState
stat -c 'state %U:%a' /var/lib/answertone
systemctl stop answertone
systemctl show answertone -p Result -p ExecMainStatus
test -f /var/lib/answertone/answertone.sqlite
dpkg --purge answertone
test ! -e /var/lib/answertone
test ! -e /usr/lib/systemd/system/answertone.service
echo purged
SCRIPT
mkdir -p "$2/root/etc/systemd/system"
cat >"$2/root/etc/systemd/system/booted.service" <<'UNIT'
[Unit]
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
TimeoutStartSec=120
ExecStart=/bin/sh /booted.sh
UNIT
systemd-nspawn --quiet --directory="$2/root" --register=no --keep-unit --private-network --boot -- --unit=booted.service </dev/null >/dev/null 2>&1 || true
if test -f "$2/root/said"; then cat "$2/root/said"; fi
"#;

/// The package of the program under test; none where none can be made.
fn package(folder: &Path) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/debian/build.sh");
    if Command::new("dpkg-deb").arg("--version").stdout(Stdio::null()).status().is_err() {
        not_run(1, "the Debian package; this is not a Debian system");
        return None;
    }
    let mut build = Command::new("sh");
    build.arg(script).arg(env!("CARGO_BIN_EXE_answertone")).arg(folder).env("COMPRESSION", "none");
    let built = build.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let package = String::from_utf8(built.stdout).unwrap().trim().to_owned();
    assert!(package.ends_with(".deb") && fs::metadata(&package).unwrap().len() > 1 << 20);
    Some(package)
}

#[test]
fn systemd_starts_the_unit_of_the_package() {
    let folder = tempfile::tempdir().unwrap();
    let has_container = Command::new("systemd-nspawn").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !has_container || !can_have_a_root_of_its_own() {
        return not_run(
            1,
            "the unit under systemd; it needs root, unshare, an overlay of the file system and systemd-container",
        );
    }
    let Some(package) = package(folder.path()) else { return };
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", BOOT, "boot"]).arg(&package).arg(&root);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.is_empty() {
        return not_run(1, "the unit under systemd; no systemd can boot in a container here");
    }
    let expected = [
        "\nready\n",
        "\nenabled\n",
        "User=answertone\n",
        "NRestarts=0\n",
        "ActiveState=active\n",
        "state answertone:7",
        "Result=success\n",
        "ExecMainStatus=0\n",
    ];
    assert!(said.ends_with("purged\n"), "{said}");
    expected.iter().for_each(|line| assert!(said.contains(line), "{line:?}: {said}"));
}

#[test]
fn the_package_is_installed_started_as_its_own_user_and_purged() {
    let folder = tempfile::tempdir().unwrap();
    let Some(package) = package(folder.path()) else { return };
    if !can_have_a_root_of_its_own() {
        return not_run(1, "installing the package; it needs root, unshare and an overlay of the file system");
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
