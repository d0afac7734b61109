#!/bin/sh
# Formatting, layers, clang-tidy. Prints what it checked.
set -eu
cd "$(dirname "$0")/.."
tools/format.sh --dry-run
echo "format: every file is as clang-format wants it"
python3 tools/check_layers.py
build=${1:-build-clang}
[ -f "$build/build.ninja" ] || CC=clang-14 meson setup "$build" -Dtests=true >/dev/null
find src -name '*.c' -not -path '*/generated/*' -print0 |
    xargs -0 -P "$(nproc)" -n 8 clang-tidy-14 -p "$build" --quiet --warnings-as-errors='*' 2>/dev/null
echo "clang-tidy: no findings"
