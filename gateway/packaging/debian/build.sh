#!/bin/sh
# Makes answertone_VERSION_ARCH.deb: gateway/packaging/debian/build.sh PROGRAM OUT-FOLDER
#
# PROGRAM is a built `answertone`; man pages, completions and the configuration are made by it. Nothing is fetched.
# COMPRESSION=none makes it quickly.
set -eu

program=$(realpath "$1")
out=$2
here=$(dirname "$(realpath "$0")")
packaging=$(realpath "$here/..")
root=$(realpath "$here/../../..")
mkdir -p "$out"
out=$(realpath "$out")

version=$("$program" --version | cut -d' ' -f2)
architecture=$(dpkg --print-architecture)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 0755 "$tree"

install -D -m 0755 "$program" "$tree/usr/bin/answertone"
strip --strip-unneeded "$tree/usr/bin/answertone"
units="$tree/usr/lib/systemd/system"
for unit in "$packaging"/answertone*.service; do
    # What the administrator installs by hand is explained at its head; the package is installed already.
    sed '/^#   install/d' "$unit" | install -D -m 0644 /dev/stdin "$units/$(basename "$unit")"
done
install -D -m 0644 "$here/user.conf" "$units/answertone.service.d/user.conf"
install -D -m 0644 "$packaging/60-answertone.rules" "$tree/usr/lib/udev/rules.d/60-answertone.rules"
"$program" man --out "$tree/usr/share/man/man1"
gzip -9n "$tree"/usr/share/man/man1/*.1
for pair in bash:bash-completion/completions/answertone zsh:zsh/vendor-completions/_answertone fish:fish/vendor_completions.d/answertone.fish; do
    file="$tree/usr/share/${pair#*:}"
    mkdir -p "$(dirname "$file")"
    "$program" completions "${pair%%:*}" >"$file"
done
documents="$tree/usr/share/doc/answertone"
mkdir -p "$documents"
cp "$root"/README.md "$documents/"
cp -r "$root"/docs "$documents/docs"
cp "$packaging"/grafana.json "$documents/"
cat "$root/LICENSE-MIT" "$root/LICENSE-APACHE" >"$documents/copyright"

# The example with the places of this package. The page is at home on this machine only.
mkdir -p "$tree/etc/answertone"
"$program" config example |
    sed -e 's|^dir = "answertone-store"|dir = "/var/lib/answertone"|' \
        -e '/^\[web\]/,/^\[log\]/s|^listen = \[\]|listen = ["127.0.0.1:8025"]|' \
        >"$tree/etc/answertone/answertone.toml"
"$program" config check "$tree/etc/answertone/answertone.toml" >/dev/null

mkdir "$tree/DEBIAN"
libraries=$(ldd "$tree/usr/bin/answertone" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | while read -r library; do
    for path in "$library" "$(realpath "$library")" "/usr$library"; do
        dpkg-query --search "$path" 2>/dev/null && break
    done
done | cut -d: -f1 | sort -u | paste -sd, | sed 's/,/, /g')
cat >"$tree/DEBIAN/control" <<CONTROL
Package: answertone
Version: $version
Architecture: $architecture
Maintainer: Answertone <postmaster@localhost>
Section: comm
Priority: optional
Depends: adduser, $libraries
Description: fax modem in software and Internet-fax gateway
 Sends and receives faxes over sound devices, Asterisk, RTP and DAHDI, and
 carries them between e-mail and the telephone network by RFC 4160 and RFC 4161.
CONTROL
echo /etc/answertone/answertone.toml >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do
    install -m 0755 "$here/$script" "$tree/DEBIAN/$script"
done
(cd "$tree" && find etc usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"

name="$out/answertone_${version}_$architecture.deb"
dpkg-deb --root-owner-group -Z"${COMPRESSION:-xz}" --build "$tree" "$name" >/dev/null
echo "$name"
