#!/usr/bin/env bash
# Installs what the build needs and this machine lacks (Debian 12, root). Quick when nothing is missing. Sourced by demo.sh and test.sh.
set -euo pipefail

packages=()
need() { # need PACKAGE: if it is not installed
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed' || packages+=("$1")
}

# The kernels' PTX and the sanitizer builds need clang 19; the host devices g++; the optional maths engine its library.
for package in g++ cmake ninja-build clang-19 libclang-rt-19-dev libdnnl-dev libicu72 ca-certificates util-linux; do
    need "$package"
done

if [ ${#packages[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "setup: install the equivalents of these Debian packages: ${packages[*]}" >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "setup: run as root once, or run: apt-get install -y --no-install-recommends ${packages[*]}" >&2
        exit 1
    fi
    echo "setup: installing ${packages[*]}"
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "setup: apt-get failed; its last lines are above" >&2
        exit 1
    fi
    rm -f "$log"
fi

if ! command -v dotnet >/dev/null; then
    echo "setup: the .NET SDK 10 is needed and 'dotnet' is not on the PATH; install it and start again" >&2
    exit 1
fi
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
