#!/usr/bin/env bash
# Makes a program for machines that have neither .NET nor this project's packages, only (for cuda:N) the NVIDIA driver.
#   build/publish.sh [FOLDER]        default: artifacts/publish
# FOLDER then holds: cudattr (one file, PTX and native libraries inside), models/ (of the demo), licences/ (of what is inside the file).
# Cubins that build/cubins.sh has made lie beside the program, with their list.
# It runs on Linux x86-64 with glibc 2.35 (Ubuntu 22.04) or newer; oneDNN is left out for its size (--math onednn needs libdnnl.so.2 installed).
set -euo pipefail
cd "$(dirname "$0")/.."
source build/setup.sh

readonly out="$(realpath -m "${1:-artifacts/publish}")" newest_glibc=2.35 size_limit_mb=31
readonly work="$out.partial"

echo "publish: building the native part"
bash build/native.sh --configure
bash build/native.sh > /dev/null

# They must need nothing that .NET itself does not need of a machine: glibc, libstdc++ and libgcc.
foreign="$(for library in artifacts/native/libcuattr_{cpu_avx2,cpu_avx512,simt}.so; do
    ldd "$library" | awk '$2 == "=>" { print $1 }'
done | sort -u | grep -vE '^(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)\.so' || true)"
if [ -n "$foreign" ]; then
    echo "publish: our libraries need" $foreign "which a bare machine may not have" >&2
    exit 1
fi
rm -rf "$work"
mkdir -p "$work/licences"

echo "publish: one file for linux-x64"
dotnet publish src/CudaAttribution.Cli --configuration Release --nologo --verbosity quiet -p:PublishProfile=SingleFile -p:BuildNative=false \
    --output "$work"
sdk="$(dirname "$(readlink -f "$(command -v dotnet)")")"
for notice in LICENSE.txt ThirdPartyNotices.txt; do
    if [ -f "$sdk/$notice" ]; then cp "$sdk/$notice" "$work/licences/dotnet-$notice"; fi
done
cp LICENSE "$work/licences/CudaAttribution.txt"
cp data/emoji/LICENCES/Apache-2.0.txt "$work/licences/SixLabors.ImageSharp.txt"
packages="$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')"
package() { # package NAME: its folder, of the version that is built with
    echo "$packages/${1,,}/$(sed -n "s/.*\"$1\" Version=\"\([^\"]*\)\".*/\1/p" Directory.Packages.props)"
}
cp "$(package Microsoft.ML.Tokenizers)/LICENSE" "$work/licences/Microsoft.ML.Tokenizers.txt"
cp "$(package Microsoft.ML.Tokenizers)/THIRD-PARTY-NOTICES.TXT" "$work/licences/Microsoft.ML.Tokenizers-notices.txt"
cp "$(package BouncyCastle.Cryptography)/LICENSE.md" "$work/licences/BouncyCastle.Cryptography.txt"
cp data/README.md "$work/licences/pictures.md"

# A symbol of a newer glibc would end in the loader's message on the user's machine.
for file in "$work/cudattr" artifacts/native/libcuattr_{cpu_avx2,cpu_avx512,simt,dnnl}.so; do
    version="$(objdump -T "$file" 2>/dev/null | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1 | cut -d_ -f2)"
    if [ "$(printf '%s\n' "${version:-0}" "$newest_glibc" | sort -V | tail -n 1)" != "$newest_glibc" ]; then
        echo "publish: $file needs glibc $version, the newest allowed is $newest_glibc: build on an older system" >&2
        exit 1
    fi
done
size="$(($(stat -c %s "$work/cudattr") / 1048576))"
if [ "$size" -gt "$size_limit_mb" ]; then
    echo "publish: cudattr is $size MB, the limit is $size_limit_mb MB" >&2
    exit 1
fi

rm -rf "$out"
mv "$work" "$out"
env -i PATH=/nonexistent HOME=/tmp "$out/cudattr" doctor > "$out.doctor.txt" || { cat "$out.doctor.txt" >&2; exit 1; }
rm "$out.doctor.txt"
echo "publish: $out/cudattr, $size MB; it starts in an empty environment"
