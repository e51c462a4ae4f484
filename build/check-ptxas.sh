#!/usr/bin/env bash
# An independent look at the PTX module: NVIDIA's own assembler translates it for each GPU generation, and this prints of every kernel its
# threads, registers, static shared memory, stack and spills, and how many of its blocks fit on a multiprocessor.
#
#   build/check-ptxas.sh [FILE.ptx]                 default: artifacts/native/kernels.sm_80.ptx
#   build/check-ptxas.sh --dump FOLDER [FILE.ptx]   also writes resources.tsv (the table), sm_80.sass, sm_90.sass (machine code) and tools.txt
#   build/check-ptxas.sh --report                   also writes docs/kernels.md anew (builds build/kernel-report)
#
# Exit codes: 0 assembled without a spill; 1 a kernel spills registers, does not assemble, or its asynchronous tensor-core instructions are
# serialised; 2 no such PTX file, or a wrong command line; 3 no ptxas to be had (see build/ptxas.sh).
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

usage() {
  echo "usage: build/check-ptxas.sh [--dump FOLDER | --report] [FILE.ptx]" >&2
  exit 2
}

dump='' report=''
case "${1:-}" in
  --dump)
    dump="${2:-}"
    [[ -n "$dump" ]] || usage
    shift 2
    ;;
  --report)
    report=1 dump="$work/dump"
    shift
    ;;
  -*) usage ;;
esac
(($# <= 1)) || usage
ptx="${1:-$repository/artifacts/native/kernels.sm_80.ptx}"
if [[ ! -f "$ptx" ]]; then
  echo "check-ptxas: there is no $ptx; build it first: bash build/native.sh"
  exit 2
fi

if ! found="$(bash "$repository/build/ptxas.sh" 2> "$work/why")"; then
  echo "check-ptxas: not checked: $(cat "$work/why")"
  exit 3
fi
mapfile -t tools <<< "$found"
ptxas="${tools[0]}" nvdisasm="${tools[1]}"
echo "$("$ptxas" --version | grep -i release), $ptx"

# Limits of a multiprocessor (CUDA C++ Programming Guide, technical specifications per compute capability): warps, blocks, KB of shared memory.
# Registers are 65,536 on all of them, given out 256 a warp and to a multiple of 4 warps; a block takes 1 KB of shared memory for the system.
declare -A limits=([sm_80]='64 32 164' [sm_86]='48 16 100' [sm_89]='48 24 100' [sm_90]='64 32 228' [sm_90a]='64 32 228')
table="$work/resources.tsv"
printf 'target\tkernel\tthreads\tregisters\tshared\tstack\tspilled\tblocks\twarps\twarp_limit\n' > "$table"

# The log of one target and the launch bounds in the PTX become rows of the table.
resources() {
  local target="$1" log="$2" warps blocks kilobytes
  read -r warps blocks kilobytes <<< "${limits[$target]}"
  awk -v OFS='\t' -v target="$target" -v warp_limit="$warps" -v block_limit="$blocks" -v shared_limit="$((kilobytes * 1024))" '
    function round_up(n, unit) { return int((n + unit - 1) / unit) * unit }
    function least(a, b) { return a < b ? a : b }
    FNR == NR {
      if (/\.entry/) { split($0, part, /\.entry[ \t]+/); sub(/[^A-Za-z0-9_$].*/, "", part[2]); entry = part[2] }
      if (/\.maxntid/) { split($0, part, /\.maxntid[ \t]+/); threads[entry] = part[2] + 0 }
      next
    }
    /Compiling entry function/ { split($0, part, "\047"); kernel = part[2]; spilled = stack = 0 }
    /bytes stack frame/ { stack += $1; spilled += $5 + $9 }
    /Used [0-9]+ registers/ {
      registers = shared = 0
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^registers/) registers = $(i - 1)
        if ($i ~ /^smem/) shared = $(i - 2)
      }
      if (!threads[kernel]) { print kernel ": no launch bound in the PTX" > "/dev/stderr"; failed = 1; exit }
      warps = int((threads[kernel] + 31) / 32)
      by_registers = int(int(65536 / round_up(registers * 32, 256) / 4) * 4 / warps)
      resident = least(least(block_limit, int(warp_limit / warps)), least(by_registers, int(shared_limit / (round_up(shared, 128) + 1024))))
      print target, kernel, threads[kernel], registers, shared, stack, spilled, resident, resident * warps, warp_limit
      kernels++
    }
    END { exit failed || !kernels }' "$ptx" "$log"
}

status=0
for target in sm_80 sm_86 sm_89 sm_90 sm_90a; do
  log="$work/$target.log"
  if ! "$ptxas" -v "-arch=$target" -o "$work/$target.cubin" "$ptx" > "$log" 2>&1; then
    grep -vi 'info' "$log" || true
    echo "$target: does not assemble"
    status=1
    continue
  fi
  # C7508, C7510 and their like: wgmma that ptxas could not leave running asynchronously.
  if grep -E 'C75[0-9]{2}|wgmma.*serializ' "$log"; then
    echo "$target: asynchronous tensor-core instructions are serialised"
    status=1
  fi
  if ! resources "$target" "$log" > "$work/rows"; then
    echo "$target: what ptxas says of the kernels was not understood"
    status=1
    continue
  fi
  cat "$work/rows" >> "$table"
  awk -F '\t' '{
      printf "%-6s %-32s %4d threads %4d registers %6d B shared %5d B stack %5d B spilled %3d blocks %3d %% of warps\n",
        $1, $2, $3, $4, $5, $6, $7, $8, 100 * $9 / $10
      spilled += $7 > 0
    }
    END { printf "%s: %d kernels, %d with spills\n", $1, NR, spilled; exit spilled > 0 }' "$work/rows" || status=1
done

if [[ -n "$dump" ]] && ((status == 0)); then
  mkdir -p "$dump"
  cp "$table" "$dump/"
  # What the machine code depends on besides the kernels; the compiler is known where the PTX lies beside its manifest.
  compiler="$(sed -n 's/.*"compiler": "\(.*\)".*/\1/p' "$(dirname "$ptx")/kernels.json" 2> /dev/null || true)"
  echo "ptxas $("$ptxas" --version | sed -n 's/.*, V\([0-9.]*\)$/\1/p'), ${compiler:-compiler unknown}" > "$dump/tools.txt"
  for target in sm_80 sm_90; do "$nvdisasm" -c "$work/$target.cubin" > "$dump/$target.sass"; done
fi
if [[ -n "$report" ]] && ((status == 0)); then
  dotnet run --project "$repository/build/kernel-report" -c Release -- "$dump" "$repository/docs/kernels.md" || status=1
fi
exit $status
