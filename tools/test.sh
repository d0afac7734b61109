#!/bin/sh
# Runs every test: unit and engine tests with gcc, clang and sanitizers, layers, golden, vectors, integration.
# Prints one line per suite with its counts, and fails when any suite failed or could not run.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
logs=$root/build-logs
rm -rf "$logs"
mkdir -p "$logs"
passed=0 failed=0 skipped=0
panka=$root/build/panka

# Public test vectors: the pinned source distribution of botocore. Unpacked once into the build folder.
vectors=$root/build-vectors
if [ ! -d "$vectors/botocore" ]; then
    tools/fetch_vectors.sh "$vectors" >"$logs/vectors.log" 2>&1 || { cat "$logs/vectors.log"; exit 1; }
fi
PANKA_BOTOCORE_SDIST=$vectors/botocore
export PANKA_BOTOCORE_SDIST

tally() { # name, passed, failed, skipped
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    printf '%-34s %6d passed  %4d failed  %4d skipped\n' "$1" "$2" "$3" "$4"
}

command_suite() { # name, command: passes or fails as a whole
    name=$1
    shift
    if "$@" >"$logs/$name.log" 2>&1; then
        tally "$name" 1 0 0
    else
        tally "$name" 0 1 0
        tail -40 "$logs/$name.log"
    fi
}

# name, build folder, meson options. Counts are test functions of the C programs, and one for each other program.
unit_suite() {
    name=$1 build=$2
    shift 2
    if ! { [ -f "$build/build.ninja" ] || meson setup "$build" "$@"; } >"$logs/$name-build.log" 2>&1 ||
        ! ninja -C "$build" >>"$logs/$name-build.log" 2>&1; then
        tally "$name (build)" 0 1 0
        grep -E 'error|ERROR|FAILED|undefined' "$logs/$name-build.log" | head -40
        return
    fi
    run_unit "$name" "$build"
}

run_unit() { # name, build folder, names of tests
    name=$1 build=$2
    shift 2
    status=0
    meson test -C "$build" --no-rebuild --print-errorlogs "$@" >"$logs/$name.log" 2>&1 || status=$?
    log=$build/meson-logs/testlog.txt
    ok=$(grep -c '^\[       OK \]' "$log" || true)
    bad=$(grep -c '^\[  FAILED  \] [a-z_0-9]*$' "$log" || true)
    skip=$(grep -c '^\[  SKIPPED \] [a-z_0-9]*$' "$log" || true)
    others=$(grep -cE '^ *[0-9]+/[0-9]+ .* OK ' "$logs/$name.log" || true)
    programs=$(grep -cE '^\[  PASSED  \]' "$log" || true)
    ok=$((ok + (others > programs ? others - programs : 0)))
    skip=$((skip + $(grep -cE '^ *[0-9]+/[0-9]+ .* SKIP ' "$logs/$name.log" || true)))
    [ "$status" = 0 ] || [ "$bad" -gt 0 ] || bad=1
    tally "$name" "$ok" "$bad" "$skip"
    if [ "$status" != 0 ]; then
        grep -E '^\[  FAILED|ERROR|SUMMARY|Sanitizer|^ *[0-9]+/[0-9]+ .*(FAIL|TIMEOUT|ERROR)' "$logs/$name.log" | head -40
    fi
}

pytest_suite() { # name, pytest arguments
    name=$1
    shift
    status=0
    PANKA=$panka PYTHONPATH=$root/tests .venv/bin/python -m pytest -q -ra "$@" >"$logs/$name.log" 2>&1 || status=$?
    line=$(tail -1 "$logs/$name.log")
    number() { printf '%s' "$line" | grep -oE "[0-9]+ $1" | grep -oE '[0-9]+' || echo 0; }
    bad=$(($(number failed) + $(number error)))
    [ "$status" = 0 ] || [ "$bad" -gt 0 ] || bad=1
    tally "$name" "$(number passed)" "$bad" "$(number skipped)"
    [ "$status" = 0 ] || tail -60 "$logs/$name.log"
}

TSAN_OPTIONS=suppressions=$root/tests/tsan.supp
export TSAN_OPTIONS
[ -n "${PANKA_VECTORS:-}" ] || echo "PANKA_VECTORS is not set: the vectors that no package carries are skipped"

command_suite layers python3 tools/check_layers.py
command_suite format tools/format.sh --dry-run
unit_suite unit-gcc build
command_suite unit-online tools/emulator.sh moto "$logs/emulator" sh -c \
    'PANKA_TEST_ENDPOINT=$AWS_ENDPOINT_URL meson test -C build --no-rebuild --print-errorlogs store/online tenant/online'
CC=clang-14
export CC
unit_suite unit-clang build-clang
unset CC
unit_suite unit-asan-ubsan build-asan -Db_sanitize=address,undefined -Db_lundef=false
unit_suite unit-tsan build-tsan -Db_sanitize=thread -Db_lundef=false
command_suite clang-tidy tools/lint.sh build-clang
pytest_suite emulator tests/emulator
pytest_suite golden tests/golden
panka=$root/build-asan/panka
pytest_suite golden-asan tests/golden
pytest_suite single-asan tests/integration/test_single.py
panka=$root/build/panka
# Two calls: each folder has a conftest.py, and `import conftest` finds one only.
pytest_suite integration tests/integration/test_*.py -n 2
pytest_suite provider-driver tests/integration/provider_driver -n 2
EMULATOR=ministack
export EMULATOR
pytest_suite main-job-ministack tests/integration/test_main_job.py -n 2
unset EMULATOR

printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
