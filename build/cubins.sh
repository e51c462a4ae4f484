#!/usr/bin/env bash
# Translates the PTX module to machine code ahead of time, so that a GPU's driver has nothing left to compile: kernels.sm_80.cubin,
# kernels.sm_90.cubin and kernels.cubins.json, which names them with their hashes and that of the PTX they were made of.
#
#   build/cubins.sh [FOLDER]        where kernels.sm_80.ptx is and the files go; default: artifacts/native
#
# kernels.cubins.json comes last: without it the cubins beside it mean nothing, and with it they are whole.
# Exit codes: 0 written; 1 the PTX does not assemble; 2 no PTX file; 3 no ptxas to be had (see build/ptxas.sh).
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
folder="${1:-$repository/artifacts/native}"
ptx="$folder/kernels.sm_80.ptx"
if [[ ! -f "$ptx" ]]; then
  echo "cubins: there is no $ptx; build it first: bash build/native.sh" >&2
  exit 2
fi

found="$(bash "$repository/build/ptxas.sh")" || exit 3
ptxas="${found%%$'\n'*}"
version="$("$ptxas" --version | sed -n 's/.*, V\([0-9.]*\)$/\1/p')"

work="$(mktemp -d "$folder/cubins.XXXXXX")"
trap 'rm -rf "$work"' EXIT
hash() {
  sha256sum "$1" | cut -d ' ' -f 1
}

# A copy, so that the hash is of what was assembled even where a build replaces the file meanwhile.
cp "$ptx" "$work/kernels.ptx"
entries=()
for target in sm_80 sm_90; do
  cubin="kernels.$target.cubin"
  # Every addition and multiplication of the PTX says .rn, which must not be contracted; -fmad=false says so once more.
  if ! "$ptxas" -fmad=false "-arch=$target" -o "$work/$cubin" "$work/kernels.ptx" > "$work/log" 2>&1; then
    cat "$work/log" >&2
    echo "cubins: $ptx does not assemble for $target" >&2
    exit 1
  fi
  entries+=("{\"target\":\"$target\",\"file\":\"$cubin\",\"sha256\":\"$(hash "$work/$cubin")\"}")
done
(
  IFS=,
  printf '{"format":1,"ptx_sha256":"%s","assembler":"ptxas %s","cubins":[%s]}\n' "$(hash "$work/kernels.ptx")" "$version" "${entries[*]}"
) > "$work/kernels.cubins.json"

rm -f "$folder/kernels.cubins.json"
mv "$work"/kernels.sm_*.cubin "$folder/"
mv "$work/kernels.cubins.json" "$folder/"
echo "$folder/kernels.cubins.json: ptxas $version, sm_80 and sm_90"
