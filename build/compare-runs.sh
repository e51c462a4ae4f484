#!/usr/bin/env bash
# Whether two result folders hold the same bits, pictures (PNG) the same pixels, but for the files that name device and time and the stores that the
# results were taken from (answers/ of a run, units/ of a demo).
#   build/compare-runs.sh FOLDER FOLDER        exit code 0: the same; 1: what differs is listed; 2: wrong usage or a file that is no picture
set -euo pipefail
if [ $# -ne 2 ] || [ ! -d "$1" ] || [ ! -d "$2" ]; then
    sed -n '2,4s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
named=(manifest.json report.html run.json summary.json '*.png')
for run in "$1" "$2"; do
    [ ! -f "$run/answers/answers.jsonl" ] || named+=(answers)
    [ ! -f "$run/units/store.json" ] || named+=(units)
done
differing="$(diff -rq "${named[@]/#/--exclude=}" "$1" "$2" || [ $? -eq 1 ])"
pictures="$(dotnet run "$(dirname "$0")/compare-pictures.cs" -- "$1" "$2" || [ $? -eq 1 ])" || exit 2
differing="$(printf '%s\n' "$differing" "$pictures" | sed '/^$/d')"
if [ -z "$differing" ]; then
    echo "$(find "$1" -path "$1/answers" -prune -o -path "$1/units" -prune -o -type f -print | wc -l) files, the same bits; in pictures the same pixels"
else
    printf '%s\n%s\n' "$differing" "$(wc -l <<< "$differing") files differ"
    exit 1
fi
