#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the options of run and create do inside a container.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() { remember_footprint; }
teardown() { check_footprint; }

@test "-e, --env-file and the image's environment" {
    printf 'B=2\n# no\nC=with space\nHOST_VAR\n' >"$BATS_TEST_TMPDIR/env"
    HOST_VAR=h run kist run --rm -e A=1,2 --env-file "$BATS_TEST_TMPDIR/env" -e HOST_VAR busybox env
    [[ "$output" == *$'A=1,2'* && "$output" == *$'B=2'* && "$output" == *'C=with space'* && "$output" == *HOST_VAR=h* && "$output" == *PATH=* && "$output" == *HOME=/root* ]]
}

@test "-w makes the folder, -u takes names and numbers, --group-add adds" {
    [ "$(kist run --rm -w /a/b busybox pwd)" = /a/b ]
    [ "$(kist run --rm -u nobody busybox id -un)" = nobody ]
    [ "$(kist run --rm -u 1000:1001 --group-add 2000 busybox id -G)" = "1001 2000" ]
    run kist run --rm -u no-such-user busybox true
    [ "$status" -ne 0 ]
    [[ "$output" == *no-such-user* ]]
}

@test "--entrypoint replaces, and an empty one clears" {
    [ "$(kist run --rm --entrypoint echo busybox hi)" = hi ]
    [ "$(kist run --rm --entrypoint '' busybox echo hi)" = hi ]
}

@test "-v binds folders and files, read-write and read-only" {
    mkdir "$BATS_TEST_TMPDIR/d"
    echo data >"$BATS_TEST_TMPDIR/d/f"
    [ "$(kist run --rm -v "$BATS_TEST_TMPDIR/d:/mnt" busybox cat /mnt/f)" = data ]
    kist run --rm -v "$BATS_TEST_TMPDIR/d:/mnt" busybox sh -c 'echo new >/mnt/g'
    [ "$(cat "$BATS_TEST_TMPDIR/d/g")" = new ]
    run kist run --rm -v "$BATS_TEST_TMPDIR/d:/mnt:ro" busybox touch /mnt/h
    [ "$status" -ne 0 ]
    [ ! -e "$BATS_TEST_TMPDIR/d/h" ]
    [ "$(kist run --rm -v "$BATS_TEST_TMPDIR/d/f:/etc/one:ro" busybox cat /etc/one)" = data ]
    run kist run --rm --mount "type=bind,source=$BATS_TEST_TMPDIR/missing,target=/x" busybox true
    [ "$status" -eq 125 ]
    [[ "$output" == *missing* ]]
    kist run --rm -v "$BATS_TEST_TMPDIR/made:/x" busybox true
    [ -d "$BATS_TEST_TMPDIR/made" ]
}

@test "--mount and --tmpfs" {
    mkdir "$BATS_TEST_TMPDIR/d"
    kist run --rm --mount "type=bind,src=$BATS_TEST_TMPDIR/d,dst=/m,readonly" busybox sh -c '! touch /m/x'
    run kist run --rm --tmpfs /t:size=1m,mode=0700 busybox sh -c 'grep " /t tmpfs" /proc/mounts; stat -c %a /t'
    [[ "$output" == *size=1024k* && "$output" == *700* ]]
    run kist run --rm --mount type=tmpfs,target=/t,tmpfs-size=2m busybox grep ' /t tmpfs' /proc/mounts
    [[ "$output" == *size=2048k* ]]
    run kist run --rm --mount type=nonsense,target=/t busybox true
    [ "$status" -eq 125 ]
}

@test "--read-only with its temporary file systems, and without" {
    kist run --rm --read-only busybox sh -c '! touch /x && touch /tmp/x /run/x /var/tmp/x'
    kist run --rm --read-only --read-only-tmpfs=false busybox sh -c '! touch /tmp/x'
}

@test "--hostname, --add-host, --dns" {
    [ "$(kist run --rm --hostname web.example busybox hostname)" = web.example ]
    kist run --rm --add-host db:10.1.2.3 busybox grep -q '^10.1.2.3[[:space:]]*db' /etc/hosts
    run kist run --rm --dns 9.9.9.9 --dns-search example.com --dns-option ndots:3 busybox cat /etc/resolv.conf
    [[ "$output" == *'nameserver 9.9.9.9'* && "$output" == *'search example.com'* && "$output" == *'options ndots:3'* ]]
}

@test "-l, --label-file, --annotation, --cidfile" {
    echo 'from=file' >"$BATS_TEST_TMPDIR/labels"
    id=$(kist create -l a=1 --label b --label-file "$BATS_TEST_TMPDIR/labels" --cidfile "$BATS_TEST_TMPDIR/cid" busybox true)
    [ "$(cat "$BATS_TEST_TMPDIR/cid")" = "$id" ]
    [ "$(kist inspect --format '{{.Config.Labels.a}}-{{.Config.Labels.from}}' "$id")" = 1-file ]
    run kist create --cidfile "$BATS_TEST_TMPDIR/cid" busybox true
    [ "$status" -eq 125 ]
    [ "$(kist ps -aq --filter label=a=1 --no-trunc)" = "$id" ]
}

