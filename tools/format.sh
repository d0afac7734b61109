#!/bin/sh
# Formats (-i) or checks (--dry-run) every C file but the generated ones.
set -eu
cd "$(dirname "$0")/.."
find src tests examples -name '*.[ch]' -not -path '*/generated/*' -print0 |
    xargs -0 clang-format-14 --Werror "${1:---dry-run}"
