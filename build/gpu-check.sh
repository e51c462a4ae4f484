#!/usr/bin/env bash
# Everything that only a GPU can show, in one call (at most 9 minutes), on a machine that needs nothing but the NVIDIA driver.
#   build/gpu-check.sh OUT [--device cuda:0] [--program artifacts/publish/cudattr] [--recipe FILE]
# Make the program first, on the build machine: build/publish.sh. --recipe: another demo recipe (a shorter one for a rehearsal).
# OUT then holds: summary.json, a JSON and a log of each step, the runs themselves. Exit code 0: every step passed or says why it was skipped.
set -uo pipefail
cd "$(dirname "$0")/.."

device=cuda:0 program=artifacts/publish/cudattr recipe=() out=
while [ $# -gt 0 ]; do
    case "$1" in
        --device) device="$2"; shift 2 ;;
        --program) program="$2"; shift 2 ;;
        --recipe) recipe=(--recipe "$2"); shift 2 ;;
        --help | -h) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
        -*) echo "gpu-check: unknown option $1; see --help" >&2; exit 2 ;;
        *) out="$1"; shift ;;
    esac
done
[ -n "$out" ] || { echo "gpu-check: name the folder for the results: build/gpu-check.sh OUT" >&2; exit 2; }
[ -x "$program" ] || { echo "gpu-check: $program is not there: run build/publish.sh first, or name another with --program" >&2; exit 2; }
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then echo "gpu-check: $out is not empty: name a new folder" >&2; exit 2; fi
mkdir -p "$out"
out="$(realpath "$out")" program="$(realpath "$program")"
export CUDATTR_LEDGER="$out/runs.db"

failed=0 rows=() json=()
record() { # record STEP STATE SECONDS NOTE
    local note="${4//$'\n'/ }"
    rows+=("$(printf '%-26s %-8s %6s s  %s' "$1" "$2" "$3" "$note")")
    note="${note//\\/\\\\}"
    json+=("    { \"step\": \"$1\", \"state\": \"$2\", \"seconds\": $3, \"note\": \"${note//\"/\\\"}\" }")
    echo "${rows[-1]}"
    if [ "$2" = failed ]; then failed=$((failed + 1)); fi
}
step() { # step NAME LIMIT-SECONDS COMMAND...: output in NAME.log; its last line is the note
    local name="$1" limit="$2" begin=$SECONDS rc=0
    shift 2
    timeout "$limit" "$@" > "$out/$name.log" 2>&1 || rc=$?
    local note
    note="$(grep -v '^[[:space:]]*$' "$out/$name.log" | tail -n 1 | cut -c1-140)"
    if [ $rc -eq 0 ]; then record "$name" passed $((SECONDS - begin)) "$note"; else record "$name" failed $((SECONDS - begin)) "exit code $rc: $note"; fi
    return $rc
}
same() { # same FOLDER FOLDER: equal but for the files that name device and time
    local differing
    differing="$(diff -rq --exclude=manifest.json --exclude=report.html --exclude=run.json --exclude=summary.json "$1" "$2" | grep -v ': checkpoints$')"
    if [ -n "$differing" ]; then printf '%s\n' "$differing"; echo "$(printf '%s\n' "$differing" | wc -l) files differ"; return 1; fi
    echo "$(find "$1" -type f | wc -l) files, the same bits"
}
verdicts() { # verdicts SUMMARY: name, hits and verdict of each suspect
    grep -E '^ +"(name|hits|verdict)":' "$1" | sed 's/^ *//' | paste -sd' '
}
compare_demos() {
    local gpu cpu
    gpu="$(verdicts "$out/demo-gpu/summary.json")" cpu="$(verdicts "$out/demo-cpu/summary.json")"
    if [ "$gpu" != "$cpu" ]; then printf 'gpu: %s\ncpu: %s\nhits or verdicts differ\n' "$gpu" "$cpu"; return 1; fi
    same "$out/demo-gpu" "$out/demo-cpu"
}
export -f same verdicts compare_demos
export out

