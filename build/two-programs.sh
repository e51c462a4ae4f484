#!/usr/bin/env bash
# How two equal programs share two processors: training the demo's model and sampling from it, alone and two side by side, and whether the
# number of threads changes a bit. Every program is pinned to the same two processors and uses two threads.
#   build/two-programs.sh [--rounds N] [--steps N] [--bits] [OTHER]
# OTHER: the folder of another build's cudattr; its runs alternate with those of this one, side by side too, and its bits are compared.
# --bits: nothing is timed, bits are compared only. Prints each run and the medians; exit code 1 where bits differ.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=5 steps=80 bits_only=''
declare -A program=([this]=src/CudaAttribution.Cli/bin/Release/net10.0)
builds=(this)
usage() {
    sed -n '4,6s/^# \{0,1\}//p' build/two-programs.sh >&2
    exit 2
}
while [ $# -gt 0 ]; do
    case "$1" in
        --rounds) rounds="${2:?}"; shift 2 ;;
        --steps) steps="${2:?}"; shift 2 ;;
        --bits) bits_only=yes; shift ;;
        -*) usage ;;
        *) program[other]="$1" builds=(other this); shift ;;
    esac
done
for build in "${builds[@]}"; do
    [ -x "${program[$build]}/cudattr" ] || { echo "two-programs: no cudattr in ${program[$build]}: build it first" >&2; exit 2; }
done
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export CUDATTR_LEDGER="$work/runs.db"
processors="$(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' | awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }' | head -2 | paste -sd,)"
[[ "$processors" == *,* ]] || { echo "two-programs: two processors are needed" >&2; exit 2; }

# train BUILD FOLDER STEPS [OPTIONS]: prints pictures a second, as the program measures them.
train() {
    local build="$1" folder="$work/$2" steps="$3"
    shift 3
    rm -rf "$folder"
    taskset -c "$processors" "${program[$build]}/cudattr" train --data emoji:google@0+200 --steps "$steps" --device cpu --json --out "$folder" "$@" \
        2> "$folder.log" | sed -n 's/.*"images_per_second": \([0-9.]*\).*/\1/p'
}

# sample BUILD FOLDER STEPS [OPTIONS]: prints sampling steps of 30 pictures a second, by the time of the whole program.
sample() {
    local build="$1" folder="$work/$2" steps="$3" start="$EPOCHREALTIME"
    shift 3
    rm -rf "$folder"
    taskset -c "$processors" "${program[$build]}/cudattr" sample --model models/g0 --prompt 'a red apple' --count 30 --sample-steps "$steps" --device cpu \
        --out "$folder" "$@" > /dev/null 2> "$folder.log"
    awk -v s="$steps" -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print s / (b - a) }'
}

note() { # note WORK BUILD KIND FIGURES
    [ -n "$4" ] || { echo "two-programs: $1 of $2 failed:" >&2; cat "$work"/[ab].log >&2; exit 1; }
    printf '%-8s %-6s %-6s %s\n' "$@" | tee -a "$work/figures"
}

median() { # median WORK BUILD KIND: of all figures of such runs
    awk -v w="$1" -v b="$2" -v k="$3" '$1 == w && $2 == b && $3 == k { for (i = 4; i <= NF; i++) print $i }' "$work/figures" | sort -g |
        awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

if [ -z "$bits_only" ]; then
    uptime
    for round in $(seq "$rounds"); do
        for job in train sample; do
            for build in "${builds[@]}"; do note "$job" "$build" alone "$("$job" "$build" a "$steps")"; done
            for build in "${builds[@]}"; do
                "$job" "$build" a "$steps" > "$work/a.rate" &
                "$job" "$build" b "$steps" > "$work/b.rate"
                wait $!
                note "$job" "$build" beside "$(paste -sd' ' "$work/a.rate" "$work/b.rate")"
            done
        done
    done
    echo
    echo "medians: training in pictures/s, sampling in steps of 30 pictures/s"
    for job in train sample; do
        for build in "${builds[@]}"; do
            awk -v j="$job" -v b="$build" -v one="$(median "$job" "$build" alone)" -v two="$(median "$job" "$build" beside)" 'BEGIN {
                printf "%-8s %-6s alone %7.1f   each of two side by side %7.1f = %3.0f %%\n", j, b, one, two, 100 * two / one }'
        done
    done
    uptime
fi

echo
status=0
compare() { printf '%s: ' "$1"; bash build/compare-runs.sh "$work/$2" "$work/$3" || status=1; }
for job in train sample; do
    for threads in 1 2 3; do "$job" this "$threads" 6 --threads "$threads" > /dev/null; done
    compare "$job on 1 and 2 threads" 1 2
    compare "$job on 1 and 3 threads" 1 3
    if [ "${#builds[@]}" -eq 2 ]; then
        "$job" other other 6 > /dev/null
        compare "$job of this build and the other" 1 other
    fi
done
exit $status
