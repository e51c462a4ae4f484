#!/usr/bin/env bash
# Mutation tests: changes one operator, condition or value of the code at a time and sees whether a test fails. Prints the mutants that
# survived and the score; exit code 1 where it is below the least that is written here.
#   build/mutation.sh [runs | FOLDER]...      FOLDER of src/CudaAttribution, put to the tests of the same name; default: all that have a least score
# Reports: artifacts/mutation/NAME/reports/mutation-report.html
set -euo pipefail
cd "$(dirname "$0")/.."
source build/setup.sh
declare -A least=([runs]=75)
[ $# -gt 0 ] || set -- "${!least[@]}"
for name in "$@"; do
    [ "$name" = runs ] || [ -d "tests/CudaAttribution.Tests/$name" ] ||
        { echo "mutation: there are no tests of '$name': name runs, or a folder of tests/CudaAttribution.Tests" >&2; exit 2; }
done
status=0
dotnet tool restore > /dev/null
# Stryker takes references from what was restored last, not from the project.
dotnet restore CudaAttribution.sln --verbosity quiet
for name in "$@"; do
    options=(--output "$PWD/artifacts/mutation/$name" --break-at "${least[$name]:-0}")
    if [ "$name" = runs ]; then
        project=CudaAttribution.Runs.Tests
    else
        # With the tests of all folders a mutant takes half a minute.
        project=CudaAttribution.Tests
        options+=(--mutate "**/$name/**" --test-case-filter "TestCategory!=Slow&TestCategory!=Enumeration&FullyQualifiedName~CudaAttribution.Tests.$name")
    fi
    (cd "tests/$project" && dotnet stryker "${options[@]}") || status=1
done
exit $status