sample=("$program" sample --model models/source --prompt "grinning face" --prompt "red apple" --count 4 --sample-steps 10 --seed 7)
train=("$program" finetune --base models/g0 --data emoji:openmoji@0+64#3 --steps 10 --batch 16 --seed 7)
small_sample=("$program" sample --model models/source --prompt "grinning face" --sample-steps 2 --seed 7)
small_train=("$program" finetune --base models/g0 --data emoji:openmoji@0+16#3 --steps 1 --batch 2 --seed 7)

step doctor 60 bash -c '"$0" doctor --json > "$out/doctor.json"; "$0" doctor | tee "$out/doctor.txt" | grep "^  $1 " | grep -v "not usable"' "$program" "$device" || {
    sed -n '/^devices/,/^$/p' "$out/doctor.txt" >&2
    echo "gpu-check: $device cannot be used here; nothing else was run" >&2
    exit 1
}
step verify 120 bash -c '"$0" verify --device "$1" --json > "$out/verify.json"; rc=$?; grep -E "^  \"(checks|failed)\"" "$out/verify.json" | paste -sd" "; exit $rc' \
    "$program" "$device"

for run in 1 2; do
    step "sample-$run" 60 "${sample[@]}" --device "$device" --out "$out/sample-$run"
    step "train-$run" 60 "${train[@]}" --device "$device" --out "$out/train-$run"
done
step sample-repeats 10 bash -c 'same "$out/sample-1" "$out/sample-2"'
step train-repeats 10 bash -c 'same "$out/train-1" "$out/train-2"'

if sanitizer="$(command -v compute-sanitizer)"; then
    for tool in memcheck racecheck synccheck; do
        check=("$sanitizer" --tool "$tool" --target-processes all --error-exitcode 9 --print-limit 20)
        step "$tool-sample" 60 "${check[@]}" "${small_sample[@]}" --device "$device" --out "$out/$tool-sample"
        step "$tool-train" 60 "${check[@]}" "${small_train[@]}" --device "$device" --out "$out/$tool-train"
    done
else
    record compute-sanitizer skipped 0 "compute-sanitizer is not on the PATH"
fi

step demo-gpu 240 "$program" demo "${recipe[@]}" --models models --seed 1 --device "$device" --out "$out/demo-gpu"
step demo-cpu 300 "$program" demo "${recipe[@]}" --models models --seed 1 --device cpu --out "$out/demo-cpu"
step demo-same 10 bash -c compare_demos

step bench-ops 90 bash -c '"$0" bench --device "$1" --seconds 0.2 --json > "$out/bench-ops.json" && echo "$(grep -c "\"op\"" "$out/bench-ops.json") cases"' "$program" "$device"
step bench-model 120 bash -c '"$0" bench --device "$1" --model models/g0 --steps 30 --json > "$out/bench-model.json" && grep -o "\"median_ms\": [0-9.]*" "$out/bench-model.json" | paste -sd" "' \
    "$program" "$device"

# Products on tensor cores: right first, then the same bits twice, then how fast beside F32.
step verify-bf16 60 bash -c '"$0" verify --device "$1" --math bf16 --json > "$out/verify-bf16.json"; rc=$?
    grep -E "^  \"(checks|failed)\"" "$out/verify-bf16.json" | paste -sd" "; exit $rc' "$program" "$device"
for run in 1 2; do
    step "train-bf16-$run" 60 "${small_train[@]}" --device "$device" --math bf16 --out "$out/train-bf16-$run"
done
step train-bf16-repeats 10 bash -c 'same "$out/train-bf16-1" "$out/train-bf16-2"'
if [ ${#recipe[@]} -eq 0 ]; then
    step bench-ops-bf16 60 bash -c '"$0" bench --device "$1" --math bf16 --seconds 0.2 --json > "$out/bench-ops-bf16.json" &&
        grep -m 1 "^  \"math\"" "$out/bench-ops-bf16.json"' "$program" "$device"
    step bench-model-bf16 60 bash -c '"$0" bench --device "$1" --math bf16 --model models/g0 --steps 50 --json > "$out/bench-model-bf16.json" &&
        grep -o "\"median_ms\": [0-9.]*" "$out/bench-model-bf16.json" | paste -sd" "' "$program" "$device"
else
    record bench-bf16 skipped 0 "a rehearsal (--recipe) does not time emulated tensor cores"
fi

# NVIDIA's own engine, where both libraries are: right first, then how fast beside our kernels.
missing="$(sed -n 's/^  \(cuBLAS\|cuDNN\): not found.*/\1/p' "$out/doctor.txt" | paste -sd' ')"
if [ -z "$missing" ]; then
    step verify-cublas-cudnn 60 bash -c '"$0" verify --device "$1" --math cublas-cudnn --json > "$out/verify-cublas-cudnn.json"; rc=$?
        grep -E "^  \"(checks|failed)\"" "$out/verify-cublas-cudnn.json" | paste -sd" "; exit $rc' "$program" "$device" && {
        step bench-ops-cublas-cudnn 60 bash -c '"$0" bench --device "$1" --math cublas-cudnn --seconds 0.2 --json \
            > "$out/bench-ops-cublas-cudnn.json" && grep -m 1 "^  \"math\"" "$out/bench-ops-cublas-cudnn.json"' "$program" "$device"
        step bench-model-cublas-cudnn 60 bash -c '"$0" bench --device "$1" --math cublas-cudnn --model models/g0 --steps 50 --json \
            > "$out/bench-model-cublas-cudnn.json" && grep -o "\"median_ms\": [0-9.]*" "$out/bench-model-cublas-cudnn.json" | paste -sd" "' \
            "$program" "$device"
    }
else
    record cublas-cudnn skipped 0 "doctor found no ${missing/ / and no }"
fi

if python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2> /dev/null; then
    step bench-pytorch 60 bash -c 'python3 build/oracle/bench_torch.py --model models/g0 --device cuda > "$out/bench-pytorch.json" && grep -o "\"median_ms\": [0-9.]*" "$out/bench-pytorch.json" | paste -sd" "'
else
    record bench-pytorch skipped 0 "no python3 with a PyTorch that sees a GPU"
fi

{
    printf '{\n  "device": "%s",\n  "program_sha256": "%s",\n  "date": "%s",\n  "failed": %d,\n  "steps": [\n' \
        "$device" "$(sha256sum "$program" | cut -d' ' -f1)" "$(date -u +%FT%TZ)" "$failed"
    (IFS=$'\n'; echo "${json[*]}") | sed '$!s/$/,/'
    printf '  ]\n}\n'
} > "$out/summary.json"
echo
printf '%s\n' "${rows[@]}"
echo "$failed failed; $out/summary.json"
[ "$failed" -eq 0 ]
