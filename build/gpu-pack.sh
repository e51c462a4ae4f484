#!/usr/bin/env bash
# Makes the folder that travels to a machine with a GPU and nothing else but the NVIDIA driver: program, .NET, kernels, queue and the bits of cpu.
#   build/gpu-pack.sh FOLDER
# There:  FOLDER/run --minutes 9 --out RESULTS   (FOLDER/run --help explains it). Nothing is fetched from a network, there or here (but what a build restores).
# The cubins are packed where build/cubins.sh has made them; without them the driver compiles the PTX when the program starts.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly size_limit_mb=20

case "${1:-}" in
    '' | -*) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
readonly out="$(realpath -m "$1")"
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ] && [ ! -e "$out/program.tar.xz" ]; then
    echo "gpu-pack: $out holds other things: name a new folder" >&2
    exit 2
fi
readonly work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

echo "gpu-pack: building"
dotnet publish src/CudaAttribution.GpuQueue --configuration Release --nologo --verbosity quiet -p:DebugType=none \
    --output "$work/program/app"
rm -f "$work/program/app/libcuattr_dnnl.so"
mkdir "$work/program/app/torch"
cp build/oracle/{gpu_torch,steps,model,schedule}.py "$work/program/app/torch/"
cp kernels/gpu-queue.json "$work/program/"

echo "gpu-pack: the part of .NET that it needs"
dotnet="$(dirname "$(readlink -f "$(command -v dotnet)")")"
version="$(dotnet --list-runtimes | awk '$1 == "Microsoft.NETCore.App" && $2 ~ /^10\./ { v = $2 } END { print v }')"
shared="shared/Microsoft.NETCore.App/$version" fxr="host/fxr/$version"
mkdir -p "$work/program/runtime/$shared" "$work/program/runtime/$fxr"
dotnet run build/framework-closure.cs -- "$work/program/app" "$dotnet/$shared" "$work/program/runtime/$shared"
cp "$dotnet/dotnet" "$dotnet/LICENSE.txt" "$dotnet/ThirdPartyNotices.txt" "$work/program/runtime/"
cp "$dotnet/$fxr/libhostfxr.so" "$work/program/runtime/$fxr/"

echo "gpu-pack: the bits of cpu for every case"
"$work/program/runtime/dotnet" "$work/program/app/gpu-queue.dll" golden --out "$work/program/golden.json"

mkdir "$work/pack"
tar -C "$work/program" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - . | xz -9e > "$work/pack/program.tar.xz"
cp build/gpu-run.sh "$work/pack/run"
sha256sum "$work/pack/program.tar.xz" | cut -d' ' -f1 > "$work/pack/program.sha256"
size="$(($(stat -c %s "$work/pack/program.tar.xz") / 1000000 + 1))"
if [ "$size" -gt "$size_limit_mb" ]; then
    echo "gpu-pack: the program is $size MB, the limit is $size_limit_mb MB" >&2
    exit 1
fi
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/pack" "$out"
cubins="$(ls "$work/program/app" | grep -c '\.cubin$' || true)"
echo "gpu-pack: $out, $(du -sk --apparent-size "$out" | cut -f1) KB; $cubins cubins$([ "$cubins" -gt 0 ] || echo ' (build/cubins.sh makes them)')"
