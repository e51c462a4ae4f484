#!/usr/bin/env bash
# Builds kernels and native libraries with CMake into artifacts/native. Called by MSBuild; fine to call by hand.
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
    # The form in which MSBuild recognises an error line.
    echo "build/native.sh : error NATIVE001: the native build needs what is not installed here: apt-get install ${missing[*]}"
    exit 3
fi

mkdir -p "$folder"
exec 9> "$folder.lock"
flock 9
if [[ ! -f "$folder/build.ninja" ]]; then
    cmake -S "$repository" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release
fi
cmake --build "$folder"
touch "$folder/.built"
