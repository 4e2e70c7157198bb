#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Podman and its builder on kist-oci as the runtime.

load oci_helpers

podman_() {
    podman --root "$T/podman" --runroot "$T/podman-run" --storage-driver vfs --cgroup-manager cgroupfs --runtime "$KIST_OCI" "$@"
}
run_options=(--network none --security-opt apparmor=unconfined)

setup_file() {
    make_bundle
    # Without CAP_SYS_RESOURCE Podman's own default of 1048576 open files cannot be set.
    export CONTAINERS_CONF=$T/containers.conf
    printf '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\nevents_logger = "file"\n' >"$CONTAINERS_CONF"
    podman_ import -q "$T/busybox.tar" localhost/busybox >/dev/null
}
teardown_file() {
    [ -n "${T:-}" ] || return 0
    podman_ rm -af -t 0 >/dev/null || true
    podman_ system prune -af >/dev/null 2>&1 || true
    remove_bundle
}
# Podman removes its own containers only after the test's end; what it leaves is its own.
teardown() { podman_ rm -af -t 0 >/dev/null; [ -z "$(ls /run/kist-oci 2>/dev/null)" ]; }

@test "podman run passes output and exit code on" {
    run podman_ run --rm "${run_options[@]}" busybox sh -c 'echo hi; exit 3'
    [ "$status" -eq 3 ]
    [ "$output" = hi ]
}

@test "podman run tells 127 and 126 apart" {
    run podman_ run --rm "${run_options[@]}" busybox no-such-program
    [ "$status" -eq 127 ]
    [[ "$output" == *"executable file not found in \$PATH"* ]]
    run podman_ run --rm "${run_options[@]}" busybox /etc
    [ "$status" -eq 126 ]
}

@test "podman run -t and exec -t have a terminal" {
    run -0 script -qec "podman --root $T/podman --runroot $T/podman-run --storage-driver vfs --cgroup-manager cgroupfs --runtime $KIST_OCI run --rm -t ${run_options[*]} busybox tty" /dev/null </dev/null
    [[ "$output" == *"/dev/pts/0"* ]]
    podman_ run -d --name c "${run_options[@]}" busybox sleep 100
    run -0 script -qec "podman --root $T/podman --runroot $T/podman-run --storage-driver vfs --cgroup-manager cgroupfs --runtime $KIST_OCI exec -t c tty" /dev/null </dev/null
    [[ "$output" == *"/dev/pts/0"* ]]
}

@test "podman exec, pause, stats, top, stop, start, kill, wait" {
    podman_ run -d --name c "${run_options[@]}" busybox sh -c 'trap "exit 7" TERM; while :; do sleep 0.1; done'
    [ "$(podman_ exec c echo in)" = in ]
    run podman_ exec c sh -c 'exit 9'
    [ "$status" -eq 9 ]
    run podman_ exec c no-such-program
    [ "$status" -eq 127 ]
    podman_ pause c
    [ "$(podman_ inspect -f '{{.State.Status}}' c)" = paused ]
    podman_ unpause c
    run -0 podman_ stats --no-stream --format '{{.Name}} {{.PIDs}}' c
    [[ "$output" =~ ^c\ [0-9]+$ ]]
    run -0 podman_ top c args
    [[ "$output" == *"trap"* ]]
    podman_ stop -t 5 c
    [ "$(podman_ inspect -f '{{.State.ExitCode}}' c)" = 7 ]
    podman_ start c
    podman_ kill -s KILL c
    [ "$(podman_ wait c)" = 137 ]
}

@test "limits, mounts and users of podman are carried out" {
    mkdir "$T/volume"
    echo word >"$T/volume/file"
    run -0 podman_ run --rm "${run_options[@]}" -m 32m --pids-limit 40 --read-only -u 1000:1000 --cap-drop all -v "$T/volume:/m:ro" --tmpfs /t \
        busybox sh -c 'id -u; cat /m/file; touch /m/x /x 2>&1 | grep -c "Read-only"; touch /t/x && echo writable; grep CapEff /proc/self/status; cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max'
    [ "$output" = $'1000\nword\n2\nwritable\nCapEff:\t0000000000000000\n40' ]
    rm -r "$T/volume"
}

@test "podman build runs its steps in kist-oci" {
    mkdir -p "$T/context"
    printf 'FROM localhost/busybox\nRUN echo built >/x && id -u\nCMD cat /x\n' >"$T/context/Containerfile"
    podman_ build -q --network none --security-opt apparmor=unconfined -t localhost/built "$T/context"
    [ "$(podman_ run --rm "${run_options[@]}" localhost/built)" = built ]
    rm -r "$T/context"
}

needs_criu() { criu check >/dev/null 2>&1 || skip "criu check fails on this kernel"; }
# counter NAME: what the container of that name has counted to.
counter() { podman_ exec "$1" cat /tmp/n; }
counts_beyond() { [ "$(counter "$1")" -gt "$2" ]; }
counting=(sh -c 'i=0; while :; do i=$((i+1)); echo $i >/tmp/n; echo line $i; sleep 0.2; done')

@test "podman container checkpoint and restore" {
    needs_criu
    podman_ run -d --name c "${run_options[@]}" busybox "${counting[@]}"
    wait_until 20 counts_beyond c 3
    podman_ container checkpoint c
    [ "$(podman_ inspect -f '{{.State.Status}} {{.State.Checkpointed}}' c)" = "exited true" ]
    last=$(podman_ logs c | tail -1 | cut -d' ' -f2)
    podman_ container restore c
    wait_until 20 counts_beyond c "$last"
    [ "$(podman_ inspect -f '{{.State.Status}}' c)" = running ]
    podman_ logs c | grep -qx "line $((last + 1))"
    podman_ kill c
    [ "$(podman_ wait c)" = 137 ]
}

@test "podman restores an exported checkpoint under another name, beside the container that was left running" {
    needs_criu
    podman_ run -d --name c "${run_options[@]}" busybox "${counting[@]}"
    wait_until 20 counts_beyond c 3
    podman_ container checkpoint --leave-running --export "$T/checkpoint.tar.gz" c
    counts_beyond c 3
    podman_ container restore --import "$T/checkpoint.tar.gz" --name copy
    at=$(counter copy)
    wait_until 20 counts_beyond copy "$at"
    [ "$(podman_ ps -q | wc -l)" = 2 ]
    rm "$T/checkpoint.tar.gz"
}
