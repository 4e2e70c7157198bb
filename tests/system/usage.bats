#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# system df, system prune, image tree.
load helpers

setup_file() { make_root; }
teardown_file() { remove_root; }
setup() {
    remember_footprint
    cd "$BATS_TEST_TMPDIR"
}
teardown() { check_footprint; }

@test "system df counts a shared layer once, and what a stopped container wrote as reclaimable" {
    base=$(kist system df --format '{{.Type}} {{.RawSize}}' | sed -n 's/^Images //p')
    kist run --name c busybox sh -c 'dd if=/dev/zero of=/big bs=1000 count=500 2>/dev/null; echo logged'
    kist commit c derived >/dev/null
    [ "$(kist system df --format '{{.Type}} {{.TotalCount}} {{.Active}} {{.RawSize}} {{.RawReclaimable}}')" = "Images 2 1 $((base + 500000)) 500000
Containers 1 0 500000 500000
Local Volumes 0 0 0 0" ]
    kist system df | head -1 | grep -Eq '^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE$'
    kist system df --format json | python3 -c 'import json, sys; d = json.load(sys.stdin); assert d[1]["RawSize"] == 500000, d'
    kist system df -v >verbose
    grep -Eq '^derived +latest +[0-9a-f]{12} .*500kB' verbose
    grep -Eq "^$(kist ps -aq) .* 500kB +[0-9]+B " verbose
    run -125 kist system df -v --format json
    kist rm c
    kist rmi derived
    kist volume create free >/dev/null
    printf 12345 >"$(kist volume mount free)/f"
    kist create --name d -v taken:/v busybox true
    [ "$(kist system df --format '{{.Type}} {{.TotalCount}} {{.Active}} {{.RawSize}} {{.RawReclaimable}}' | tail -1)" = "Local Volumes 2 1 5 5" ]
    kist system df -v | grep -Eq '^free +0 +5B$'
    kist rm d
    kist volume rm free taken
}

@test "system prune removes stopped containers, then images; with --all those that have a name" {
    kist run --name old busybox true
    kist run -d --name live busybox sleep 1000
    kist commit old unnamed >/dev/null
    kist untag unnamed
    kist commit -c 'LABEL keep=1' old named >/dev/null
    run kist system prune <<<n
    [ "$status" -eq 0 ]
    kist container exists old
    kist system prune -f >out
    grep -q '^Deleted Containers:' out
    grep -q '^Deleted Images:' out
    grep -q '^Total reclaimed space: ' out
    run -1 kist container exists old
    kist container exists live
    kist image exists named
    kist system prune -af --filter 'label!=keep' >/dev/null
    kist image exists named
    kist system prune -af >/dev/null
    run -1 kist image exists named
    kist image exists busybox
    run -125 kist system prune -f --filter name=live
    kist container exists live
}

@test "image tree shows the layers, and what was made on them" {
    kist run --name c busybox touch /one
    kist commit c tree:one >/dev/null
    kist image tree tree:one >own
    [ "$(grep -c 'ID: .*Size' own)" = 2 ]
    grep -q '^└── ID: .* Top Layer of: \[docker.io/library/tree:one\]$' own
    kist image tree --whatrequires busybox >above
    grep -q '^    └── ID: .*tree:one' above
    run -1 kist image tree no-such
    kist rmi tree:one
}

@test "mount shows a container's or image's files to one command, and leaves no mount" {
    kist run -d --name live --tmpfs /scratch busybox sh -c 'echo in >/scratch/f; echo own >/own; sleep 1000'
    wait_until 5 kist exec live test -s /own
    kist create --name idle busybox >/dev/null
    [ "$(kist mount live cat own scratch/f)" = $'own\nin' ]
    kist mount live sh -c 'echo from-host >"$KIST_MOUNT"/written'
    [ "$(kist exec live cat /written)" = from-host ]
    kist mount idle sh -c 'echo from-host >written'
    [ "$(kist mount idle cat written)" = from-host ]
    kist image mount busybox test -x bin/sh
    run kist image mount busybox touch new
    [ "$status" -ne 0 ]
    run -7 kist mount idle sh -c 'exit 7'
    run -127 kist mount idle no-such-program
    run -1 kist mount no-such true
    ! grep -q "$ROOT_T/run/mounts" /proc/self/mountinfo || false
    kist start idle
}
