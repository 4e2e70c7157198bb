#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A private containerd whose shim calls kist-oci.

load oci_helpers

ctr_() { ctr --address "$T/containerd/sock" "$@"; }
# run_ OPTION… ID COMMAND…: with the bundle's root filesystem.
run_() { ctr_ run --runc-binary "$KIST_OCI" --rootfs "$@"; }

setup_file() {
    make_bundle
    mkdir -p "$T/containerd"
    containerd --root "$T/containerd/root" --state "$T/containerd/state" --address "$T/containerd/sock" --log-level warn \
        >"$T/containerd/log" 2>&1 3>&- &
    echo $! >"$T/containerd/pid"
    wait_until 20 ctr_ version >/dev/null 2>&1
}
teardown_file() {
    [ -n "${T:-}" ] || return 0
    kill "$(cat "$T/containerd/pid")"
    wait_until 10 eval '! kill -0 "$(cat "$T/containerd/pid")" 2>/dev/null' || true
    find /sys/fs/cgroup -depth -type d -path '*/default*' -exec rmdir {} + 2>/dev/null || true
    remove_bundle
}
teardown() {
    local id
    for id in $(ctr_ task ls -q); do ctr_ task kill -s KILL "$id" || true; sleep 0.3; ctr_ task rm -f "$id" || true; done
    for id in $(ctr_ c ls -q); do ctr_ c rm "$id"; done
}

@test "ctr run passes output and exit code on" {
    run run_ --rm "$T/bundle/rootfs" c sh -c 'echo hi; exit 3'
    [ "$status" -eq 3 ]
    [ "$output" = hi ]
}

@test "a command that does not exist is told by name" {
    run run_ --rm "$T/bundle/rootfs" c no-such-program
    [ "$status" -ne 0 ]
    [[ "$output" == *"OCI runtime create failed: exec: 'no-such-program': executable file not found in \$PATH"* ]]
}

@test "exec, pause, resume, ps, kill of a task" {
    run_ -d "$T/bundle/rootfs" c sleep 100
    run ctr_ task exec --exec-id e1 c sh -c 'echo in; exit 4'
    [ "$status" -eq 4 ]
    [ "$output" = in ]
    ctr_ task pause c
    ctr_ task ls | grep -q 'c .*PAUSED'
    ctr_ task resume c
    ctr_ task ls | grep -q 'c .*RUNNING'
    [ "$(ctr_ task ps c | wc -l)" = 2 ]
    ctr_ task kill -s KILL c
    wait_until 5 eval 'ctr_ task ls | grep -q "c .*STOPPED"'
    run ctr_ task rm c
    ctr_ c rm c
}

@test "a task with a terminal" {
    run -0 script -qec "ctr --address $T/containerd/sock run --runc-binary $KIST_OCI --rootfs --rm -t $T/bundle/rootfs c tty" /dev/null </dev/null
    [[ "$output" == *"/dev/pts/0"* ]]
}
