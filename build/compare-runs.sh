#!/usr/bin/env bash
# Whether two result folders hold the same bits, but for the files that name device and time.
#   build/compare-runs.sh FOLDER FOLDER        exit code 0: the same; 1: the files that differ are listed; 2: wrong usage
set -euo pipefail
if [ $# -ne 2 ] || [ ! -d "$1" ] || [ ! -d "$2" ]; then
    sed -n '2,3s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
named=(manifest.json report.html run.json summary.json)
if differing="$(diff -rq "${named[@]/#/--exclude=}" "$1" "$2")"; then
    echo "$(find "$1" -type f | wc -l) files, the same bits"
else
    printf '%s\n%s\n' "$differing" "$(wc -l <<< "$differing") files differ"
    exit 1
fi
