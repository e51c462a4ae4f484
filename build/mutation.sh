#!/usr/bin/env bash
# Mutation tests: changes one operator, condition or value of the code at a time and sees whether a test fails. Prints the mutants that
# survived and the score; exit code 1 where it is below the "break" of the suite's stryker-config.json.
#   build/mutation.sh [runs] [method]      default: both, one to two hours on two processors
# Reports: artifacts/mutation/NAME/reports/mutation-report.html
set -euo pipefail
cd "$(dirname "$0")/.."
source build/setup.sh
declare -A suites=([runs]=CudaAttribution.Runs.Tests [method]=CudaAttribution.Tests)
[ $# -gt 0 ] || set -- runs method
for name in "$@"; do
    [ -n "${suites[$name]:-}" ] || { echo "mutation: there is no suite '$name': name runs or method" >&2; exit 2; }
done
status=0
dotnet tool restore > /dev/null
# Stryker takes references from what was restored last, not from the project.
dotnet restore CudaAttribution.sln --verbosity quiet
for name in "$@"; do
    (cd "tests/${suites[$name]}" && dotnet stryker --output "$OLDPWD/artifacts/mutation/$name") || status=1
done
exit $status
