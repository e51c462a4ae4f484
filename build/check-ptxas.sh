#!/usr/bin/env bash
# An independent look at the PTX module: NVIDIA's own assembler translates it for sm_80 and sm_90, and this prints registers, shared
# memory, stack and spills of every kernel.
#
#   build/check-ptxas.sh [FILE.ptx]        default: artifacts/native/kernels.sm_80.ptx
#
# Exit codes: 0 assembled without a spill; 1 a kernel spills registers or does not assemble; 2 no such PTX file; 3 no ptxas to be had.
#
# ptxas is taken from the PATH or from CUATTR_PTXAS; otherwise it is unpacked from Debian's package nvidia-cuda-toolkit (component
# non-free) into a cache folder of the user, through the machine's own package mirror, without installing anything. It is NVIDIA's and is
# never shipped with this project.
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
ptx="${1:-$repository/artifacts/native/kernels.sm_80.ptx}"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/cudaattribution/ptxas"

if [[ ! -f "$ptx" ]]; then
  echo "check-ptxas: there is no $ptx; build it first: bash build/native.sh"
  exit 2
fi

give_up() {
  echo "check-ptxas: not checked, no ptxas: $1"
  exit 3
}

# Downloads and unpacks the package with package lists of its own, so that the machine's are left alone.
fetch_ptxas() {
  command -v apt-get > /dev/null && command -v dpkg > /dev/null ||
    give_up "this is no Debian machine; put NVIDIA's ptxas on the PATH or name it in CUATTR_PTXAS"
  local work="$cache/apt" site release
  mkdir -p "$work/lists/partial"
  read -r site release < <(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
    awk '$3 == "main" && $4 == "Debian" && $2 !~ /-/ { print $1, $2; exit }') ||
    give_up "the machine's package sources name no Debian mirror"
  echo "deb $site $release non-free" > "$work/sources.list"
  local apt=(apt-get -q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::Lists=$work/lists"
    -o APT::Sandbox::User=root)
  "${apt[@]}" update > "$work/log" 2>&1 || give_up "the package list of component non-free cannot be read (see $work/log)"
  (cd "$work" && "${apt[@]}" download nvidia-cuda-toolkit >> log 2>&1) || give_up "the package nvidia-cuda-toolkit cannot be downloaded (see $work/log)"
  dpkg -x "$work"/nvidia-cuda-toolkit_*.deb "$cache/root"
  rm -f "$work"/*.deb
}

ptxas="${CUATTR_PTXAS:-$(command -v ptxas || true)}"
if [[ -z "$ptxas" ]]; then
  ptxas="$cache/root/usr/bin/ptxas"
  [[ -x "$ptxas" ]] || ptxas="$cache/root/usr/lib/nvidia-cuda-toolkit/bin/ptxas"
  if [[ ! -x "$ptxas" ]]; then
    fetch_ptxas
    ptxas="$(find "$cache/root" -name ptxas -type f -perm -u+x | head -n 1)"
    [[ -n "$ptxas" ]] || give_up "the package nvidia-cuda-toolkit holds none"
  fi
fi
echo "$("$ptxas" --version | grep -i release), $ptx"

status=0
for target in sm_80 sm_90; do
  log="$(mktemp)"
  if ! "$ptxas" -v "-arch=$target" -o /dev/null "$ptx" > "$log" 2>&1; then
    grep -vi 'info' "$log" || true
    echo "$target: does not assemble"
    status=1
  else
    awk -v target="$target" '
      /Compiling entry function/ { split($0, part, "\047"); kernel = part[2]; spills = 0; stack = 0 }
      /bytes stack frame/ { stack += $1; spills += $5 + $9 }
      /Used [0-9]+ registers/ {
        registers = shared = 0
        for (i = 2; i <= NF; i++) {
          if ($i ~ /^registers/) registers = $(i - 1)
          if ($i ~ /^smem/) shared = $(i - 2)
        }
        printf "%-6s %-48s %4d registers %6d B shared %5d B stack %5d B spilled\n", target, kernel, registers, shared, stack, spills
        kernels++; spilled += spills > 0
      }
      END {
        printf "%s: %d kernels, %d with spills\n", target, kernels, spilled
        exit !kernels || spilled > 0
      }' "$log" || status=1
  fi
  rm -f "$log"
done
exit $status