@test "limits: memory, cpus, pids, shm, ulimits, and the default of 2048 processes" {
    id=$(kist run -d --memory 64m --cpus 0.5 --pids-limit 50 --shm-size 16m --ulimit nofile=100:200 busybox sleep 100)
    kist exec "$id" sh -c 'grep "/dev/shm" /proc/mounts' | grep -q size=16384k
    [ "$(kist exec "$id" sh -c 'ulimit -Sn; ulimit -Hn')" = $'100\n200' ]
    path=$(kist inspect --format '{{.State.CgroupPath}}' "$id")
    if [ -d /sys/fs/cgroup/memory ]; then
        [ "$(cat "/sys/fs/cgroup/memory$path/memory.limit_in_bytes")" = 67108864 ]
        [ "$(cat "/sys/fs/cgroup/pids$path/pids.max")" = 50 ]
        [ "$(cat "/sys/fs/cgroup/cpu$path/cpu.cfs_quota_us")" = 50000 ]
        other=$(kist run -d busybox sleep 100)
        [ "$(cat "/sys/fs/cgroup/pids$(kist inspect --format '{{.State.CgroupPath}}' "$other")/pids.max")" = 2048 ]
    else
        [ "$(cat "/sys/fs/cgroup$path/memory.max")" = 67108864 ]
        [ "$(cat "/sys/fs/cgroup$path/pids.max")" = 50 ]
    fi
}

@test "a container that exceeds its memory is killed and says so" {
    run kist run --name bomb --memory 16m --memory-swap 16m busybox sh -c 'x=a; while :; do x=$x$x$x; done'
    [ "$status" -eq 137 ]
    [ "$(kist inspect --format '{{.State.OOMKilled}}' bomb)" = true ]
}

@test "--init reaps and forwards" {
    run kist run --rm --init busybox ps -o pid,args
    [[ "${lines[1]}" =~ ^\ *1\  && "${lines[1]}" == *init* && "${lines[2]}" == *"2 ps -o"* ]]
}

@test "--cap-add, --cap-drop, --privileged, no-new-privileges" {
    [ "$(kist run --rm busybox sed -n 's/^CapEff:\s*//p' /proc/self/status)" = 00000000a80425fb ]
    [ "$(kist run --rm --cap-drop all --cap-add chown busybox sed -n 's/^CapEff:\s*//p' /proc/self/status)" = 0000000000000001 ]
    [ "$(kist run --rm -u 1000 busybox sed -n 's/^CapEff:\s*//p' /proc/self/status)" = 0000000000000000 ]
    [ "$(kist run --rm --security-opt no-new-privileges busybox sed -n 's/^NoNewPrivs:\s*//p' /proc/self/status)" = 1 ]
    [ "$(kist run --rm --security-opt seccomp=unconfined busybox sed -n 's/^Seccomp:\s*//p' /proc/self/status)" = 0 ]
    [ "$(kist run --rm busybox sed -n 's/^Seccomp:\s*//p' /proc/self/status)" = 2 ]
    kist run --rm --privileged busybox sh -c 'mkdir -p /x && mount -t tmpfs t /x'
    run kist run --rm --cap-add nonsense busybox true
    [ "$status" -eq 125 ]
}

@test "--umask and --exec-opt native.umask: 0027 by default (SEEDS A208 to A210)" {
    [ "$(kist run --rm busybox sh -c umask)" = 0027 ]
    [ "$(kist run --rm --exec-opt native.umask=normal busybox sh -c umask)" = 0022 ]
    [ "$(kist run --rm --exec-opt native.umask=normal --umask 0077 busybox sh -c umask)" = 0077 ]
    run kist run --rm --exec-opt native.umask=nonsense busybox true
    [ "$status" -eq 125 ]
}

@test "--sysctl: namespaced ones only" {
    [ "$(kist run --rm --sysctl net.ipv4.ip_forward=1 busybox cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
    run kist run --rm --sysctl kernel.core_pattern=x busybox true
    [ "$status" -eq 125 ]
    run kist run --rm --network host --sysctl net.ipv4.ip_forward=1 busybox true
    [ "$status" -eq 125 ]
}

@test "--device gives a device, and none else is allowed" {
    run kist run --rm busybox sh -c 'mknod /tmp/d b 7 0 && dd if=/tmp/d of=/dev/null count=1'
    [ "$status" -ne 0 ]
    kist run --rm --device /dev/null:/dev/mynull busybox sh -c 'echo x >/dev/mynull'
}

@test "a bad value is refused with the option's name" {
    while read -r option value; do
        run kist create "$option" "$value" busybox true
        [ "$status" -eq 125 ] || { echo "$option $value: $status $output"; false; }
    done <<'L'
--memory abc
--memory 1x
--cpus -1
--pids-limit x
--shm-size zzz
--ulimit nofile
--ulimit nope=1
-v relative-no-colon:
--tmpfs relative
--stop-signal NOPE
--network no-such-network
--pid container:nobody
--umask 9
--device /dev/no-such-device
--security-opt nonsense
--add-host nocolon
--dns not-an-address
L
}
