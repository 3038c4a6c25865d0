#!/bin/bash
# Makes the recordings of this folder with another maker's modems and tells what that maker's own receivers make of them.
#
#   PATH=$PATH:<folder of peer-modem and peer-ber> ./make.sh
#
# Needs sox, for G.711. Each line printed: file, bits, errors of the other maker's receiver ("-": it did not train).
set -euo pipefail
cd "$(dirname "$0")"

# file, law or "none"
coded() {
  [ "$2" = none ] && return
  sox "$1" -e "$2" -b 8 coded.wav
  sox coded.wav -e signed-integer -b 16 "$1"
  rm coded.wav
}

# file, then the arguments of the other maker's receiver
theirs() {
  local file=$1; shift
  { peer-modem rx "$@" "$file" || true; } | python3 -c '
import json, sys
said = json.load(sys.stdin)
heard = said["trained"] and said["locked"]
print("%-28s %6d %s" % (sys.argv[1], int(sys.argv[2]), said["bit_errors"] if heard else "-"))' "$file" "$bits"
}

# Half a second of data without noise: name, law, modem, rate, options of the sender
clean() {
  local file=$1.wav law=$2 modem=$3 rate=$4; shift 4
  bits=$((rate / 2))
  peer-modem tx --modem "$modem" --rate "$rate" --bits $bits --seed 7 "$@" --out "$file" >/dev/null
  coded "$file" "$law"
  local short=(); [[ " $* " == *" --short-train "* ]] && short=(--short-train)
  theirs "$file" --modem "$modem" --rate "$rate" --bits $bits --seed 7 "${short[@]}"
}

# One second of data, noise all along, at a signal to noise ratio in 0 to 4000 Hz: name, modem, rate, ratio
noisy() {
  bits=$3
  peer-ber emit --modem "$2" --rate "$3" --snr "$4" --trial 6 --bits $bits --lead-noise --out "$1.wav" >/dev/null
  theirs "$1.wav" --modem "$2" --rate "$3" --bits $bits --seed 7
}

for mode in v21:300:1.1 bell202:1200:6.0 v23:1200:7.1; do
  IFS=: read -r modem rate ratio <<<"$mode"
  clean "$modem-$rate" a-law "$modem" "$rate"
  noisy "$modem-$rate-noise" "$modem" "$rate" "$ratio"
done
for mode in v27ter:2400:5.9 v27ter:4800:12.2 v29:4800:8.9 v29:7200:13.1 v29:9600:16.5 \
            v17:7200:10.0 v17:9600:13.2 v17:12000:16.5 v17:14400:19.5; do
  IFS=: read -r modem rate ratio <<<"$mode"
  clean "$modem-$rate" u-law "$modem" "$rate"
  clean "$modem-$rate-tep" a-law "$modem" "$rate" --tep
  noisy "$modem-$rate-noise" "$modem" "$rate" "$ratio"
done
for rate in 7200 9600 12000 14400; do
  clean "v17-$rate-short" none v17 $rate --short-train
done
