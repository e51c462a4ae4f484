#!/usr/bin/env bash
# All tests: native (CTest, sanitizers included), then managed. --slow adds what takes longer than 20 minutes on two cores.
# The last line is 'N passed, N failed, N skipped'; a skip prints its reason.
set -uo pipefail
cd "$(dirname "$0")/.."
source build/setup.sh || exit 1
set +e # setup.sh stops at the first error; here every suite runs and the failures are counted

filter='TestCategory!=Slow'
case "${1:-}" in
    '') ;;
    --slow) filter='' ;;
    *) echo "usage: build/test.sh [--slow]" >&2; exit 2 ;;
esac

passed=0 failed=0 skipped=0 rc=0
tally() { passed=$((passed + $1)); failed=$((failed + $2)); skipped=$((skipped + $3)); }

echo "test: building"
if ! dotnet build CudaAttribution.sln --configuration Release --nologo --verbosity quiet; then
    echo "test: the build failed" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi

echo "test: native"
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
export logs filter
cmake --build artifacts/native --target check 2>&1 | tee "$logs/native" || rc=1
read -r native_total native_failed < <(awk '/tests passed, .* tests failed out of/{f=$4; t=$NF} END{print t+0, f+0}' "$logs/native")
if [ "$native_total" -eq 0 ]; then native_total=1 native_failed=1 rc=1; fi
tally $((native_total - native_failed)) "$native_failed" 0

# suite PROJECT: runs it and leaves its log; prints failures, reasons of skips and totals, for names of tests that passed or were skipped are noise.
suite() {
    local name status=0
    name=$(basename "$1" .csproj)
    dotnet test "$1" --configuration Release --no-build --nologo --logger 'console;verbosity=normal' --logger trx --results-directory "$logs/$name.trx" \
        ${filter:+--filter "$filter"} >"$logs/$name.log" 2>&1 || status=1
    {
        grep -avE '^ +(Passed|Skipped) .*\[|^$|^Results File' "$logs/$name.log" | sed 's/^/  /'
        sed -n '/outcome="NotExecuted"/,/<\/UnitTestResult>/p' "$logs/$name.trx"/*.trx 2>/dev/null | grep -ao '<Message>[^<]*' | sed 's/<Message>//' |
            sort | uniq -c | sed 's/^ *\([0-9]*\) /  skipped \1: /'
    } >"$logs/$name.out"
    flock "$logs" cat "$logs/$name.out"
    return $status
}
export -f suite

# Most tests start processes and wait for them, so two suites run side by side.
echo "test: managed"
printf '%s\n' tests/*/*.csproj | xargs -P 2 -I {} bash -c 'suite {}' || rc=1
for project in tests/*/*.csproj; do
    read -r p f s < <(awk '/^ *Passed: /{p+=$2} /^ *Failed: /{f+=$2} /^ *Skipped: /{s+=$2} END{print p+0, f+0, s+0}' \
        "$logs/$(basename "$project" .csproj).log")
    if [ $((p + f + s)) -eq 0 ]; then f=1 rc=1; fi
    tally "$p" "$f" "$s"
done

if [ -z "$filter" ]; then
    echo "test: mutations"
    if bash build/mutation.sh; then tally 1 0 0; else tally 0 1 0; fi
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] || rc=1
exit $rc
