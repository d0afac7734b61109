#!/bin/sh
# Unpacks botocore's source distribution into FOLDER/botocore: the public protocol, signing and endpoint test cases lie
# in it, and the unit tests look for them where PANKA_BOTOCORE_SDIST points. usage: tools/fetch_vectors.sh FOLDER
set -eu
version=1.44.5
folder=${1:?usage: tools/fetch_vectors.sh FOLDER}
pip=$(dirname "$0")/../.venv/bin/pip
[ -x "$pip" ] || pip=pip3
if [ "$(cat "$folder/botocore/.version" 2>/dev/null)" = "$version" ]; then
    echo "$folder/botocore"
    exit 0
fi
mkdir -p "$folder"
download=$(mktemp -d "$folder/download.XXXXXX")
trap 'rm -rf "$download"' EXIT
"$pip" download --quiet --no-binary :all: --no-deps --dest "$download" "botocore==$version" >&2
# Unpacked beside its place and then renamed, so that an interrupted run leaves nothing half done.
tar -xzf "$download/botocore-$version.tar.gz" -C "$download" "botocore-$version/tests"
echo "$version" >"$download/botocore-$version/.version"
rm -rf "$folder/botocore"
mv "$download/botocore-$version" "$folder/botocore"
echo "$folder/botocore"
