#!/bin/sh
# Prints the figures of docs/performance.md. usage: tests/bench/run.sh BUILDDIR
set -eu
cd "$(dirname "$0")/../.."
PANKA=$PWD/$1/panka PYTHONPATH=$PWD/tests exec .venv/bin/python tests/bench/bench.py
