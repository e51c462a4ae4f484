#!/usr/bin/env bash
# The demo from nothing: installs, builds, then `cudattr demo` with the arguments given here (default: --out out/demo).
set -euo pipefail
cd "$(dirname "$0")/.."
source build/setup.sh

echo "demo: building"
dotnet build src/CudaAttribution.Cli --configuration Release --nologo --verbosity quiet
if [ $# -eq 0 ]; then set -- --out out/demo; fi
exec dotnet src/CudaAttribution.Cli/bin/Release/net10.0/cudattr.dll demo "$@"
