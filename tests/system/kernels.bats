#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Kernels that lack a call (strace makes it fail): a container starts all the same where there is another way, else the
# start is refused with a reason and leaves nothing. Nothing is left out of the confinement in silence.
load helpers

setup_file() {
    strace -qq -e inject=getppid:error=ENOSYS true 2>/dev/null || skip "strace cannot trace here"
    make_root
}
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

# without CALL:error=… : a start where this call fails so.
without() {
    run --separate-stderr timeout 30 strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e "inject=$1" "$KIST" --config "$ROOT_T/kist.json" \
        --root "$ROOT_T/root" --runroot "$ROOT_T/run" run --rm --name web busybox sh -c 'grep -E "^(CapEff|Seccomp):" /proc/self/status; grep -c " /proc/sys " /proc/self/mountinfo'
    echo "$1: $status: $stderr"
    grep -q "(INJECTED)" "$BATS_TEST_TMPDIR/trace" # or the test would prove nothing
}

@test "there is another way: the container is confined as ever" {
    local call normal
    normal=$(kist run --rm busybox sh -c 'grep -E "^(CapEff|Seccomp):" /proc/self/status; grep -c " /proc/sys " /proc/self/mountinfo')
    # The third and later fsconfig calls hand layers over as descriptors, which came with 6.13.
    for call in close_range:error=ENOSYS keyctl:error=ENOSYS fsconfig:error=EINVAL:when=3 fsconfig:error=EOPNOTSUPP:when=3; do
        without "$call"
        [ "$status" -eq 0 ]
        [ "$output" = "$normal" ]
    done
}

@test "there is none: refused with the call's object and nothing is left" {
    local call
    for call in mount_setattr open_tree fsopen move_mount clone3 execveat seccomp signalfd4; do
        without "$call:error=ENOSYS"
        [ "$status" -eq 125 ]
        [[ "$stderr" = "kist: starting container 'web': "*"Function not implemented"* ]]
        [ -z "$(kist ps -aq)" ]
    done
    without mount_setattr:error=ENOSYS
    [[ "$stderr" = *"kist needs Linux 5.12 or newer"* ]]
}

@test "seccomp that is refused for other reasons refuses the start" {
    without seccomp:error=EPERM
    [ "$status" -eq 125 ]
    [[ "$stderr" = *"seccomp"* ]]
}
