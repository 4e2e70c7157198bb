# SPDX-License-Identifier: Apache-2.0
# For the security tests: hostile images, the attacker program, and a canary outside that must stay as it is.

load ../system/helpers
ATTACKER=${ATTACKER:-$top/build-check/tests/security/attacker}
KIST_OCI=${KIST_OCI:-$top/build-check/src/runtime/kist-oci}

# A folder outside all containers, and what the host must not lose.
make_canary() {
    mkdir "$ROOT_T/canary"
    echo untouched >"$ROOT_T/canary/file"
    chmod 600 "$ROOT_T/canary/file"
}
canary_state() {
    find "$ROOT_T/canary" -printf '%p %y %m %U %G %s %T@ %l\n' | sort
    cat "$ROOT_T/canary/file" /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname
    stat -c '%n %t:%T %a' /dev/null /dev/ptmx /dev/full
    stat -c '%n %s %y' "$KIST"
}
setup_security_file() {
    make_root
    make_canary
    mkdir "$ROOT_T/rootfs"
    tar -C "$ROOT_T/rootfs" -xf "$ROOT_T/busybox.tar"
    cp "$ATTACKER" "$ROOT_T/rootfs/bin/attacker"
    hostile_image attacker true
}
setup_security() {
    canary_state >"$BATS_TEST_TMPDIR/canary"
    remember_footprint
}
teardown_security() {
    local pid
    for pid in ${ATTACKS:-}; do kill "$pid" 2>/dev/null || true; done
    canary_state | diff "$BATS_TEST_TMPDIR/canary" - || { echo "the host has changed"; return 1; }
    check_footprint
}

# hostile_image NAME SCRIPT [KIST-IMPORT-OPTION…]: the root file system with SCRIPT's changes, made in a copy of it.
hostile_image() {
    local name=$1 script=$2 copy
    shift 2
    copy=$(mktemp -d "$ROOT_T/copy.XXXX")
    chmod 755 "$copy"
    cp -a "$ROOT_T/rootfs/." "$copy"
    (cd "$copy" && eval "$script")
    tar -C "$copy" --numeric-owner -cf "$ROOT_T/hostile.tar" .
    kist import -q --change 'CMD ["sh"]' "$@" "$ROOT_T/hostile.tar" "$name" >/dev/null
    rm -rf "$copy" "$ROOT_T/hostile.tar"
}
