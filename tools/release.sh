#!/bin/sh
# Builds with third-party libraries linked statically; libcurl comes from Debian's source package because the
# distribution's static one drags 33 shared libraries along. usage: tools/release.sh BUILDDIR
set -eu
cd "$(dirname "$0")/.."
build=$1
prefix=$PWD/build-deps/curl
if [ ! -f "$prefix/lib/libcurl.a" ]; then
    echo "building a static libcurl (once)"
    mkdir -p build-deps/src
    sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    $sudo apt-get update -qq || true # another list of the machine may be out of reach
    $sudo apt-get install -y -qq --no-install-recommends dpkg-dev libnghttp2-dev libssl-dev zlib1g-dev >/dev/null
    # The source index is asked for once, without touching the machine's own list of sources.
    list=build-deps/sources.list
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    # One-line and deb822 lists alike; comments, security and third-party lists are passed over.
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        grep -v '^ *#' | grep -oE '[a-z+]+://[^] ]+/(debian|ubuntu)/?' | head -1)
    [ -n "$mirror" ] || { echo "no Debian or Ubuntu archive in apt's lists of sources" >&2; exit 1; }
    echo "deb-src $mirror $codename main" >"$list"
    mkdir -p build-deps/lists/partial
    opts="-o Dir::Etc::SourceList=$PWD/$list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$PWD/build-deps/lists"
    apt-get $opts update -qq
    (cd build-deps/src && apt-get $opts source -qq --download-only curl && rm -rf curl && dpkg-source --no-check -x curl_*.dsc curl >/dev/null)
    (cd build-deps/src/curl && ./configure --disable-shared --enable-static --with-pic --prefix="$prefix" --with-openssl --with-nghttp2 \
        --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path --disable-ldap --disable-ldaps --disable-ftp --disable-file \
        --disable-dict --disable-telnet --disable-tftp --disable-pop3 --disable-imap --disable-smtp --disable-gopher --disable-mqtt \
        --disable-rtsp --disable-smb --disable-manual --without-libpsl --without-brotli --without-zstd --without-libidn2 \
        --without-librtmp --without-libssh2 --disable-docs >configure.log 2>&1 && make -j"$(nproc)" -C lib >make.log 2>&1 &&
        make -C lib install >/dev/null && make -C include install >/dev/null && make install-pkgconfigDATA >/dev/null)
fi
[ -f "$build/build.ninja" ] || PKG_CONFIG_PATH=$prefix/lib/pkgconfig meson setup "$build" -Dtests=false -Dstatic_deps=true \
    -Dbuildtype=release -Db_lto=true -Dstrip=true >/dev/null
ninja -C "$build" panka
ls -l "$build/panka"
