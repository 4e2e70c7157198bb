# SPDX-License-Identifier: Apache-2.0
# For the tests of kist-oci: a private --root, a bundle of busybox, and a look at what is left behind.

. "${BASH_SOURCE[0]%/*}/common.bash"

KIST_OCI=${KIST_OCI:-$top/build-check/src/runtime/kist-oci}

oci() {
    "$KIST_OCI" --root "$T/state" "$@"
}

# make_bundle: $T with a root filesystem and a plain config.json. For setup_file.
make_bundle() {
    need_root
    T=$(mktemp -d /tmp/kist-oci.XXXXXX)
    export T
    mkdir -p "$T/bundle/rootfs"/{proc,sys,dev}
    (
        . "$top/contrib/lib.sh"
        busybox_tar "$T/busybox.tar"
    )
    tar -C "$T/bundle/rootfs" -xf "$T/busybox.tar"
    "$KIST_OCI" spec --bundle "$T/bundle"
    mv "$T/bundle/config.json" "$T/config.json"
}

remove_bundle() {
    [ -n "${T:-}" ] || return 0
    local id
    for id in $(oci list -q); do oci delete --force "$id"; done
    find /sys/fs/cgroup -depth -type d -path '*/kist-oci*' -exec rmdir {} + 2>/dev/null || true
    rm -rf "$T"
}

# config JQ-FILTER…: the bundle's config.json: no terminal, a writable root, /kist-oci-test/<id> left to the runtime, then the filters.
config() {
    local filter='.process.terminal=false | .root.readonly=false' more
    for more in "$@"; do filter+=" | $more"; done
    jq "$filter" "$T/config.json" >"$T/bundle/config.json"
}

# command WORD…: config with that command.
command_config() {
    local words
    words=$(jq -cn '$ARGS.positional' --args -- "$@")
    config ".process.args=$words"
}

oci_footprint() {
    awk '{print "mount " $5}' /proc/self/mountinfo
    ls /sys/class/net | sed 's/^/link /'
    find /sys/fs/cgroup -mindepth 2 -maxdepth 5 -type d -path '*/kist-oci/*' 2>/dev/null | sed 's/^/cgroup /'
    ls -A "$T/state" 2>/dev/null | grep -v '^\.seccomp$' | sed 's/^/state /'
    ls -A "$T/bundle" | sed 's/^/bundle /'
}
remember_oci_footprint() { config; remember oci_footprint; }
check_oci_footprint() {
    local id
    for id in $(oci list -q); do oci delete --force "$id" || return 1; done
    nothing_left oci_footprint
}

status_is() { [ "$(oci state "$1" | jq -r .status)" = "$2" ]; }
