#!/usr/bin/env bash
# Builds kernels and native libraries with CMake into artifacts/native. Called by MSBuild; fine to call by hand.
# With --configure it stops before the compilers run, and prints nothing but one sentence where something is missing.
# Two builds at the same time take turns: the folder is locked.
set -euo pipefail
repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
folder="$repository/artifacts/native"

missing=()
for pair in cmake:cmake ninja:ninja-build g++:g++ flock:util-linux; do
    command -v "${pair%%:*}" > /dev/null || missing+=("${pair##*:}")
done
# Any of these compiles the kernels to PTX; CMake takes the newest and checks its version.
command -v clang++-22 clang++-21 clang++-20 clang++-19 clang++ nvcc > /dev/null || missing+=(clang-19)
if ((${#missing[@]})); then
    echo "the native build needs what is not installed here: apt-get install ${missing[*]}"
    exit 1
fi

mkdir -p "$folder"
exec 9> "$folder.lock"
flock 9
if [[ ! -f "$folder/build.ninja" ]]; then
    log="$folder/configure.log"
    if ! cmake -S "$repository" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release > "$log" 2>&1; then
        # CMake's own sentence, which it wraps over indented lines below the first "CMake Error".
        sentence="$(awk '/^CMake Error/ { found = 1; next } found && /^  / { printf "%s ", $0; seen = 1; next } seen { exit }' "$log" | tr -s ' ')"
        echo "the native build could not be configured:$sentence(log: $log)"
        exit 1
    fi
fi
if [[ "${1:-}" != --configure ]]; then
    cmake --build "$folder"
    touch "$folder/.built"
fi
