#!/bin/sh
# Installs what building and testing need. Does nothing, quickly, when it is all there.
set -eu
cd "$(dirname "$0")/.."

packages="build-essential pkg-config meson ninja-build libcurl4-openssl-dev libssl-dev libyaml-dev
  libjansson-dev libexpat1-dev libcrypt-dev libutf8proc-dev zlib1g-dev libcmocka-dev ca-certificates
  python3 python3-venv clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev"

missing=""
for p in $packages; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
if [ -n "$missing" ]; then
    echo "installing:$missing"
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

stamp=.venv/.requirements
if ! cmp -s tests/requirements.txt "$stamp" 2>/dev/null; then
    echo "installing Python packages for tests and demo into .venv"
    [ -x .venv/bin/python ] || python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements.txt
    cp tests/requirements.txt "$stamp"
fi
