#!/usr/bin/env bash
# Runs the GPU queue that build/gpu-pack.sh has packed beside this file:  run --out RESULTS [--minutes 9] [--device cuda:0] [--reduced]
# It unpacks once, into $TMPDIR, and needs the NVIDIA driver only.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [ ! -f "$here/program.tar.xz" ]; then
    echo "run: there is no program.tar.xz beside this file: build/gpu-pack.sh FOLDER makes both" >&2
    exit 1
fi
hash="$(cat "$here/program.sha256")"
root="${TMPDIR:-/tmp}/cudattr-gpu-queue-${hash:0:16}"

if [ ! -d "$root" ]; then
    if [ "$(sha256sum "$here/program.tar.xz" | cut -d' ' -f1)" != "$hash" ]; then
        echo "run: $here/program.tar.xz is damaged: its hash is not the one in program.sha256; copy it again" >&2
        exit 1
    fi
    partial="$(mktemp -d "$root.XXXXXX")"
    trap 'rm -rf "$partial"' EXIT
    if command -v xz > /dev/null; then
        xz -dc "$here/program.tar.xz" | tar -xf - -C "$partial"
    elif command -v python3 > /dev/null; then
        python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$here/program.tar.xz" "$partial"
    else
        echo "run: neither xz nor python3 is here to unpack the program" >&2
        exit 1
    fi
    mv -T "$partial" "$root" 2> /dev/null || [ -d "$root" ] # another run may have been faster
fi
export DOTNET_ROOT="$root/runtime" DOTNET_CLI_TELEMETRY_OPTOUT=1
exec "$root/runtime/dotnet" "$root/app/gpu-queue.dll" run --queue "$root/gpu-queue.json" --golden "$root/golden.json" "$@"
