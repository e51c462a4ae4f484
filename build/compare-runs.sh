#!/usr/bin/env bash
# Whether two result folders hold the same bits, pictures (PNG) the same pixels, but for the files that name device and time.
#   build/compare-runs.sh FOLDER FOLDER        exit code 0: the same; 1: what differs is listed; 2: wrong usage or a file that is no picture
set -euo pipefail
if [ $# -ne 2 ] || [ ! -d "$1" ] || [ ! -d "$2" ]; then
    sed -n '2,3s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
named=(manifest.json report.html run.json summary.json '*.png')
differing="$(diff -rq "${named[@]/#/--exclude=}" "$1" "$2" || [ $? -eq 1 ])"
pictures="$(dotnet run "$(dirname "$0")/compare-pictures.cs" -- "$1" "$2" || [ $? -eq 1 ])" || exit 2
differing="$(printf '%s\n' "$differing" "$pictures" | sed '/^$/d')"
if [ -z "$differing" ]; then
    echo "$(find "$1" -type f | wc -l) files, the same bits; in pictures the same pixels"
else
    printf '%s\n%s\n' "$differing" "$(wc -l <<< "$differing") files differ"
    exit 1
fi
