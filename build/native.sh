#!/usr/bin/env bash
# Builds kernels and native libraries with CMake into artifacts/native. Called by MSBuild; fine to call by hand.
# With --configure it stops before the compilers run, and prints nothing but one sentence where something is missing.
# CUATTR_IMAGE=OFF leaves the image codecs and the three libraries they need out.
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
image="${CUATTR_IMAGE:-ON}"
if [[ ! -f "$folder/build.ninja" ]] || ! grep -qx "CUATTR_IMAGE:BOOL=$image" "$folder/CMakeCache.txt"; then
    log="$folder/configure.log"
    if ! cmake -S "$repository" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCUATTR_IMAGE="$image" > "$log" 2>&1; then
        # CMake's own sentence, which it wraps over indented lines below the first "CMake Error".
        sentence="$(awk '/^CMake Error/ { found = 1; next } found && /^  / { printf "%s ", $0; seen = 1; next } seen { exit }' "$log" | tr -s ' ')"
        echo "the native build could not be configured:$sentence(log: $log)"
        exit 1
    fi
fi
if [[ "${1:-}" != --configure ]]; then
    cmake --build "$folder"
    # A stamp of its own: a build without the codecs says nothing of theirs.
    if [[ "$image" == ON ]]; then touch "$folder/.built"; else touch "$folder/.built.without-image"; fi
fi
