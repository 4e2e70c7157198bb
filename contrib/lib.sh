# SPDX-License-Identifier: Apache-2.0
# What quickstart and check share: asking for root, installing packages, saying what failed.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" = 0 ] || die "must be run as root (try: sudo $0)"
}

# install_packages GROUP…: the packages of these groups of contrib/packages that are not there yet.
install_packages() {
    local group missing=() name
    for group in "$@"; do
        for name in $(sed -n "s/^$group: //p" "$top/contrib/packages"); do
            dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
        done
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "these packages are missing and apt-get is not here: ${missing[*]}"
    echo "installing: ${missing[*]}"
    local log
    log=$(mktemp)
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "apt-get could not install: ${missing[*]} (whole log: $log)"; }
    rm -f "$log"
}

# configure FOLDER OPTION…: meson setup, or a new configuration of an existing build folder.
configure() {
    local folder=$1
    shift
    if [ -f "$folder/build.ninja" ]; then
        meson configure "$folder" "$@" >/dev/null
    else
        meson setup "$folder" "$top" "$@" >"$folder.log" 2>&1 || { tail -n 30 "$folder.log" >&2; die "meson setup $folder failed"; }
        rm -f "$folder.log"
    fi
}

# build FOLDER [TARGET…]
build() {
    ninja -C "$@" >"$1/build.log" 2>&1 || { grep -E -A12 'error|FAILED' "$1/build.log" | head -60 >&2; die "building in $1 failed (whole log: $1/build.log)"; }
}

# programs_of FOLDER SUITE…: what ninja has to make for the tests of these suites.
programs_of() {
    local folder=$1
    shift
    meson introspect "$folder" --tests --targets |
        jq -r --arg folder "$(realpath "$folder")/" '[$ARGS.positional[] | "kist:" + .] as $suites
            | [.tests[] | select(any(.suite[]; IN($suites[]))) | .depends[]] as $needed
            | .targets[] | select(IN(.id; $needed[])) | .filename[] | ltrimstr($folder)' --args "$@"
}

# busybox_tar FILE: a root filesystem of the distribution's static busybox with its applets.
busybox_tar() {
    local root busybox
    busybox=$(command -v busybox) || die "busybox is missing (package busybox-static)"
    root=$(mktemp -d)
    mkdir -p "$root"/{bin,etc,root,tmp,var,usr/bin,home}
    chmod 755 "$root" "$root"/*
    chmod 1777 "$root/tmp"
    cp "$busybox" "$root/bin/busybox"
    # One process for hundreds of links: where processes are slow this is most of a test file's time.
    "$busybox" --list | (cd "$root/bin" && perl -ne 'chomp; $_ eq "busybox" or symlink "busybox", $_ or die "$_: $!\n"')
    printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
    tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner -cf "$1" .
    rm -rf "$root"
}
