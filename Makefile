# make demo   one fax from e-mail to e-mail over a simulated telephone line, on a fresh machine
# make test   everything that must hold; the same as continuous integration runs
# make deb    the Debian package, in OUT or demo-out
# make bench  time of kernels, modems, detectors, 1 to 512 lines, whole calls and image codings; beside libspandsp where it is installed
# make bench-instructions   instructions of a fixed workload, the same number on every run
#
# All install the Debian packages they miss (with sudo unless root) and fetch the locked crates first;
# after that they work offline.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

BUILD_PACKAGES := build-essential pkg-config libasound2-dev
BENCH_PACKAGES := valgrind
TEST_PACKAGES  := libspandsp-dev libtiff-dev libtiff-tools jbigkit-bin pulseaudio pulseaudio-utils libasound2-plugins \
                  espeak-ng dahdi-source efax hylafax-server hylafax-client curl openssl swaks libnet-ssleay-perl postfix \
                  chromium sip-tester postgresql dovecot-imapd dovecot-pop3d gnupg libssl-dev systemd-container
OUT ?= demo-out
TARGET = $(shell cargo metadata --offline --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

export CARGO_TERM_COLOR ?= auto
OFFLINE := CARGO_NET_OFFLINE=true

.PHONY: help demo deb axe mgetty test bench bench-instructions lint build-packages test-packages bench-packages fetch

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

demo: build-packages fetch
	@echo '== Building answertone'
	$(OFFLINE) cargo build --locked --package answertone-gateway
	@echo '== One page: e-mail, fax over a simulated line, e-mail'
	$(OFFLINE) cargo run --quiet --locked --package answertone-gateway -- demo --out $(OUT)

deb: build-packages fetch
	@echo '== Building answertone for the package'
	$(OFFLINE) cargo build --release --locked --package answertone-gateway
	@sh gateway/packaging/debian/build.sh "$(TARGET)/release/answertone" "$(OUT)"

# For the test of the operator's page only; not part of the program. Without it the test says what did not run.
axe:
	@command -v npm >/dev/null || { $(call install-missing,npm); }
	@folder="$(TARGET)/axe"; [ -f "$$folder/axe.min.js" ] || { \
	  echo '== Fetching axe-core for the test of the operator'"'"'s page'; mkdir -p "$$folder"; cd "$$folder"; \
	  npm pack --silent axe-core@4.10.3 && tar -xzf axe-core-*.tgz --strip-components=1 package/axe.min.js || true; }

# mgetty's packages cannot be installed beside HylaFAX's: they are unpacked for its tests.
mgetty: build-packages
	@folder="$(TARGET)/mgetty"; [ -x "$$folder/usr/sbin/sendfax" ] || { \
	  echo '== Unpacking mgetty'; mkdir -p "$$folder"; cd "$$folder"; \
	  apt-get download -qq mgetty mgetty-fax && for package in *.deb; do dpkg -x "$$package" .; done || true; }

test: build-packages test-packages fetch axe mgetty lint
	@echo '== Building answertone and the tests'
	$(OFFLINE) cargo build --locked --workspace --all-targets
	@echo '== Testing'
	@told="$(TARGET)/tests.txt"; came=0; \
	$(OFFLINE) cargo test --locked --workspace --no-fail-fast 2>&1 | tee "$$told" || came=$$?; \
	awk "$$NOT_RUN" "$$told"; \
	exit $$came

bench: build-packages fetch
	$(OFFLINE) cargo bench --locked --package answertone-benches

bench-instructions: build-packages bench-packages fetch
	@echo '== Counting instructions (millions)'
	$(OFFLINE) cargo build --release --locked --quiet --package answertone-benches --bin workload
	@workload=$$(cargo metadata --offline --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/workload; \
	"$$workload" | while read -r name; do \
	  log=$$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no --toggle-collect='*measured*' "$$workload" "$$name" 2>&1) \
	    || { echo "$$log" >&2; exit 1; }; \
	  echo "$$log" | awk -v name="$$name" '/Collected/ { printf "%-24s %12.3f\n", name, $$4 / 1e6 }'; \
	done

lint:
	@echo '== Checking format and lints'
	cargo fmt --all --check
	$(OFFLINE) cargo clippy --locked --workspace --all-targets -- --deny warnings
	@echo '== Checking that dsp and t30 know neither an executor nor TLS'
	@! cargo tree --locked --offline --edges normal --package answertone-dsp --package answertone-t30 | grep -E 'tokio|rustls|aws-lc|openssl'

build-packages: ; @$(call install-missing,$(BUILD_PACKAGES))
test-packages:  ; @$(call install-missing,$(TEST_PACKAGES))
bench-packages: ; @$(call install-missing,$(BENCH_PACKAGES))

fetch:
	@echo '== Fetching the locked crates'
	cargo fetch --locked

# Lists the tests that did not run, and how many cases of others did not.
define NOT_RUN
match($$0, /not run: [0-9]+/) { cases += substr($$0, RSTART + 9); list = list "  " substr($$0, RSTART) "\n" }
/^test .* ignored, / { tests++; list = list "  " substr($$0, 6) "\n" }
END { printf "== Not run: %d cases, for want of something here; %d tests that are run by name alone:\n%s", cases, tests, list }
END { print "  cargo test --workspace NAME -- --ignored --nocapture" }
endef
export NOT_RUN

# Installs the packages that dpkg does not know as installed; says so; elsewhere than on Debian it only says what is needed.
define install-missing
missing=''; \
if ! command -v dpkg-query >/dev/null; then echo '== Not a Debian system: please provide $(1)'; exit 0; fi; \
for package in $(1); do \
  dpkg-query --show --showformat='$${Status}' "$$package" 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$package"; \
done; \
if [ -n "$$missing" ]; then \
  echo "== Installing Debian packages:$$missing"; \
  sudo=''; [ "$$(id -u)" = 0 ] || sudo=sudo; \
  $$sudo apt-get update -qq; \
  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
fi
endef
