#!/usr/bin/env bash
# Stops what build/slurm-start.sh started, and removes its folder. Usage: build/slurm-stop.sh [FOLDER]
set -euo pipefail
folder="$(realpath -m "${1:-/tmp/cudattr-slurm}")"
[ -f "$folder/slurm.conf" ] || { echo "slurm-stop: $folder has no Slurm" >&2; exit 1; }
export SLURM_CONF="$folder/slurm.conf"

scancel --user=root --quiet 2>/dev/null || true
shopt -s nullglob
pids=()
for file in "$folder"/slurmd-*.pid "$folder/slurmctld.pid" "$folder/munge/pid"; do
    [ -f "$file" ] && pids+=("$(cat "$file")")
done
for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
for pid in "${pids[@]}"; do
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
done
rm -rf "$folder"
echo "slurm-stop: stopped"
