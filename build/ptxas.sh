#!/usr/bin/env bash
# Finds NVIDIA's assembler and disassembler, CUDA 12.0 or newer, and prints the path of each on a line: ptxas, then nvdisasm.
#
#   mapfile -t tools < <(build/ptxas.sh)
#
# Looked for in CUATTR_PTXAS (a path to ptxas), on the PATH, and in a cache folder of the user ($XDG_CACHE_HOME or ~/.cache, below it
# cudaattribution/ptxas), nvdisasm beside ptxas. Otherwise Debian trixie's package nvidia-cuda-toolkit (12.4.131, component non-free, 87 MB)
# is unpacked into that folder from the machine's own Debian mirror, without installing anything: package lists of its own, signatures checked
# with Debian's keys on this machine. What comes from there is NVIDIA's and is never shipped with this project.
#
# Exit codes: 0 both paths are printed; 3 they cannot be had, with the reason on standard error.
set -euo pipefail

suite=trixie
cache="${XDG_CACHE_HOME:-$HOME/.cache}/cudaattribution/ptxas"

give_up() {
  echo "no ptxas of CUDA 12: $1" >&2
  exit 3
}

# "12.4.131", or nothing where it does not run.
version() {
  ("$1" --version 2> /dev/null || true) | sed -n 's/.*, V\([0-9.]*\)$/\1/p'
}

answer() {
  printf '%s\n' "$1" "$2"
  exit 0
}

offer() {
  local ptxas="$1" nvdisasm found
  nvdisasm="$(dirname "$ptxas")/nvdisasm"
  found="$(version "$ptxas")"
  [[ -n "$found" ]] && ((${found%%.*} >= 12)) && [[ -n "$(version "$nvdisasm")" ]] && answer "$ptxas" "$nvdisasm"
  return 0
}

if [[ -n "${CUATTR_PTXAS:-}" ]]; then
  offer "$CUATTR_PTXAS"
  give_up "CUATTR_PTXAS names $CUATTR_PTXAS, which is none of CUDA 12.0 or newer with nvdisasm beside it"
fi
on_path="$(command -v ptxas || true)"
if [[ -n "$on_path" ]]; then offer "$(readlink -f "$on_path")"; fi

# The package is unpacked beside its place and renamed, so that a broken download is never taken for a whole one.
place="$cache/$suite"
find_in_place() {
  local found
  found="$(find "$place" -name ptxas -type f -perm -u+x 2> /dev/null | head -n 1 || true)"
  if [[ -n "$found" ]]; then offer "$found"; fi
}
find_in_place

command -v apt-get > /dev/null && command -v dpkg > /dev/null ||
  give_up "this is no Debian machine; put NVIDIA's ptxas and nvdisasm on the PATH or name ptxas in CUATTR_PTXAS"
mkdir -p "$cache"
exec 9> "$cache/lock"
flock 9
find_in_place

keys=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -f "$keys" ]] || give_up "there is no $keys to check Debian's signature with (package debian-archive-keyring)"
site="$(apt-get indextargets --format '$(SITE) $(COMPONENT) $(ORIGIN) $(RELEASE)' 'Created-By: Packages' 2> /dev/null |
  awk '$2 == "main" && $3 == "Debian" && $4 !~ /-/ { print $1; exit }')"
[[ -n "$site" ]] || give_up "the machine's package lists name no Debian mirror (has 'apt-get update' been run?)"

work="$(mktemp -d "$cache/fetch.XXXXXX")"
log="$cache/log"
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/none"
trap 'rm -rf "$work"' EXIT
echo "deb [arch=amd64 signed-by=$keys] $site $suite non-free" > "$work/sources.list"
apt=(apt-get -q -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=- -o Dir::Etc::Preferences=/dev/null
  -o "Dir::Etc::PreferencesParts=$work/none" -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work" -o APT::Update::Error-Mode=any
  -o APT::Sandbox::User=root -o Acquire::http::Timeout=30)
"${apt[@]}" update > "$log" 2>&1 || give_up "the package list of Debian $suite, component non-free, cannot be read (see $log)"
(cd "$work" && "${apt[@]}" download nvidia-cuda-toolkit:amd64) >> "$log" 2>&1 || give_up "the package nvidia-cuda-toolkit cannot be downloaded (see $log)"
dpkg -x "$work"/nvidia-cuda-toolkit_*.deb "$work/unpacked" >> "$log" 2>&1 || give_up "the package nvidia-cuda-toolkit cannot be unpacked (see $log)"
rm -rf "$place"
mv "$work/unpacked" "$place"
find_in_place
give_up "the package nvidia-cuda-toolkit of Debian $suite holds none that runs here"
